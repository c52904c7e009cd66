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
    f = finding.c
    wanted = select(f.district, f.delivery, f.attempt, f.code, f.line, f.value, f.detail)
    rows = conn.execute(
        wanted.where(f.district == code, f.detail["reference"].astext == reference).order_by(
            f.delivery, f.attempt, f.line
        )
    ).mappings()
    return [Referenced(**row) for row in rows]


def holder_of(conn: Connection, code: str, email_key: str) -> Holder | None:
    """The active person of the district who has this folded address."""
    p = person.c
    wanted = select(p.district, p.user_id, p.owner).where(p.district == code, p.active_email_key == email_key)
    row = conn.execute(wanted).mappings().first()
    return Holder(**row) if row else None
