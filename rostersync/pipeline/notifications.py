"""What contacts are told, entered in the outbox by the transaction that makes it true."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from rostersync import fault_points, ledger, mailing, planning, reporting
from rostersync.ledger import Attempt, Delivery, Undo
from rostersync.model import (
    DateChanges,
    DeliveryState,
    Evaluation,
    Finding,
    NotRestored,
    Outcome,
    Reading,
    RemoteFile,
    Report,
)
from rostersync.pipeline.context import Services, dictionary_of, may_receive

if TYPE_CHECKING:
    from rostersync.configuration.district import AttachmentMode
    from rostersync.configuration.districts import District, ReportKind

OPERATORS = "_operators"
"""Under this name the outbox has the operators' own mails; no district can be called so."""
_KINDS: dict[Outcome, tuple[ReportKind, ...]] = {
    Outcome.APPLIED: ("counts",),
    Outcome.APPLIED_WITH_ERRORS: ("counts", "problems"),
    Outcome.REFUSED: ("problems",),
    Outcome.HELD: ("held",),
}


def recipients(district: District, outcome: Outcome) -> list[str]:
    """The addresses of the contacts who want to know of this outcome, each once."""
    return [address for addresses in _addresses_by_mode(district, outcome).values() for address in addresses]


def _addresses_by_mode(district: District, outcome: Outcome) -> dict[AttachmentMode, list[str]]:
    """The same by how they want the list of rows."""
    ways: dict[AttachmentMode, list[str]] = {}
    for contact in district.contacts:
        if set(contact.reports) & set(_KINDS[outcome]):
            ways.setdefault(contact.delivery, []).append(contact.address)
    return ways


def notify(
    conn: Connection,
    services: Services,
    district: District,
    delivery: Delivery,
    number: int,
    evaluation: Evaluation,
    reading: Reading,
    absent: planning.AbsentPeople | None = None,
) -> None:
    """Enter the count report of this attempt in the outbox, for each contact with the list of rows as they want it.
    The report with the files is there even if nobody gets it so: the others' files are its files.
    """
    at = services.clock()
    facts = reporting.ReportFacts(
        district=district,
        delivery=delivery.id,
        attempt=number,
        reported_at=at,
        received_at=ledger.received_at(conn, delivery.id, until=at),
        evaluation=evaluation,
        reading=reading,
        dictionary=dictionary_of(district),
        schools=planning.schools_of(conn, district.code),
        dated=_unreported_dates(conn, district, evaluation.outcome),
        absent_people=reporting.absent_people_files(absent.rows, dictionary_of(district)) if absent else {},
    )
    for addressed in _addressed(services, facts):
        _enqueue(conn, services, facts, addressed.report, addressed.recipients, at)


def _addressed(services: Services, facts: reporting.ReportFacts) -> Iterator[mailing.AddressedReport]:
    """The count report for the contacts; of a held delivery also the one for those who decide."""
    outcome = facts.evaluation.outcome
    ways = _addresses_by_mode(facts.district, outcome)
    yield from _report_variants(reporting.count_reports(facts, ways), ways)
    if outcome is Outcome.HELD:
        asked = replace(facts, for_operators=True, reading=None)
        yield mailing.AddressedReport(report=reporting.count_report(asked), recipients=services.ops)


def _report_variants(
    made: Mapping[AttachmentMode, Report], ways: Mapping[AttachmentMode, Sequence[str]]
) -> Iterator[mailing.AddressedReport]:
    """The reports, each for those who want it so; first the plain one, which has the files of all."""
    plain = made["attach"]
    equivalent_kinds = tuple(plain.kind + end for end in reporting.KIND_ENDS.values())
    same = [address for way, addresses in ways.items() if made[way] is plain for address in addresses]
    yield mailing.AddressedReport(report=plain, recipients=same, equivalent_kinds=equivalent_kinds)
    for way, addresses in ways.items():
        if made[way] is not plain:
            yield mailing.AddressedReport(report=made[way], recipients=addresses, equivalent_kinds=equivalent_kinds)


def reports_of(
    conn: Connection, services: Services, district: District, last: Attempt, reading: Reading
) -> list[mailing.AddressedReport]:
    """What was told of a stored attempt, rendered now, and to whom it goes now."""
    findings = ledger.findings_of(conn, last.delivery, last.number)
    facts = _stored(conn, district, last, findings, at=last.ended_at)
    told = mailing.report_id(
        district=district.code, delivery=last.delivery, attempt=last.number, kind=reporting.COUNT_REPORT
    )
    dated = ledger.date_changes_reported_in(conn, district.code, told)
    absent = reporting.absent_people_files_among(mailing.files_of(conn, told))
    return list(_addressed(services, replace(facts, reading=reading, dated=dated, absent_people=absent)))


