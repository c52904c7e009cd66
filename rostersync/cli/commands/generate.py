"""`rostersync generate`: the files that are derived from the dictionary, or whether they are up to date."""

from __future__ import annotations

from rostersync import documentation
from rostersync.cli import app as cli
from rostersync.exceptions import ConfigurationError
from rostersync.settings import PROJECT


def run(check: bool) -> int:
    """Write what is out of date. With `check`: raises ConfigurationError naming it, and writes nothing."""
    stale = documentation.stale()
    if check and stale:
        names = ", ".join(str(path.relative_to(PROJECT)) for path in stale)
        raise ConfigurationError(f"Out of date: {names}.", hint="Run `rostersync generate` and commit the result.")
    for path, content in stale.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        cli.say(f"written: {path.relative_to(PROJECT)}")
    if not stale:
        cli.say("All generated files are up to date.")
    return cli.FINE
