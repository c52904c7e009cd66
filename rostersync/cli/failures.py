"""What the command line says of its own failures; a traceback only when asked."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Final

from rostersync.cli.exit_codes import PIPE_CLOSED
from rostersync.cli.output import say

HELP: Final = "Try: rostersync --help, or rostersync COMMAND --help"


def explain_usage(message: str) -> None:
    """Say what is wrong with the words of a command; one without its subcommand gets the list of them."""
    said = [message] if message.startswith("Usage:") else [f"error: {message}", HELP]
    for line in said:
        say(line)


def print_trace(words: Sequence[str]) -> None:
    """Print the traceback when `--debug` is among the words."""
    if "--debug" in words:
        traceback.print_exc()


def pipe_closed() -> int:
    """Whoever read our output has gone; Python must not complain about it at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return PIPE_CLOSED
