"""Transactions on behalf of a district; their errors come out as ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, Engine, func, select, text

from rostersync.database.failures import translated
from rostersync.exceptions import DistrictBusy, RosterSyncError

UPGRADE_LOCK = 7_270_001
"""Advisory lock: a migration takes it alone, work on a district shares it. Any number that nothing else uses."""


@contextmanager
def transaction(engine: Engine, code: str | None) -> Iterator[Connection]:
    """One transaction on behalf of a district; its errors come out as ours, without personal data.

    `None`: on behalf of no district. Such a transaction can read the ledger's listings; what holds cells raises.
    """
    try:
        with translated(), engine.begin() as conn:
            if code is not None:
                set_district(conn, code)
            yield conn
    except DistrictBusy as error:
        raise DistrictBusy(error.message + _in_the_way(engine)) from None


@contextmanager
def rolled_back_transaction(engine: Engine, code: str) -> Iterator[Connection]:
    """The same, always rolled back: what a dry run does to the database."""
    with translated(), engine.connect() as conn:
        begun = conn.begin()
        try:
            set_district(conn, code)
            yield conn
        finally:
            begun.rollback()


def set_district(conn: Connection, code: str) -> None:
    """From here to its end this transaction concerns one district: row-level security hides all others from it.

    It waits for a migration that is under way, and a migration waits for it.
    """
    district = func.set_config("rostersync.district", code, True)
    conn.execute(select(district, func.pg_advisory_xact_lock_shared(UPGRADE_LOCK)))


def _in_the_way(engine: Engine) -> str:
    """Who holds locks that one may have waited for: an operator knows whom to ask, or what to end."""
    query = """
        SELECT DISTINCT application_name, pid
        FROM pg_locks JOIN pg_stat_activity USING (pid) LEFT JOIN pg_class ON pg_class.oid = relation
        WHERE granted AND pid <> pg_backend_pid() AND datname = current_database()
            AND (locktype = 'advisory' OR (mode <> 'AccessShareLock' AND relnamespace IN (
                SELECT oid FROM pg_namespace WHERE nspname IN ('roster', 'intake'))))
        ORDER BY pid
    """
    with suppress(RosterSyncError), translated(), engine.connect() as conn:
        found = [f"{row.application_name or 'a session'} (pid {row.pid})" for row in conn.execute(text(query))]
        return f" Holding locks now: {', '.join(found)}." if found else ""
    return ""
