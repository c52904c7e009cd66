"""`rostersync sample`: makes a night to try and says what to do with it."""

from __future__ import annotations

import shlex

from rostersync.cli import app as cli
from rostersync.cli.environment import source
from rostersync.exceptions import ConfigurationError
from rostersync.sample import Night, Wishes, write_demo, write_night
from rostersync.settings import include_path


def run(wishes: Wishes | None, seed: int) -> int:
    """The demo's three districts, or a night as wished; prints each file and the next command."""
    if wishes and wishes.foreign and not wishes.foreign.is_file():
        raise ConfigurationError(f"{wishes.foreign} is no file.", hint="Check the path after --foreign.")
    with source() as engine:
        night = write_night(engine, wishes) if wishes else write_demo(engine, seed=seed)
    for sent in night.files:
        broken = f"   broken: {sent.broken}" if sent.broken else ""
        print(f"{sent.district:<48} {sent.rows:>8,} rows {sent.schools:>6,} schools   {sent.path}{broken}")
    _say_next(night)
    return cli.FINE


def _say_next(night: Night) -> None:
    if night.include == include_path():
        cli.say("Next: rostersync sync")
        return
    cli.say("These districts have a configuration folder of their own. Next:")
    cli.say(f"  export ROSTERSYNC_INCLUDE={shlex.quote(str(night.include.resolve()))}")
    cli.say("  rostersync sync")
