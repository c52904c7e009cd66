"""`make bench`: our stages beside the floor, in one run, on one machine. Never fails on a timing."""
