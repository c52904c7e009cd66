"""screening/rules."""
