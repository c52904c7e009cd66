"""The database: logins, transactions, schema, tables; and its errors in our own words."""

from __future__ import annotations

from rostersync.database.engines import (
    LOGINS,
    UPGRADE_LOCK,
    check_revision,
    check_role,
    concern,
    engine,
    manual_engine,
    owner_engine,
    rehearsal,
    roster_engine,
    source_engine,
    sweep_engine,
    transaction,
    translated,
    upgrade,
)

__all__ = [
    "LOGINS",
    "UPGRADE_LOCK",
    "check_revision",
    "check_role",
    "concern",
    "engine",
    "manual_engine",
    "owner_engine",
    "rehearsal",
    "roster_engine",
    "source_engine",
    "sweep_engine",
    "transaction",
    "translated",
    "upgrade",
]
