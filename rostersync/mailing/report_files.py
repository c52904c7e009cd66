"""Files on their way into districts' reports folders: what is due, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, or_, select, update

from rostersync.database.tables import report_drop, report_file
from rostersync.mailing.senders import GIVE_UP_AFTER, State, pause

DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """A file and its name in the folder; `tries` includes the one that is due."""

    report: str
    name: str
    target: str
    content: bytes
    tries: int
    created_at: datetime


def districts_with_drops(conn: Connection) -> Sequence[str]:
    """Districts with a file that waits for its folder."""
    waiting = report_drop.c.state.in_((State.QUEUED, State.DEFERRED))
    return conn.scalars(select(report_drop.c.district).where(waiting).distinct()).all()


def due_drops(conn: Connection, district: str, now: datetime) -> list[Drop]:
    """What is due in this district, oldest first, locked until the transaction ends; others pass over it."""
    drop = report_drop.c
    due = or_(drop.next_try_at.is_(None), drop.next_try_at <= now)
    rows = conn.execute(
        select(report_drop, report_file.c.content)
        .join(report_file, (report_file.c.report == drop.report) & (report_file.c.name == drop.name))
        .where(drop.district == district, drop.state.in_((State.QUEUED, State.DEFERRED)), due)
        .order_by(drop.created_at, drop.report, drop.name)
        .with_for_update(of=report_drop, skip_locked=True)
    )
    return [
        Drop(
            report=row.report,
            name=row.name,
            target=row.target,
            content=bytes(row.content),
            tries=row.tries + 1,
            created_at=row.created_at,
        )
        for row in rows
    ]


def record_dropped(conn: Connection, drop: Drop, now: datetime) -> None:
    """The file is in its folder."""
    _record(conn, drop, state=DROPPED, answer=None, dropped_at=now)


def record_failed(conn: Connection, drop: Drop, words: str, now: datetime, *, try_again: bool) -> State:
    """The file is not there: tried again with growing pauses for 48 hours, or left for a person. Gives which."""
    if try_again and now - drop.created_at < GIVE_UP_AFTER:
        _record(conn, drop, state=State.DEFERRED, answer=words, next_try_at=now + pause(drop.tries))
        return State.DEFERRED
    _record(conn, drop, state=State.REFUSED, answer=words)
    return State.REFUSED


def _record(conn: Connection, drop: Drop, **values: Any) -> None:
    ours = (report_drop.c.report == drop.report) & (report_drop.c.name == drop.name)
    conn.execute(update(report_drop).where(ours).values(tries=drop.tries, **values))
