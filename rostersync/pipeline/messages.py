"""What contacts are told, entered in the outbox by the transaction that makes it true."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from rostersync import ledger, mailing, reporting
from rostersync.ledger import Attempt, Delivery
from rostersync.model import Judgement, Outcome, Reading, Report
from rostersync.pipeline.edges import Edges, dictionary_of

if TYPE_CHECKING:
    from rostersync.districts import District, ReportKind

_KINDS: dict[Outcome, tuple[ReportKind, ...]] = {
    Outcome.APPLIED: ("counts",),
    Outcome.APPLIED_WITH_ERRORS: ("counts", "problems"),
    Outcome.REFUSED: ("problems",),
    Outcome.HELD: ("held",),
}


def recipients(district: District, outcome: Outcome) -> list[str]:
    """The addresses of the contacts who want to know of this outcome, each once."""
    wanted = _KINDS[outcome]
    return [each.address for each in district.contacts if set(each.reports) & set(wanted)]


def tell(
    conn: Connection,
    edges: Edges,
    district: District,
    delivery: Delivery,
    number: int,
    judgement: Judgement,
    reading: Reading,
) -> None:
    """Enter the count report of this attempt in the outbox."""
    facts = reporting.ReportFacts(
        district=district,
        delivery=delivery.id,
        attempt=number,
        received_at=delivery.landed_at if number == 1 else edges.clock(),
        judgement=judgement,
        reading=reading,
        dictionary=dictionary_of(district),
    )
    _enqueue(conn, district, delivery.id, number, reporting.count_report(facts), judgement.outcome, edges.clock())


def tell_nothing_new(conn: Connection, edges: Edges, district: District, delivery: Delivery) -> bool:
    """Enter the short mail for known bytes that arrived anew; the outbox takes one a day. Whether there is one."""
    last = ledger.latest_attempt(conn, delivery.id)
    if last is None or last.outcome not in (Outcome.APPLIED, Outcome.APPLIED_WITH_ERRORS):
        return False
    facts = reporting.ReportFacts(
        district=district,
        delivery=delivery.id,
        attempt=last.number,
        received_at=edges.clock(),
        judgement=_stored(last),
        reading=None,
        dictionary=dictionary_of(district),
    )
    report = reporting.nothing_new(facts, applied_at=last.ended_at)
    _enqueue(conn, district, delivery.id, last.number, report, Outcome.APPLIED, edges.clock())
    return True


def _stored(attempt: Attempt) -> Judgement:
    return Judgement(
        outcome=attempt.outcome,
        rows=attempt.rows,
        counts=attempt.counts,
        by_school=attempt.by_school,
        findings=(),
        changes=attempt.changes,
    )


def _enqueue(
    conn: Connection,
    district: District,
    delivery: str,
    number: int,
    report: Report,
    outcome: Outcome,
    at: datetime,
) -> None:
    mailing.enqueue(
        conn,
        district=district.code,
        delivery=delivery,
        attempt=number,
        report=report,
        recipients=recipients(district, outcome),
        at=at,
    )
