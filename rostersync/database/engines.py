"""Engines for each login, with bounded waits."""

from __future__ import annotations

from sqlalchemy import Engine, create_engine

from rostersync.embedded_postgres import server
from rostersync.exceptions import ConfigurationError
from rostersync.settings import Settings

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
