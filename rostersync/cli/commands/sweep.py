"""`rostersync sweep`: what is older than its term goes, with a line of proof for each district and kind."""

from __future__ import annotations

from typing import Annotated

import typer

from rostersync import database, settings
from rostersync.cli.environment import roster
from rostersync.cli.exit_codes import FINE
from rostersync.cli.output import print_lines
from rostersync.operations import housekeeping
from rostersync.operations.housekeeping import proof_lines
from rostersync.operations.retention import Stores
from rostersync.pipeline import now
from rostersync.transports.landing_store import LandingStore


def sweep(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
) -> int:
    """Delete what is older than its retention term, and print the proof."""
    settings_ = settings.from_environment()
    with roster() as notes:
        engine = database.sweep_engine(settings_)
        try:
            landing = LandingStore(settings_.landing_url)
            stores = Stores(
                engine=engine, notes=notes, landing=landing, outbox=settings_.outbox, clock=now, dry_run=dry_run
            )
            swept = housekeeping.sweep_districts(stores)
        finally:
            engine.dispose()
    print_lines(proof_lines(swept, dry_run=dry_run))
    return FINE
