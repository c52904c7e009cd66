"""What PostgreSQL knows of the roster's tables when it chooses how to join them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from sqlalchemy import Engine, func, select

from rostersync.database.transactions import transaction
from rostersync.exceptions import RosterSyncError


def refresh_statistics(engine: Engine) -> Sequence[str]:
    """Analyze the roster's tables where what is there differs from what is known; gives their names.

    In a transaction of its own, before the one that plans: ANALYZE keeps its lock to the end, and would make other
    districts wait for it. It waits for nobody. Without it a plan is as right and only slower, so that no failure of it
    is one of the caller's: what is really away is noticed by the next transaction.
    """
    with suppress(RosterSyncError), transaction(engine, None) as conn:
        return conn.scalars(select(func.roster.refresh_statistics().column_valued("name"))).all()
    return ()
