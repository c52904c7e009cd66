"""Roles and databases of the embedded server. On a server of your own the operator makes them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import sql

from rostersync.errors import DatabaseUnavailable

LOGINS = ("roster_owner", "roster_sync", "airflow")
ROLES = {"roster_source": "", "roster_manual": "", "roster_read": "", "roster_peek": "BYPASSRLS"}
"""Roles nobody logs in as yet, and their attributes."""
DATABASES = {"roster": "roster_owner", "airflow": "airflow"}
"""database → owner."""


def bootstrap(admin_url: str, passwords: Mapping[str, str]) -> None:
    """Roles, passwords and databases; harmless when they are there. Raises DatabaseUnavailable."""
    with _admin(admin_url) as admin:
        for role in (*LOGINS, *ROLES):
            _ensure_role(admin, role, passwords.get(role))
        for database, owner in DATABASES.items():
            if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
                make = sql.SQL("CREATE DATABASE {} OWNER {}")
                admin.execute(make.format(sql.Identifier(database), sql.Identifier(owner)))


def _admin(admin_url: str) -> psycopg.Connection[Any]:
    url = admin_url.replace("+psycopg", "")
    for _ in range(50):
        with contextlib.suppress(psycopg.OperationalError):
            return psycopg.connect(url, autocommit=True)
        time.sleep(0.1)
    raise DatabaseUnavailable("The embedded PostgreSQL started but refuses connections.")


def _ensure_role(admin: psycopg.Connection[Any], role: str, password: str | None) -> None:
    name = sql.Identifier(role)
    if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
        admin.execute(sql.SQL("CREATE ROLE {}").format(name))
    if password is None:
        admin.execute(sql.SQL("ALTER ROLE {} NOLOGIN " + ROLES[role]).format(name))
    else:
        admin.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(name, sql.Literal(password)))
