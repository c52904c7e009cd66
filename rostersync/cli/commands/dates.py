"""`rostersync dates`: start and end dated assignments now, in every district, without Airflow."""

from __future__ import annotations

from rostersync.cli.environment import open_services
from rostersync.cli.exit_codes import FINE
from rostersync.cli.output import say
from rostersync.operations import housekeeping


def dates() -> int:
    """Start and end dated assignments by today's date, in every district."""
    with open_services() as opened:
        done = housekeeping.apply_all_date_changes(opened, again=True)
    for code, dated in done.items():
        print(f"{code}: {dated.started:,} started, {dated.ended:,} ended, {dated.deactivated:,} people deactivated")
    if not done:
        say("The roster knows no district yet.")
    return FINE
