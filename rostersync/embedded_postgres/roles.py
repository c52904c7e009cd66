"""Roles and databases of the embedded server. On a server of your own the operator makes the same ones."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import sql

from rostersync.exceptions import DatabaseUnavailable

LOGINS = (
    "roster_owner",
    "roster_sync",
    "roster_source",
    "roster_manual",
    "roster_read",
    "roster_sweep",
    "airflow",
)
ROLES = {"roster_peek": "BYPASSRLS"}
"""Roles nobody logs in as, and their attributes."""
OWNER = "roster_owner"
PLAYED = ("roster_sync", "roster_source", "roster_manual", "roster_read", "roster_sweep", "roster_peek")
"""Whom the owner may act as, without inheriting anything: `db check` tries their rights, and a migration gives
`roster_peek` the one function that looks over the districts."""
FORBID_LARGE_OBJECTS = (
    "REVOKE EXECUTE ON FUNCTION lo_creat(integer), lo_create(oid), lo_from_bytea(oid, bytea) FROM PUBLIC"
)
DATABASES = {"roster": OWNER, "airflow": "airflow"}
"""database → owner."""


def bootstrap(admin_url: str, passwords: Mapping[str, str]) -> None:
    """Roles, passwords and databases; harmless when they are there. Raises DatabaseUnavailable."""
    with _admin(admin_url) as admin:
        for role in (*LOGINS, *ROLES):
            _ensure_role(admin, role, passwords.get(role))
        played = sql.SQL(", ").join(map(sql.Identifier, PLAYED))
        grant = sql.SQL("GRANT {} TO {} WITH INHERIT FALSE, SET TRUE")
        admin.execute(grant.format(played, sql.Identifier(OWNER)))
        for database, owner in DATABASES.items():
            if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
                make = sql.SQL("CREATE DATABASE {} OWNER {}")
                admin.execute(make.format(sql.Identifier(database), sql.Identifier(owner)))
    with _admin(admin_url.rpartition("/")[0] + "/roster") as admin:
        forbid_large_objects(admin)


def forbid_large_objects(admin: psycopg.Connection[Any]) -> None:
    """In this database nobody but a superuser makes a large object: no policy hides it, and no retention finds it.

    The functions belong to PostgreSQL itself, so that no migration could do it.
    """
    admin.execute(FORBID_LARGE_OBJECTS)


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
