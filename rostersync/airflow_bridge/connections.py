"""Airflow's connections → what the program needs to reach database, mail server and inboxes. Secrets stay inside.

Each may be missing: `roster_db` (else `ROSTERSYNC_DATABASE_URL`, else the embedded server), `roster_sweep` (else
`ROSTERSYNC_SWEEP_URL`, else the embedded server), `smtp_default` (else `ROSTERSYNC_SMTP_URL`, else mails are files),
and the SFTP connections that districts name, whose extra must hold `host_key` (else `ROSTERSYNC_SFTP_<ID>`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException

from rostersync.exceptions import ConfigurationError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from rostersync.configuration.districts import District
    from rostersync.mailing import Sender
    from rostersync.settings import Settings
    from rostersync.transports import SftpCredentials

ROSTER = "roster_db"
SWEEP = "roster_sweep"
MAIL = "smtp_default"


def connection_roster_engine(settings_: Settings) -> Engine:
    """The tasks' engine."""
    from rostersync import database

    known = _connection(ROSTER)
    return database.engine(_database_url(known)) if known else database.roster_engine(settings_)


def connection_sweep_engine(settings_: Settings) -> Engine:
    """The engine of retention, on the tasks' database. Raises ConfigurationError when only theirs is known."""
    from rostersync import database

    known = _connection(SWEEP)
    if known is None and settings_.sweep_url is None and _connection(ROSTER) is not None:
        raise ConfigurationError(
            f"Connection {ROSTER} is there, but neither {SWEEP} nor ROSTERSYNC_SWEEP_URL.",
            hint=f"Make the connection {SWEEP}: the same database, with the login roster_sweep.",
        )
    return database.engine(_database_url(known)) if known else database.sweep_engine(settings_)


def open_connection_transport(district: District) -> Any:
    """The district's inbox, opened while used as a context manager."""
    from rostersync import transports

    return transports.open_transport(district.source, sftp_credentials, workbooks=district.policies.workbooks)


def sftp_credentials(connection: str) -> SftpCredentials:
    """How to log in to a district's server, and its pinned host key. Raises ConfigurationError; tells no secret."""
    from rostersync.transports import SftpCredentials, credentials_from_environment

    known = _connection(connection)
    if known is None:
        return credentials_from_environment(connection)
    extra = known.extra_dejson
    if not known.host or not known.login or not extra.get("host_key"):
        raise ConfigurationError(f"SFTP connection {connection}: needs host, login and the extra host_key.")
    return SftpCredentials(
        host=known.host,
        port=known.port or 22,
        user=known.login,
        password=known.password or None,
        private_key=_private_key(connection, extra),
        passphrase=extra.get("private_key_passphrase"),
        host_key=extra["host_key"],
    )


def _private_key(connection: str, extra: Mapping[str, Any]) -> str | None:
    if not extra.get("key_file"):
        return extra.get("private_key")
    try:
        return Path(extra["key_file"]).expanduser().read_text()
    except OSError as error:
        raise ConfigurationError(f"SFTP connection {connection}: its key_file cannot be read.") from error


def _connection(name: str) -> Any | None:
    try:
        return Connection.get(name)
    except AirflowNotFoundException:
        return None


def _database_url(connection: Any) -> str:
    """SQLAlchemy URL (psycopg 3); extras such as sslmode go along."""
    return _url("postgresql+psycopg", connection, f"/{connection.schema or 'roster'}", connection.extra_dejson)


def connection_sender(settings_: Settings) -> Sender:
    """A mail server, or a folder of `.eml` files."""
    from rostersync.mailing import EmlFolder, SmtpSender

    known = _connection(MAIL)
    url = _smtp_url(known) if known else settings_.smtp_url
    return SmtpSender(url) if url else EmlFolder(settings_.outbox)


def _smtp_url(connection: Any) -> str:
    """The extras are the SMTP provider's: TLS from the start unless disable_ssl, then STARTTLS unless disable_tls."""
    extra = connection.extra_dejson
    if not extra.get("disable_ssl"):
        return _url("smtps", connection)
    return _url("smtp", connection, query={"starttls": "no"} if extra.get("disable_tls") else {})


def _url(scheme: str, connection: Any, path: str = "", query: Mapping[str, Any] | None = None) -> str:
    login = (
        f"{quote(connection.login, safe='')}:{quote(connection.password or '', safe='')}@" if connection.login else ""
    )
    port = f":{connection.port}" if connection.port else ""
    return f"{scheme}://{login}{connection.host}{port}{path}" + (f"?{urlencode(query)}" if query else "")
