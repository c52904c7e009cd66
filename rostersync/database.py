"""Engines, migrations, and database errors in our own words (which hold no personal data)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from rostersync import embedded
from rostersync.errors import (
    ConfigurationError,
    DatabaseUnavailable,
    DistrictBusy,
    PermanentError,
    RosterSyncError,
    SchemaMismatch,
)
from rostersync.settings import Settings, include_path

if TYPE_CHECKING:
    from alembic.config import Config

UPGRADE_LOCK = 7_270_001
"""Advisory lock of migrations: any number that nothing else uses."""

SESSION = {
    "timezone": "UTC",
    "lock_timeout": "30s",
    "statement_timeout": "15min",
    "idle_in_transaction_session_timeout": "30min",
    "work_mem": "64MB",
    "temp_buffers": "128MB",
    "jit": "off",
}
"""Nothing waits for ever. The district lock has its own, shorter wait.

A plan of a large file stays in memory, and its many short statements are not worth compiling: whatever server it is.
"""
CONNECTION = {"connect_timeout": 10, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}


def engine(url: str, *, application_name: str = "rostersync") -> Engine:
    """An engine (psycopg 3) whose errors never show parameters and whose sessions are in UTC with bounded waits."""
    options = " ".join(f"-c {name}={value}" for name, value in SESSION.items())
    connect = {**CONNECTION, "options": options, "application_name": application_name}
    return create_engine(url, hide_parameters=True, pool_pre_ping=True, connect_args=connect)


def roster_engine(settings: Settings) -> Engine:
    """The tasks' engine: `ROSTERSYNC_DATABASE_URL`, else the embedded server (started if need be)."""
    return engine(settings.database_url or embedded.ensure_running().url)


def owner_engine(settings: Settings) -> Engine:
    """The engine of migrations: `ROSTERSYNC_OWNER_URL`, else the embedded server.

    Raises ConfigurationError when only the tasks' database is a server of your own.
    """
    if settings.owner_url is None and settings.database_url is not None:
        raise ConfigurationError("ROSTERSYNC_DATABASE_URL is set but ROSTERSYNC_OWNER_URL is not.")
    return engine(settings.owner_url or embedded.ensure_running().owner_url, application_name="rostersync-owner")


def upgrade(owner: Engine) -> str:
    """Bring the schema to the newest revision, in one transaction. Several at once wait for each other.

    Gives the revision. Raises what `translated` raises: ConfigurationError when the login is not the owner's.
    """
    from alembic import command  # 0.1 s, and only migrations need it

    with translated(), owner.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADE_LOCK})
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS intake"))
        config = _alembic()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return _newest()


def check_revision(roster: Engine) -> None:
    """Raises SchemaMismatch unless the schema is exactly the one this code needs."""
    with translated(), roster.connect() as connection:
        found = connection.execute(text("SELECT version_num FROM intake.alembic_version")).scalars().all()
    newest = _newest()
    if found != [newest]:
        raise SchemaMismatch(f"The database is at revision {', '.join(found) or 'none'}; this code needs {newest}.")


def check_role(roster: Engine) -> None:
    """Raises ConfigurationError when the tasks would run as a superuser, past row security, or as the owner."""
    query = """
        SELECT rolsuper OR rolbypassrls OR pg_has_role(current_user, nspowner, 'MEMBER')
        FROM pg_roles, pg_namespace WHERE rolname = current_user AND nspname = 'roster'
    """
    with translated(), roster.connect() as connection:
        if connection.execute(text(query)).scalar():
            raise ConfigurationError("ROSTERSYNC_DATABASE_URL logs in with too many rights: use the role roster_sync.")


def _alembic() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(include_path("migrations")).replace("%", "%%"))
    return config


def _newest() -> str:
    from alembic.script import ScriptDirectory

    head = ScriptDirectory.from_config(_alembic()).get_current_head()
    if head is None:
        raise ConfigurationError(f"No migration in {include_path('migrations')}.")
    return head


@contextmanager
def translated() -> Iterator[None]:
    """Database errors as ours: DatabaseUnavailable, DistrictBusy, SchemaMismatch, ConfigurationError, PermanentError.

    Only SQLSTATE, table and constraint are kept: a server's message, its DETAIL and the parameters may hold cells.
    """
    try:
        yield
    except (SQLAlchemyError, psycopg.Error) as error:
        raise _translation(error) from None


UNAVAILABLE = ("08", "53", "57", "40", "25P03", "58")
MISCONFIGURED = ("28", "3D", "42501")
OTHER_SCHEMA = ("42P01", "42703", "3F000")


def _translation(error: SQLAlchemyError | psycopg.Error) -> RosterSyncError:
    origin = error.orig if isinstance(error, StatementError) else error
    if isinstance(error, PoolTimeout):
        return DatabaseUnavailable("All database connections of this program are in use.")
    if isinstance(origin, psycopg.Error) and origin.sqlstate is None:
        return _without_state(origin)
    if isinstance(origin, psycopg.Error):
        return _of_state(origin)
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    kind = DatabaseUnavailable if lost else PermanentError
    return kind(f"The database access failed ({type(error).__name__}, {type(origin).__name__}).")


def _without_state(origin: psycopg.Error) -> RosterSyncError:
    """Failures before or beside a server's answer: connecting, or a connection that broke."""
    words = str(origin)
    if "authentication failed" in words or ("database" in words and "does not exist" in words):
        return ConfigurationError("The database refused the login or knows no such database: check the database URL.")
    if isinstance(origin, psycopg.OperationalError | psycopg.InterfaceError):
        return DatabaseUnavailable("The database cannot be reached, or the connection broke.")
    return PermanentError(f"The database access failed ({type(origin).__name__}).")


def _of_state(origin: psycopg.Error) -> RosterSyncError:
    state = origin.sqlstate or ""
    where = ", ".join(part for part in (origin.diag.table_name, origin.diag.constraint_name) if part)
    told = f"{type(origin).__name__}, SQLSTATE {state}" + (f", {where}" if where else "")
    if state == "55P03":
        return DistrictBusy(f"A lock was not free in time ({told}).")
    if state.startswith(UNAVAILABLE):
        return DatabaseUnavailable(f"The database broke the work off ({told}).")
    if state.startswith(MISCONFIGURED):
        return ConfigurationError(f"The database refused this login or an access ({told}).")
    if state.startswith(OTHER_SCHEMA):
        return SchemaMismatch(f"The schema is another one ({told}).")
    return PermanentError(f"The database refused a statement ({told}).")
