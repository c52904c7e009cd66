"""What rows that are rejected anyway are told of the roster, so that one correction is enough."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from tests.support.oracle.judging import Judge
from tests.support.oracle.values import FILE, Person, Roster, Row, Told

UNIQUE = (
    ("email_key", "email", "email-taken"),
    ("user_district_id", "user_district_id", "secondary-id-taken"),
    ("user_state_id", "user_state_id", "secondary-id-taken"),
)
"""Attribute, the name under which an edit by hand is remembered, code."""
HEADERS = {"user_district_id": "userDistrictId", "user_state_id": "userStateId"}


class Made(Protocol):
    """The roster that the accepted rows make."""

    after: Roster


def told_along(judge: Judge, step: Made, found: set[Told]) -> set[Told]:
    """Findings about rows that a file rule rejected, and taken values in all rejected rows."""
    cells = {Told(r.line, code, "row") for r in judge.rows if r.status == "rejected" for code in judge.cell_faults(r)}
    lines = {told.line for told in found if told.severity == "row"}
    rejected = [row for row in judge.rows if row.status == "rejected" or row.line in lines]
    return cells | {told for row in rejected for told in _taken(judge, step.after, row, rejected)}


def _taken(judge: Judge, after: Roster, row: Row, rejected: list[Row]) -> Iterator[Told]:
    was = judge.before.people.get(row["userId"])
    if row.action or not row["userId"] or judge.mistyped(row["userId"]) or (was and was.owner != FILE):
        return
    corrected = {other["userId"] for other in rejected}
    others = [p for key, p in after.people.items() if key not in corrected and p.status == "active"]
    for name, field, code in UNIQUE:
        value = row.email_key if name == "email_key" else row[HEADERS[name]]
        if not value or (was and (field in was.sticky or (was.status == "active" and getattr(was, name) == value))):
            continue
        here = any(getattr(other, name) == value and _another(other, row) for other in others)
        if here or (name == "email_key" and value in after.taken_elsewhere):
            yield Told(row.line, code, "row")


def _another(holder: Person, row: Row) -> bool:
    """Surely not the row's own person: their names differ."""
    said = (row["userFirstName"], row["userLastName"])
    return all(said) and said != (holder.first_name, holder.last_name)
