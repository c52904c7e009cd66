"""Engines, transactions, migrations, and database errors in our own words (which hold no personal data)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import psycopg
from sqlalchemy import Connection, Engine, create_engine, func, select, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from rostersync.embedded_postgres import roles as embedded_roles
from rostersync.embedded_postgres import server
from rostersync.exceptions import (
    ConfigurationError,
    DatabaseUnavailable,
    DistrictBusy,
    NotOurs,
    RosterSyncError,
    SchemaMismatch,
    StatementRefused,
)
from rostersync.settings import Settings, include_path

if TYPE_CHECKING:
    from alembic.config import Config

UPGRADE_LOCK = 7_270_001
"""Advisory lock: a migration takes it alone, work on a district shares it. Any number that nothing else uses."""

SESSION = {
    "timezone": "UTC",
    "default_transaction_isolation": "read committed",
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
    options = " ".join(f"-c {name}={value.replace(' ', chr(92) + ' ')}" for name, value in SESSION.items())
    connect = {**CONNECTION, "options": options, "application_name": application_name}
    return create_engine(url, hide_parameters=True, pool_pre_ping=True, connect_args=connect)


def roster_engine(settings: Settings) -> Engine:
    """The tasks' engine: `ROSTERSYNC_DATABASE_URL`, else the embedded server (started if need be)."""
    return engine(settings.database_url or server.ensure_running().url)


def owner_engine(settings: Settings) -> Engine:
    """The engine of migrations: `ROSTERSYNC_OWNER_URL`, else the embedded server.

    Raises ConfigurationError when only the tasks' database is a server of your own.
    """
    return _beside(settings, "ROSTERSYNC_OWNER_URL", settings.owner_url, "roster_owner")


def source_engine(settings: Settings) -> Engine:
    """The enrollment source's engine: `ROSTERSYNC_SOURCE_URL`, else the embedded server. Raises like `owner_engine`."""
    return _beside(settings, "ROSTERSYNC_SOURCE_URL", settings.source_url, "roster_source")


def manual_engine(settings: Settings) -> Engine:
    """The engine of edits by hand: `ROSTERSYNC_MANUAL_URL`, else the embedded server. Raises like `owner_engine`."""
    return _beside(settings, "ROSTERSYNC_MANUAL_URL", settings.manual_url, "roster_manual")


def sweep_engine(settings: Settings) -> Engine:
    """The engine of retention: `ROSTERSYNC_SWEEP_URL`, else the embedded server. Raises like `owner_engine`."""
    return _beside(settings, "ROSTERSYNC_SWEEP_URL", settings.sweep_url, "roster_sweep")


def _beside(settings: Settings, name: str, url: str | None, role: str) -> Engine:
    """The engine of another role than the tasks' on the same database."""
    if url is None and settings.database_url is not None:
        raise ConfigurationError(f"ROSTERSYNC_DATABASE_URL is set but {name} is not.")
    return engine(url or server.ensure_running().url_of(role), application_name=role.replace("_", "-"))


@contextmanager
def transaction(engine: Engine, code: str | None) -> Iterator[Connection]:
    """One transaction on behalf of a district; its errors come out as ours, without personal data.

    `None`: on behalf of no district. Such a transaction can read the ledger's listings; what holds cells raises.
    """
    try:
        with translated(), engine.begin() as conn:
            if code is not None:
                concern(conn, code)
            yield conn
    except DistrictBusy as error:
        raise DistrictBusy(error.message + _in_the_way(engine)) from None


@contextmanager
def rehearsal(engine: Engine, code: str) -> Iterator[Connection]:
    """The same, always rolled back: what a dry run does to the database."""
    with translated(), engine.connect() as conn:
        begun = conn.begin()
        try:
            concern(conn, code)
            yield conn
        finally:
            begun.rollback()


def concern(conn: Connection, code: str) -> None:
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


def upgrade(owner: Engine) -> str:
    """Bring the schema to the newest revision, in one transaction. Several at once wait for each other.

    Gives the revision. Raises what `translated` raises: ConfigurationError when the login is not the owner's.
    """
    from alembic import command  # 0.1 s, and only migrations need it

    with transaction(owner, None) as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADE_LOCK})
        _check_roles(connection)
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS intake"))
        config = _alembic()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return _newest()


def _check_roles(connection: Connection) -> None:
    """Raises ConfigurationError when the roles are not there: only a superuser can make them."""
    query = "SELECT count(*) FROM pg_roles WHERE rolname = ANY (:roles) AND pg_has_role(oid, 'SET')"
    roles = list(embedded_roles.PLAYED)
    if connection.execute(text(query), {"roles": roles}).scalar() != len(roles):
        raise ConfigurationError(
            f"The owner's login must be a member of the roles {', '.join(roles)}.",
            hint="Let a superuser run the statements of include/compose/databases.sh.",
        )


def check_revision(roster: Engine) -> None:
    """Raises SchemaMismatch unless the schema is exactly the one this code needs."""
    with transaction(roster, None) as connection:
        found = connection.execute(text("SELECT version_num FROM intake.alembic_version")).scalars().all()
    newest = _newest()
    if found != [newest]:
        raise SchemaMismatch(f"The database is at revision {', '.join(found) or 'none'}; this code needs {newest}.")


LOGINS = ("roster_sync", "roster_source", "roster_manual", "roster_sweep")
"""Who writes: the tasks for files, the enrollment source, people by hand, and retention, which only deletes."""


def check_role(roster: Engine, role: str = "roster_sync") -> None:
    """Raises ConfigurationError when the login of this role could act as a superuser, past row security, as the
    owner, or as one of the other writers.
    """
    query = """
        SELECT rolsuper OR rolbypassrls OR rolcreaterole OR pg_has_role(current_user, nspowner, 'MEMBER')
            OR EXISTS (SELECT FROM pg_roles other WHERE (other.rolbypassrls OR other.rolname = ANY (:others))
                       AND pg_has_role(current_user, other.oid, 'MEMBER'))
        FROM pg_roles, pg_namespace WHERE rolname = current_user AND nspname = 'roster'
    """
    others = [login for login in LOGINS if login != role]
    with transaction(roster, None) as connection:
        if connection.execute(text(query), {"others": others}).scalar():
            raise ConfigurationError(f"The login of the database URL has too many rights: use the role {role}.")


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
    """Database errors as ours: DatabaseUnavailable, DistrictBusy, SchemaMismatch, ConfigurationError, NotOurs,
    StatementRefused.

    Only SQLSTATE, table and constraint are kept: a server's message, its DETAIL and the parameters may hold cells.
    """
    try:
        yield
    except (SQLAlchemyError, psycopg.Error) as error:
        raise _translation(error) from None


UNAVAILABLE = ("08", "53", "57", "40", "25006", "25P03", "58")
"""SQLSTATEs that may pass. 25006: nobody may write, as on a replica that a failover has not promoted yet."""
MISCONFIGURED = ("28", "3D", "42501")
OF_OURS = {
    "RSD01": "A statement about a district's records came on behalf of no district",
    "RSO01": "A record of another owner was to be written",
}
"""What the schema itself raises (migration 0002)."""
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
