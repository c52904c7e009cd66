"""What each record of the roster is to become."""
