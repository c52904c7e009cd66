"""What is done beside the nights: reviews, undo, replay, dates, retention, monitoring."""
