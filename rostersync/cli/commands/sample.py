"""`rostersync sample`: makes a night to try and says what to do with it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from rostersync.cli.environment import source
from rostersync.cli.exit_codes import FINE
from rostersync.cli.output import say
from rostersync.configuration import districts
from rostersync.exceptions import ConfigurationError
from rostersync.sample import Night, SampleOptions, write_demo, write_night
from rostersync.settings import include_path


def sample(
    districts: Annotated[int | None, typer.Option(min=1, max=20_000, help="How many; without: the demo's 3.")] = None,
    faults: Annotated[float, typer.Option(min=0, max=1, help="Share of rows with a fault.")] = 0.02,
    rows: Annotated[int | None, typer.Option(min=1, help="Rows of the whole night; by default 6 a school.")] = None,
    broken: Annotated[int, typer.Option(min=0, help="Districts whose whole file is refused.")] = 0,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same night.")] = 7,
    schools: Annotated[Path | None, typer.Option(help="Real schools: a CSV with ncessch, leaid, state, city.")] = None,
    names: Annotated[Path | None, typer.Option(help="A folder with lists of real name frequencies.")] = None,
    foreign: Annotated[Path | None, typer.Option(help="One district sends this file by mistake.")] = None,
) -> int:
    """Make a night to try: districts, their roster of record, and users.csv files in their inboxes."""
    if foreign and not foreign.is_file():
        raise ConfigurationError(f"{foreign} is no file.", hint="Check the path after --foreign.")
    options = (
        None
        if districts is None
        else SampleOptions(
            districts=districts,
            faults=faults,
            rows=rows,
            broken=broken,
            seed=seed,
            schools=schools,
            names=names,
            foreign=foreign,
        )
    )
    with source() as engine:
        night = write_night(engine, options) if options else write_demo(engine, seed=seed)
    _print(night)
    return FINE


def _print(night: Night) -> None:
    """Each file of the night, and the next command."""
    for sent in night.files:
        broken = f"   broken: {sent.broken}" if sent.broken else ""
        print(f"{sent.district:<48} {sent.rows:>8,} rows {sent.schools:>6,} schools   {sent.path}{broken}")
    _say_next(night)


def _say_next(night: Night) -> None:
    if night.include.resolve() == include_path().resolve():
        absent = {sent.district for sent in night.files} - districts.load_districts().keys()
        say(f"{include_path()} has no {' and no '.join(sorted(absent))}. Next:" if absent else "Next: rostersync sync")
        if absent:
            say("  unset ROSTERSYNC_INCLUDE\n  rostersync sync")
        return
    say("These districts have a configuration folder of their own. Next:")
    say(f"  export ROSTERSYNC_INCLUDE={shlex.quote(str(night.include.resolve()))}")
    say("  rostersync sync")
