"""Database errors in our own words, which hold no personal data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from rostersync.exceptions import (
    ConfigurationError,
    DatabaseUnavailable,
    DistrictBusy,
    NotOurs,
    RosterSyncError,
    SchemaMismatch,
    StatementRefused,
)

UNAVAILABLE = ("08", "53", "57", "40", "25006", "25P03", "58")
"""SQLSTATEs that may pass. 25006: nobody may write, as on a replica that a failover has not promoted yet."""
MISCONFIGURED = ("28", "3D", "42501")
OF_OURS = {
    "RSD01": "A statement about a district's records came on behalf of no district",
    "RSO01": "A record of another owner was to be written",
    "RSK01": "The key of an address was to be changed without the address",
}
"""What the schema itself raises (migrations 0003 and 0012)."""
OTHER_SCHEMA = ("42P01", "42703", "3F000")


@contextmanager
def translated() -> Iterator[None]:
    """Database errors as ours: DatabaseUnavailable, DistrictBusy, SchemaMismatch, ConfigurationError, NotOurs,
    StatementRefused.

    Only SQLSTATE, table and constraint are kept: a server's message, its DETAIL and the parameters may hold cells.
    """
    try:
        yield
    except (SQLAlchemyError, psycopg.Error) as error:
        raise _translation(error) from None


def _translation(error: SQLAlchemyError | psycopg.Error) -> RosterSyncError:
    origin = error.orig if isinstance(error, StatementError) else error
    if isinstance(error, PoolTimeout):
        return DatabaseUnavailable("All database connections of this program are in use.")
    if isinstance(origin, psycopg.Error) and origin.sqlstate is None:
        return _without_state(origin)
    if isinstance(origin, psycopg.Error):
        return _of_state(origin)
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    kind = DatabaseUnavailable if lost else StatementRefused
    return kind(f"The database access failed ({type(error).__name__}, {type(origin).__name__}).")


def _without_state(origin: psycopg.Error) -> RosterSyncError:
    """Failures before or beside a server's answer: connecting, or a connection that broke."""
    words = str(origin)
    if "authentication failed" in words or ("database" in words and "does not exist" in words):
        return ConfigurationError("The database refused the login or knows no such database: check the database URL.")
    if isinstance(origin, psycopg.OperationalError | psycopg.InterfaceError):
        return DatabaseUnavailable("The database cannot be reached, or the connection broke.")
    return StatementRefused(f"The database access failed ({type(origin).__name__}).")


def _of_state(origin: psycopg.Error) -> RosterSyncError:
    state = origin.sqlstate or ""
    where = ", ".join(part for part in (origin.diag.table_name, origin.diag.constraint_name) if part)
    told = f"{type(origin).__name__}, SQLSTATE {state}" + (f", {where}" if where else "")
    if state in OF_OURS:
        return NotOurs(f"{OF_OURS[state]} ({told}).")
    if state == "55P03":
        return DistrictBusy(f"A lock was not free in time ({told}).")
    if state.startswith(UNAVAILABLE):
        return DatabaseUnavailable(f"The database broke the work off ({told}).")
    if state.startswith(MISCONFIGURED):
        return ConfigurationError(f"The database refused this login or an access ({told}).")
    if state.startswith(OTHER_SCHEMA):
        return SchemaMismatch(f"The schema is another one ({told}).")
    return StatementRefused(f"The database refused a statement ({told}).")
