"""What stands behind a reference that a contact quotes from a mail or an error file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from rostersync.database.tables import finding, person


@dataclass(frozen=True, slots=True, kw_only=True)
class Referenced:
    """A stored finding that carries the reference; `value` and `detail` may be personal data."""

    district: str
    delivery: str
    attempt: int
    code: str
    line: int | None
    value: str | None
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who has an address now."""

    district: str
    user_id: str
    owner: str


def referenced(conn: Connection, code: str, reference: str) -> Sequence[Referenced]:
    """Every stored finding of the district with this reference, the newest delivery last."""
    findings = finding.c
    wanted = select(
        findings.district,
        findings.delivery,
        findings.attempt,
        findings.code,
        findings.line,
        findings.value,
        findings.detail,
    )
    rows = conn.execute(
        wanted.where(findings.district == code, findings.detail["reference"].astext == reference).order_by(
            findings.delivery, findings.attempt, findings.line
        )
    ).mappings()
    return [Referenced(**row) for row in rows]


def holder_of(conn: Connection, code: str, email_key: str) -> Holder | None:
    """The active person of the district who has this folded address."""
    people = person.c
    wanted = select(people.district, people.user_id, people.owner).where(
        people.district == code, people.active_email_key == email_key
    )
    row = conn.execute(wanted).mappings().first()
    return Holder(**row) if row else None
