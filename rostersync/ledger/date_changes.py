"""What passing days did to each district, in numbers, and which report said so."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.postgresql import insert

from rostersync.database.tables import dating
from rostersync.model import DateChanges


def record_dated(conn: Connection, code: str, day: date, dated: DateChanges, *, at: datetime) -> None:
    """Note that a day was gone through; what one more look at the same day did is added, and is told anew."""
    row = {"started": dated.started, "ended": dated.ended, "deactivated": dated.deactivated, "at": at}
    made = insert(dating).values(district=code, day=day, **row)
    more = {name: dating.c[name] + made.excluded[name] for name in ("started", "ended", "deactivated")}
    untold = {"told_in": None} if dated else {}
    keys = [dating.c.district, dating.c.day]
    conn.execute(made.on_conflict_do_update(index_elements=keys, set_={**more, **untold, "at": at}))


def dated_until(conn: Connection) -> dict[str, date]:
    """district → the last day that was gone through."""
    newest = select(dating.c.district, func.max(dating.c.day).label("day")).group_by(dating.c.district)
    return {row.district: row.day for row in conn.execute(newest)}


def unreported_date_changes(conn: Connection, code: str) -> DateChanges:
    """What passing days did since the district was last told of it."""
    return _sum(conn, code, None)


def date_changes_reported_in(conn: Connection, code: str, report: str) -> DateChanges:
    """What a report said of passing days."""
    return _sum(conn, code, report)


def mark_date_changes_reported(conn: Connection, code: str, report: str) -> None:
    """Note that this report tells of everything that was untold."""
    conn.execute(update(dating).where(dating.c.district == code, dating.c.told_in.is_(None)).values(told_in=report))


def _sum(conn: Connection, code: str, report: str | None) -> DateChanges:
    sums = [func.coalesce(func.sum(dating.c[name]), 0) for name in ("started", "ended", "deactivated")]
    told = dating.c.told_in.is_not_distinct_from(report)
    started, ended, deactivated = conn.execute(select(*sums).where(dating.c.district == code, told)).one()
    return DateChanges(started=started, ended=ended, deactivated=deactivated)
