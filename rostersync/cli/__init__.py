"""The command `rostersync`: one module a command, imported when it is called."""
