"""One connection of a superuser that acts as one of our roles for a while, in a transaction that is never committed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text

from rostersync.database import set_district


@contextmanager
def acting_as(conn: Connection, role: str, code: str) -> Iterator[None]:
    """Inside, the connection has this role's rights and concerns this district; afterwards its own again."""
    conn.execute(text(f"SET LOCAL ROLE {role}"))
    set_district(conn, code)
    yield
    conn.execute(text("RESET ROLE"))
