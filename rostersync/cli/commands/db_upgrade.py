"""`rostersync db upgrade`: migrations."""

from __future__ import annotations

from rostersync import database, settings
from rostersync.cli.exit_codes import FINE
from rostersync.cli.output import say


def upgrade() -> int:
    """Bring the roster database to the newest schema (ROSTERSYNC_OWNER_URL, or the embedded server)."""
    owner = database.owner_engine(settings.from_environment())
    try:
        revision = database.upgrade_schema(owner)
    finally:
        owner.dispose()
    say(f"The roster database is at revision {revision}.")
    return FINE
