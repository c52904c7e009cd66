"""Writing to the outbox: the rows of a report and its messages, with identifiers that a repetition gives again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from rostersync.database.tables import message, report_drop, report_file
from rostersync.database.tables import report as report_table
from rostersync.mailing.message_bytes import DOMAIN
from rostersync.mailing.senders import State
from rostersync.model import Report

OUTSIDE = "Not sent: the address is outside the district's e-mail domains and mail domains."


def enqueue(
    conn: Connection,
    *,
    district: str,
    delivery: str | None,
    attempt: int | None,
    report: Report,
    recipients: Sequence[str],
    allowed: Callable[[str], bool],
    at: datetime | None = None,
) -> int:
    """Puts the report, its drops and one message per recipient into the outbox, in the caller's transaction.

    Gives the number of messages that were not there before. What is already there is never changed, so repeating it is
    harmless. A recipient who is not `allowed` is entered as refused: visible, and never written to. `at` (aware) is the
    time of the report and the mail's Date; without it, the database's clock.
    """
    ident = report_id(district=district, delivery=delivery, attempt=attempt, kind=report.kind)
    moment = {} if at is None else {"created_at": at}
    head = {"id": ident, "district": district, "delivery": delivery, "attempt": attempt, "kind": report.kind}
    body = {"subject": report.subject, "text_body": report.text, "html_body": report.html}
    added = conn.execute(insert(report_table).values(**head, **body, **moment).on_conflict_do_nothing()).rowcount
    if added:
        _add_files(conn, district, ident, report)
    _add_drops(conn, district, ident, report, moment)
    letters = [
        {"district": district, "report": ident, **moment, **_addressed(ident, address, allowed)}
        for address in dict.fromkeys(recipients)
    ]
    if not letters:
        return 0
    return len(conn.execute(insert(message).values(letters).on_conflict_do_nothing().returning(message.c.id)).all())


def files_of(conn: Connection, report: str) -> dict[str, bytes]:
    """name → content of a report's files."""
    files = select(report_file.c.name, report_file.c.content).where(report_file.c.report == report)
    return {row.name: bytes(row.content) for row in conn.execute(files)}


def report_id(*, district: str, delivery: str | None, attempt: int | None, kind: str) -> str:
    """The report's id: the same for the same delivery, attempt and kind, whenever and wherever it is made."""
    return _digest(district, delivery or "", str(attempt or 0), kind)[:32]


def message_id(report: str, recipient: str) -> str:
    """The Message-ID of a report for one recipient; the address cannot be read from it."""
    return f"<{_digest(report, recipient.casefold())[:40]}@{DOMAIN}>"


def _addressed(report: str, address: str, allowed: Callable[[str], bool]) -> dict[str, Any]:
    fine = allowed(address)
    return {
        "recipient": address,
        "message_id": message_id(report, address),
        "state": State.QUEUED if fine else State.REFUSED,
        "answer": None if fine else OUTSIDE,
    }


def _add_files(conn: Connection, district: str, ident: str, report: Report) -> None:
    rows = [
        {
            "report": ident,
            "district": district,
            "name": f.name,
            "media_type": f.media_type,
            "content": f.content,
            "attached": f.attached,
        }
        for f in report.files
    ]
    if rows:
        conn.execute(insert(report_file).on_conflict_do_nothing(), rows)


def _add_drops(conn: Connection, district: str, ident: str, report: Report, moment: Mapping[str, datetime]) -> None:
    """The files that have a place in the district's reports folder wait for it, also when only that wish is new."""
    drops = [
        {"report": ident, "district": district, "name": f.name, "target": f.target, **moment}
        for f in report.files
        if f.target
    ]
    if drops:
        conn.execute(insert(report_drop).on_conflict_do_nothing(), drops)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
