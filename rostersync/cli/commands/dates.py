"""`rostersync dates`: start and end dated assignments now, in every district, without Airflow."""

from __future__ import annotations

from rostersync.cli import app as cli
from rostersync.cli.environment import edges
from rostersync.operations import housekeeping


def run() -> int:
    """Go through the present day of every district, again if need be, and print what that came to."""
    with edges() as opened:
        done = housekeeping.pass_days(opened, again=True)
    for code, dated in done.items():
        print(f"{code}: {dated.started:,} started, {dated.ended:,} ended, {dated.deactivated:,} people deactivated")
    if not done:
        cli.say("The roster knows no district yet.")
    return cli.FINE
