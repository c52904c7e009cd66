"""What an SFTP connection id stands for: a connection inside Airflow, an environment variable on the command line.

`ROSTERSYNC_SFTP_<ID>` (the id in capitals, `-` written as `_`) holds either a URL,

    sftp://user:password@host:22?host_key=ssh-ed25519%20AAAA…&private_key_file=/path

with percent-encoded parts, or a JSON object with host, port, user, password, private_key (PEM text), private_key_file,
passphrase and host_key. `host_key` is mandatory: the server's public key as `ssh-keyscan` prints it, without the host.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from rostersync.configuration.inboxes import connection_id
from rostersync.exceptions import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class SftpCredentials:
    """How to log in, and the one host key that is believed (`ssh-ed25519 AAAA…`). Secrets never show in its repr."""

    host: str
    port: int = 22
    user: str
    password: str | None = field(default=None, repr=False)
    private_key: str | None = field(default=None, repr=False)
    passphrase: str | None = field(default=None, repr=False)
    host_key: str


def credentials_from_environment(connection: str) -> SftpCredentials:
    """The credentials of this connection id. Raises ConfigurationError that names the variable, never its content."""
    name = "ROSTERSYNC_SFTP_" + connection.upper().replace("-", "_")
    value = os.environ.get(name)
    if not value:
        raise ConfigurationError(f"SFTP connection {connection}: the environment variable {name} is not set.")
    try:
        raw = json.loads(value) if value.lstrip().startswith("{") else _from_url(value)
        return _credentials(raw)
    except (ValueError, TypeError, KeyError, OSError):
        wish = "a URL or a JSON object with host, user and host_key, and a readable private_key_file if it names one"
        raise ConfigurationError(f"SFTP connection {connection}: {name} must be {wish}.") from None


def account(connection: str) -> tuple[object, ...]:
    """The same for two connection ids that are one login at one server, as far as the environment tells."""
    try:
        login = credentials_from_environment(connection)
    except ConfigurationError:
        return connection_id(connection)
    return (login.host.lower().rstrip("."), login.port, login.user)


def _from_url(value: str) -> dict[str, Any]:
    parts = urlsplit(value)
    if parts.scheme != "sftp":
        raise ValueError(parts.scheme)
    found: dict[str, Any] = {"host": parts.hostname, "user": unquote(parts.username or ""), "port": parts.port or 22}
    if parts.password:
        found["password"] = unquote(parts.password)
    # "+" is a letter of base 64 here, not a space.
    query = parse_qs(parts.query.replace("+", "%2B"))
    return found | {key: values[-1] for key, values in query.items()}


def _credentials(raw: dict[str, Any]) -> SftpCredentials:
    key_file = raw.pop("private_key_file", None)
    if key_file is not None:
        raw["private_key"] = Path(key_file).expanduser().read_text()
    unknown = set(raw) - {known.name for known in fields(SftpCredentials)}
    if unknown or not all(raw.get(name) for name in ("host", "user", "host_key")):
        raise KeyError(*unknown)
    return SftpCredentials(**{**raw, "port": int(raw.get("port", 22))})
