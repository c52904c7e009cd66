"""A report rendered anew for those who have not got it, and unsent messages queued again.

What was mailed stays in the outbox as it was mailed: another rendering is a report of its own, to which the messages
go over that the server surely did not take. Whoever got a mail, or may have got it, gets none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, select, update

from rostersync.database.tables import message
from rostersync.database.tables import report as reports
from rostersync.mailing.outbox import enqueue, files_of, message_id, report_id
from rostersync.mailing.senders import State
from rostersync.model import Report

UNSENT = (State.QUEUED, State.DEFERRED, State.REFUSED)
REPLAY = " replay "
"""Between a kind of report and the number of its rendering."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressedReport:
    """A report and its recipients. `equivalent_kinds`: kinds of reports that say the same as this one."""

    report: Report
    recipients: Sequence[str]
    equivalent_kinds: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedFor:
    """Of which attempt of which delivery, and when."""

    district: str
    delivery: str
    attempt: int
    at: datetime
    allowed: Callable[[str], bool]
    """Who may be written to at all."""


def render_again(conn: Connection, where: RenderedFor, new: AddressedReport) -> bool:
    """Enter this rendering when it differs from the latest one. Whether it does.

    Unsent messages go over to it; recipients who have no message of any rendering get one.
    """
    known = _renderings(conn, where, new.report.kind)
    if known and _same(conn, known[-1], new.report):
        current, report = known[-1].id, replace(new.report, kind=known[-1].kind)
    else:
        kind = f"{new.report.kind}{REPLAY}{len(known)}" if known else new.report.kind
        report = replace(new.report, kind=kind)
        current = report_id(district=where.district, delivery=where.delivery, attempt=where.attempt, kind=kind)
    others = [
        rendering.id
        for kind in new.equivalent_kinds
        if kind != new.report.kind
        for rendering in _renderings(conn, where, kind)
    ]
    told = _told(conn, [*(rendering.id for rendering in known), *others])
    missing = [address for address in new.recipients if address not in told]
    enqueue(
        conn,
        district=where.district,
        delivery=where.delivery,
        attempt=where.attempt,
        report=report,
        recipients=missing,
        allowed=where.allowed,
        at=where.at,
    )
    _move(conn, [rendering.id for rendering in known if rendering.id != current], current)
    return not known or current != known[-1].id


def _renderings(conn: Connection, where: RenderedFor, kind: str) -> Sequence[Row[Any]]:
    """All renderings of this kind, oldest first."""
    mine = (reports.c.delivery == where.delivery, reports.c.attempt == where.attempt)
    either = (reports.c.kind == kind) | reports.c.kind.startswith(f"{kind}{REPLAY}", autoescape=True)
    return conn.execute(select(reports).where(*mine, either).order_by(reports.c.created_at, reports.c.kind)).all()


def _same(conn: Connection, stored: Row[Any], report: Report) -> bool:
    """Word for word; of the files, what was listed is compared, not how a workbook packs it."""
    had = files_of(conn, stored.id)
    has = {attached.name: attached.content for attached in report.files}
    texts = (stored.subject, stored.text_body, stored.html_body) == (report.subject, report.text, report.html)
    return texts and had.keys() == has.keys() and all(had[n] == has[n] for n in had if n.endswith(".csv"))


def _told(conn: Connection, ids: Sequence[str]) -> set[str]:
    return set(conn.scalars(select(message.c.recipient).where(message.c.report.in_(ids))))


def _move(conn: Connection, sources: Sequence[str], target: str) -> None:
    wanted = select(message.c.id, message.c.recipient).where(message.c.report.in_(sources), message.c.state.in_(UNSENT))
    for row in conn.execute(wanted.with_for_update()).all():
        values = {"report": target, "message_id": message_id(target, row.recipient)}
        conn.execute(update(message).where(message.c.id == row.id).values(values))


def requeue(conn: Connection, where: RenderedFor, recipients: Sequence[str]) -> Counter[str]:
    """Queue the attempt's unsent messages to these recipients anew, as if written now. state → messages before."""
    mine = message.c.report.in_(
        select(reports.c.id).where(reports.c.delivery == where.delivery, reports.c.attempt == where.attempt)
    )
    states = Counter(conn.scalars(select(message.c.state).where(mine)))
    unsent: ColumnElement[bool] = message.c.state.in_(UNSENT)
    values = {"state": State.QUEUED, "tries": 0, "next_try_at": None, "answer": None, "created_at": where.at}
    queued = conn.execute(update(message).where(mine, unsent, message.c.recipient.in_(recipients)).values(values))
    return Counter({**states, "requeued": queued.rowcount})
