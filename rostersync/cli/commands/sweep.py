"""`rostersync sweep`: what is older than its term goes, with a line of proof for each district and kind."""

from __future__ import annotations

from rostersync import database, settings
from rostersync.cli import app as cli
from rostersync.cli.environment import roster
from rostersync.operations import housekeeping
from rostersync.operations.chores import told
from rostersync.operations.retention import Stores
from rostersync.pipeline import now
from rostersync.transports.landing_store import LandingStore


def run(dry_run: bool) -> int:
    """Sweep every district and print the proof; with `dry_run` print what would go."""
    wishes = settings.from_environment()
    with roster() as notes:
        engine = database.sweep_engine(wishes)
        try:
            landing = LandingStore(wishes.landing_url)
            stores = Stores(
                engine=engine, notes=notes, landing=landing, outbox=wishes.outbox, clock=now, dry_run=dry_run
            )
            swept = housekeeping.sweep(stores)
        finally:
            engine.dispose()
    print("\n".join(told(swept, dry_run=dry_run)))
    return cli.FINE
