"""One module for each command: its words and its work."""
