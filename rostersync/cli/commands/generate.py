"""`rostersync generate`: the files that are derived from the dictionary, or whether they are up to date."""

from __future__ import annotations

from typing import Annotated

import typer

from rostersync import documentation
from rostersync.cli.exit_codes import FINE
from rostersync.cli.output import say
from rostersync.exceptions import ConfigurationError
from rostersync.settings import PROJECT


def generate(
    check: Annotated[bool, typer.Option("--check", help="Only tell what is out of date.")] = False,
) -> int:
    """Write the files that are derived from the dictionary."""
    stale = documentation.stale()
    if check and stale:
        names = ", ".join(str(path.relative_to(PROJECT)) for path in stale)
        raise ConfigurationError(f"Out of date: {names}.", hint="Run `rostersync generate` and commit the result.")
    for path, content in stale.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        say(f"written: {path.relative_to(PROJECT)}")
    if not stale:
        say("All generated files are up to date.")
    return FINE
