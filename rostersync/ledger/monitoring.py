"""The ledger's listings for the watcher: over all districts at once, and without any cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Table, exists, func, select

from rostersync.database.tables import arrival, attempt, delivery, district, message, report, report_drop
from rostersync.ledger.runs import NEAR_NAME
from rostersync.model import DeliveryState, Outcome

_APPLIED = (Outcome.APPLIED, Outcome.APPLIED_WITH_ERRORS)


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxScans:
    """When an inbox was looked at first and last, and when a file was in it last (None: never).

    `near_names`: files of the last look that were not read, because their names are only near the expected one.
    """

    first: datetime
    last: datetime
    last_file: datetime | None
    near_names: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedDelivery:
    """A delivery that nobody has finished, and when something was last done about it."""

    delivery: str
    district: str
    state: DeliveryState
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """How many messages or files of a district are in some state, and when the oldest and latest were entered."""

    district: str
    count: int
    oldest: datetime
    latest: datetime


def seen_files_since(conn: Connection) -> dict[str, datetime]:
    """district → since when the roster knows it."""
    return {row.code: row.created_at for row in conn.execute(select(district.c.code, district.c.created_at))}


def inbox_scans(conn: Connection) -> dict[str, InboxScans]:
    """district → how its inbox was looked at, of all that ever was.

    Looks hold file names, which a district alone sees: the transaction concerns one after the other, in the end none.
    """
    found = {}
    for code in conn.scalars(select(district.c.code).order_by(district.c.code)).all():
        _concern(conn, code)
        if (looked := _looks_of(conn, code)) is not None:
            found[code] = looked
    _concern(conn, "")
    return found


def _concern(conn: Connection, code: str) -> None:
    conn.execute(select(func.set_config("rostersync.district", code, True)))


def _looks_of(conn: Connection, code: str) -> InboxScans | None:
    arrivals = arrival.c
    times = (func.min(arrivals.seen_at).label("first"), func.max(arrivals.seen_at).label("last"))
    last_file = (
        func.max(arrivals.seen_at).filter(arrivals.name.is_not(None), arrivals.outcome != NEAR_NAME).label("last_file")
    )
    row = conn.execute(select(*times, last_file).where(arrivals.district == code)).one()
    if row.first is None:
        return None
    near = select(func.count()).where(
        arrivals.district == code, arrivals.seen_at == row.last, arrivals.outcome == NEAR_NAME
    )
    return InboxScans(
        first=row.first, last=row.last, last_file=row.last_file, near_names=conn.execute(near).scalar_one()
    )


def left_unfinished(conn: Connection, states: Sequence[DeliveryState], before: datetime) -> list[UnfinishedDelivery]:
    """Deliveries in these states that no task has touched since, and that no later content has replaced."""
    deliveries, later, attempts = delivery.c, delivery.alias("later"), attempt.c
    since = func.coalesce(deliveries.claimed_at, deliveries.landed_at)
    replaced = exists().where(
        later.c.district == deliveries.district,
        later.c.sequence > deliveries.sequence,
        attempts.delivery == later.c.id,
        attempts.outcome.in_(_APPLIED),
    )
    wanted = select(deliveries.id, deliveries.district, deliveries.state, since.label("since"))
    wanted = wanted.where(deliveries.state.in_(states), since < before, ~replaced).order_by(deliveries.sequence)
    return [
        UnfinishedDelivery(delivery=row.id, district=row.district, state=DeliveryState(row.state), since=row.since)
        for row in conn.execute(wanted)
    ]


def mails(
    conn: Connection, *states: str, since: datetime | None = None, until: datetime | None = None
) -> list[Outgoing]:
    """The messages in these states that were entered in this time, by district."""
    return _outgoing(conn, message, states, since, until)


def drops(
    conn: Connection, *states: str, since: datetime | None = None, until: datetime | None = None
) -> list[Outgoing]:
    """The same of files on their way into the districts' reports folders."""
    return _outgoing(conn, report_drop, states, since, until)


def _outgoing(
    conn: Connection, table: Table, states: Sequence[str], since: datetime | None, until: datetime | None
) -> list[Outgoing]:
    columns = table.c
    numbers = (
        func.count().label("count"),
        func.min(columns.created_at).label("oldest"),
        func.max(columns.created_at).label("latest"),
    )
    wanted = (
        select(columns.district, *numbers)
        .where(columns.state.in_(states))
        .group_by(columns.district)
        .order_by(columns.district)
    )
    if since is not None:
        wanted = wanted.where(columns.created_at >= since)
    if until is not None:
        wanted = wanted.where(columns.created_at < until)
    return [Outgoing(**row) for row in conn.execute(wanted).mappings()]


def last_report_kind(conn: Connection, code: str, start: str) -> str | None:
    """The kind of the latest report of a district whose kind starts with this word; None when there is none."""
    reports = report.c
    newest = select(reports.kind).where(reports.district == code, reports.kind.startswith(start, autoescape=True))
    kind: str | None = conn.scalar(newest.order_by(reports.created_at.desc(), reports.kind.desc()).limit(1))
    return kind