def notify_no_changes(conn: Connection, services: Services, district: District, delivery: Delivery) -> bool:
    """Enter the short mail for known bytes that arrived anew, one a day. Whether there is one to send now."""
    last = ledger.latest_attempt(conn, delivery.id)
    if delivery.state is DeliveryState.UNDONE:
        # What was applied is not the roster's any more: there is nothing good to say about the file.
        return False
    if last is None or last.outcome not in (Outcome.APPLIED, Outcome.APPLIED_WITH_ERRORS):
        return False
    stored = _stored(conn, district, last, (), at=services.clock())
    facts = replace(stored, dated=_unreported_dates(conn, district, last.outcome))
    report = reporting.nothing_new(facts, applied_at=last.ended_at, left_out=last.left_out)
    return _enqueue(conn, services, facts, report, recipients(district, Outcome.APPLIED)) > 0


def notify_misnamed_file(conn: Connection, services: Services, district: District, file: RemoteFile) -> None:
    """Enter the mail that a file is not read for its name, once for each file, to those who hear of refused ones."""
    report = reporting.misnamed(district, file, reported_at=services.clock())
    mailing.enqueue(
        conn,
        district=district.code,
        delivery=None,
        attempt=None,
        report=report,
        recipients=recipients(district, Outcome.REFUSED),
        allowed=may_receive(services, district),
        at=services.clock(),
    )


def notify_discarded(
    conn: Connection, services: Services, district: District, last: Attempt, *, expired_after: int | None = None
) -> None:
    """Enter the mail that a held delivery was discarded, to all who were told that it waits."""
    facts = _stored(conn, district, last, (), at=services.clock())
    told = [*recipients(district, Outcome.HELD), *services.ops]
    _enqueue(conn, services, facts, reporting.discarded(facts, expired_after=expired_after), told)


def notify_undone(
    conn: Connection, services: Services, district: District, made: Undo, left: Sequence[NotRestored]
) -> None:
    """Enter the mail that a delivery was undone, to all who were told that it was applied, and the operators."""
    last = ledger.attempt_of(conn, made.delivery, made.attempt)
    if last is None:
        return
    facts = _stored(conn, district, last, (), at=services.clock())
    ways, at = _addresses_by_mode(district, Outcome.APPLIED_WITH_ERRORS), services.clock()
    ways["attach"] = [*ways.get("attach", []), *services.ops]
    reports = reporting.undone(facts, ways=ways, counts=made.counts, left=left, applied_at=last.ended_at)
    for variant in _report_variants(reports, ways):
        _enqueue(conn, services, facts, variant.report, variant.recipients, at)


def recall_refusal(conn: Connection, services: Services, district: District, delivery: Delivery) -> bool:
    """A refused file that is left in place is told of again every 7 days. Whether there is a mail to send now."""
    last = ledger.latest_attempt(conn, delivery.id)
    weeks = (services.clock() - last.ended_at).days // 7 if last else 0
    if last is None or not weeks:
        return False
    # Those of the newest screening: the attempt's own may be swept when nobody looked at the inbox for long.
    findings = ledger.findings_of(conn, delivery.id, delivery.attempts)
    facts = _stored(conn, district, last, findings, at=services.clock())
    report = reporting.count_report(facts)
    # The outbox takes a report of one kind once: the week makes the reminder one of its own.
    weekly = replace(report, kind=f"{report.kind} week {weeks}")
    return _enqueue(conn, services, facts, weekly, recipients(district, last.outcome)) > 0


def ask(conn: Connection, district: District, held: Attempt) -> tuple[str, str]:
    """Subject and text of the question about a held attempt."""
    findings = ledger.findings_of(conn, held.delivery, held.number)
    return reporting.render_question(_stored(conn, district, held, findings, at=held.ended_at))


def _stored(
    conn: Connection, district: District, last: Attempt, findings: tuple[Finding, ...], *, at: datetime
) -> reporting.ReportFacts:
    """The facts of a stored attempt as of some moment; its error file went with the first mail."""
    evaluation = Evaluation(
        outcome=last.outcome,
        rows=last.rows,
        counts=last.counts,
        by_school=last.by_school,
        findings=findings,
        changes=last.changes,
    )
    return reporting.ReportFacts(
        district=district,
        delivery=last.delivery,
        attempt=last.number,
        reported_at=at,
        received_at=ledger.received_at(conn, last.delivery, until=at),
        evaluation=evaluation,
        reading=None,
        dictionary=dictionary_of(district),
        schools=planning.schools_of(conn, district.code),
    )


def _unreported_dates(conn: Connection, district: District, outcome: Outcome) -> DateChanges:
    """What passing days did is told to those who want the counts, with their next mail."""
    return ledger.unreported_date_changes(conn, district.code) if "counts" in _KINDS[outcome] else DateChanges()


def _enqueue(
    conn: Connection,
    services: Services,
    facts: reporting.ReportFacts,
    report: Report,
    addresses: Sequence[str],
    at: datetime | None = None,
) -> int:
    fault_points.reached("report.rendered")
    added = mailing.enqueue(
        conn,
        district=facts.district.code,
        delivery=facts.delivery,
        attempt=facts.attempt,
        report=report,
        recipients=addresses,
        allowed=may_receive(services, facts.district),
        at=at or services.clock(),
    )
    if added and facts.dated:
        code, delivery, attempt = facts.district.code, facts.delivery, facts.attempt
        ident = mailing.report_id(district=code, delivery=delivery, attempt=attempt, kind=report.kind)
        ledger.mark_date_changes_reported(conn, code, ident)
    return added
