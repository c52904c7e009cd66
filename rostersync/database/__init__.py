"""The database: logins, transactions, schema, tables; and its errors in our own words."""

from __future__ import annotations

from rostersync.database.engines import (
    engine,
    manual_engine,
    owner_engine,
    roster_engine,
    source_engine,
    sweep_engine,
)
from rostersync.database.failures import translated
from rostersync.database.schema import LOGINS, check_revision, check_role, upgrade_schema
from rostersync.database.statistics import refresh_statistics
from rostersync.database.transactions import UPGRADE_LOCK, rolled_back_transaction, set_district, transaction

__all__ = [
    "LOGINS",
    "UPGRADE_LOCK",
    "check_revision",
    "check_role",
    "engine",
    "manual_engine",
    "owner_engine",
    "refresh_statistics",
    "rolled_back_transaction",
    "roster_engine",
    "set_district",
    "source_engine",
    "sweep_engine",
    "transaction",
    "translated",
    "upgrade_schema",
]
