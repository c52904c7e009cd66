"""Looks at inboxes: since when is each file as it is now, what was beside it, and what was it called?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, func, insert, select, union_all

from rostersync.database.tables import arrival, delivery, inbox_look
from rostersync.ledger.runs import NEAR_NAME
from rostersync.model import RemoteFile


def record_inbox_look(
    conn: Connection, dag_id: str, run_id: str, code: str, files: Sequence[RemoteFile], seen_at: datetime
) -> None:
    """One row per file of a run's first look at a district's inbox; names are stored here and shown nowhere."""
    rows = [
        {
            "district": code,
            "dag_id": dag_id,
            "run_id": run_id,
            "name": file.name,
            "size_bytes": file.size,
            "modified_at": file.modified_at,
            "seen_at": seen_at,
        }
        for file in files
    ]
    if rows:
        conn.execute(insert(inbox_look), rows)


def steady_since(conn: Connection, code: str, files: Sequence[RemoteFile]) -> dict[RemoteFile, datetime]:
    """When each of these files was first seen with exactly this size and time, if it ever was: an earlier look.

    It may be a look of a `pull`, or the first look of a run at all its inboxes.
    """
    names = [file.name for file in files]
    seen = union_all(
        *(
            select(table.c.name, table.c.size_bytes, table.c.modified_at, table.c.seen_at).where(
                table.c.district == code, table.c.name.in_(names)
            )
            for table in (arrival, inbox_look)
        )
    ).subquery("seen")
    as_it_is = (seen.c.name, seen.c.size_bytes, seen.c.modified_at)
    first = {
        RemoteFile(name=row.name, size=row.size_bytes, modified_at=row.modified_at): row.since
        for row in conn.execute(select(*as_it_is, func.min(seen.c.seen_at).label("since")).group_by(*as_it_is))
    }
    return {file: first[file] for file in files if file in first}


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenBeside:
    """Another file of a look; `sha256` is None while it is still growing."""

    sha256: str | None
    modified_at: datetime


def files_beside(conn: Connection, code: str, id_: str) -> list[SeenBeside]:
    """The other files of the last look that met this delivery, newest first, but for those with a near name."""
    seen = select(func.max(arrival.c.seen_at)).where(arrival.c.delivery == id_).scalar_subquery()
    own = and_(arrival.c.delivery == id_, arrival.c.seen_at == seen)
    others = (
        select(delivery.c.sha256, func.max(arrival.c.modified_at).label("modified_at"))
        .select_from(arrival.outerjoin(delivery, delivery.c.id == arrival.c.delivery))
        .where(arrival.c.district == code, arrival.c.seen_at == seen, arrival.c.name.is_not(None))
        .where(arrival.c.delivery.is_distinct_from(id_), arrival.c.outcome != NEAR_NAME)
        # Under its own name it was seen before it was complete: that is no other file.
        .where(arrival.c.name.not_in(select(arrival.c.name).where(own, arrival.c.name.is_not(None))))
        .group_by(delivery.c.sha256)
        .order_by(func.max(arrival.c.modified_at).desc(), delivery.c.sha256)
    )
    return [SeenBeside(sha256=row.sha256, modified_at=row.modified_at) for row in conn.execute(others)]


def last_file_name(conn: Connection, id_: str) -> str | None:
    """The name under which a delivery's bytes were met the last time; None when that was swept."""
    named = select(arrival.c.name).where(arrival.c.delivery == id_, arrival.c.name.is_not(None))
    name: str | None = conn.scalar(named.order_by(arrival.c.id.desc()).limit(1))
    return name
