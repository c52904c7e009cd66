"""Looks at inboxes before a file is taken: since when is each of its files as it is now?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, func, insert, select, union_all

from rostersync.database.tables import arrival, inbox_look
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
