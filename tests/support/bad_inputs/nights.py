"""The numbered bad inputs that only a roster can tell, or an inbox: a night each.

`before` is applied the night before; `seed` puts into the roster what other sources own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, insert

from rostersync.database import tables
from rostersync.model import Outcome
from tests.support.district_nights import person, teaching
from tests.support.factories import Flat

Rows = Sequence[Mapping[str, str]]
OTHER = "shelbyville"
"""The district next door: nothing of it may be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BadNight:
    """A file against a roster; `config` changes the district's configuration."""

    about: str
    rows: Rows
    outcome: Outcome
    findings: list[Flat]
    before: Rows = ()
    seed: Callable[[Connection], None] | None = None
    config: dict[str, Any] = field(default_factory=dict)
    differs: str = ""


def next_door(conn: Connection) -> None:
    """Another district with a school 900 and a person."""
    conn.execute(insert(tables.district).values(code=OTHER, name="Shelbyville Schools"))
    school = {"district": OTHER, "school_id": "900", "name": "Shelbyville Elementary", "owner": "source"}
    conn.execute(insert(tables.school).values(school))
    address = "lisa@springfield.example"
    known = {"user_id": "s1", "role": "Teacher", "first_name": "Lisa", "last_name": "Wiggum", "owner": "file"}
    conn.execute(insert(tables.person).values(district=OTHER, email=address, email_key=address, **known))


def from_the_source(conn: Connection) -> None:
    """Person u1, owned by the enrollment source."""
    address = person(1)["userEmail"]
    known = {"user_id": "u1", "role": "Teacher", "first_name": "Ada1", "last_name": "Quimby", "owner": "source"}
    conn.execute(insert(tables.person).values(district="springfield", email=address, email_key=address, **known))
    placed = {"user_id": "u1", "school_id": "100", "owner": "source", "status": "active"}
    conn.execute(insert(tables.placement).values(district="springfield", **placed))


TEN = [person(number) for number in range(1, 11)]

NIGHTS: Mapping[int, Sequence[BadNight]] = {
    44: (
        BadNight(
            about="an ID without its leading zeros",
            differs="held on the list when the pattern is not known; the dictionary: a row error, the known ID is told",
            before=[person(1, userId="00123")],
            rows=[person(1, userId="123")],
            outcome=Outcome.APPLIED_WITH_ERRORS,
            findings=[(2, "userId", "cell-leading-zero-lost")],
        ),
    ),
    71: (
        BadNight(
            about="placeholder and throw-away domains",
            differs="a warning of its own on the list; the dictionary remarks every address outside the known domains",
            rows=[person(1, userEmail="a@example.com"), person(2, userEmail="b@mailinator.com"), person(3)],
            outcome=Outcome.APPLIED,
            findings=[(2, "userEmail", "email-domain"), (3, "userEmail", "email-domain")],
        ),
    ),
    90: (
        BadNight(
            about="an address of another person of the district",
            before=[person(1)],
            rows=[person(2, userEmail="ADA.1@springfield.example"), person(3)],
            outcome=Outcome.APPLIED_WITH_ERRORS,
            findings=[(2, "userEmail", "email-taken")],
        ),
    ),
    91: (
        BadNight(
            about="an address of a person of another district",
            seed=next_door,
            rows=[person(1, userEmail="lisa@springfield.example"), person(2)],
            outcome=Outcome.APPLIED_WITH_ERRORS,
            findings=[(2, "userEmail", "email-taken")],
        ),
    ),
    92: (
        BadNight(
            about="another district's school, beside one that nobody has",
            seed=next_door,
            rows=[*TEN, person(11, schoolId="900"), person(12, schoolId="901")],
            outcome=Outcome.APPLIED_WITH_ERRORS,
            findings=[(12, "schoolId", "school-unknown"), (13, "schoolId", "school-unknown")],
        ),
    ),
    93: (
        BadNight(
            about="another district's file",
            seed=next_door,
            rows=[person(number, schoolId="900") for number in range(1, 11)],
            outcome=Outcome.APPLIED_WITH_ERRORS,
            findings=[(line, "schoolId", "school-unknown") for line in range(2, 12)],
        ),
        BadNight(
            about="another district's file, to which the first rows of the own one were added",
            seed=next_door,
            rows=[person(11), person(12), *(person(number, schoolId="900") for number in range(1, 11))],
            outcome=Outcome.HELD,
            findings=[
                (None, None, "hold-foreign"),
                *((line, "schoolId", "school-unknown") for line in range(4, 14)),
            ],
        ),
    ),
    94: (
        BadNight(
            about="a person of the enrollment source",
            seed=from_the_source,
            rows=[person(1, userLastName="Taken"), person(2)],
            outcome=Outcome.APPLIED_WITH_ERRORS,
            findings=[(2, "userId", "person-owned-by-source")],
        ),
    ),
    96: (
        BadNight(
            about="unknown school, role, grade, type",
            rows=[
                *TEN,
                person(11, schoolId="101"),
                person(12, userRole="Principal"),
                teaching(13, "c1", classGrade="13"),
                person(14, staffType="Coach"),
            ],
            outcome=Outcome.APPLIED_WITH_ERRORS,
            findings=[
                (12, "schoolId", "school-unknown"),
                (13, "userRole", "value-not-allowed"),
                (14, "classGrade", "value-not-allowed"),
                (15, "staffType", "value-not-allowed"),
            ],
        ),
    ),
    98: (
        BadNight(
            about="a second primary teacher",
            differs="a row error on the list; the dictionary allows several and derives the official one: a remark",
            before=[teaching(1, "c1")],
            rows=[teaching(2, "c1")],
            outcome=Outcome.APPLIED,
            findings=[(2, "primaryTeacher", "primary-second")],
        ),
    ),
    99: (
        BadNight(
            about="a person with another last name and address",
            before=TEN,
            rows=[person(1, userLastName="Married", userEmail="new.1@springfield.example")],
            outcome=Outcome.APPLIED,
            findings=[(2, "userEmail", "email-changed")],
        ),
        BadNight(
            about="everybody with another address",
            before=TEN,
            rows=[person(number, userEmail=f"new.{number}@springfield.example") for number in range(1, 11)],
            outcome=Outcome.HELD,
            findings=[(None, None, "hold-emails"), *((line, "userEmail", "email-changed") for line in range(2, 12))],
        ),
    ),
    100: (
        BadNight(
            about="an ID used again for somebody else",
            differs="held on the list; the dictionary: a row error",
            before=[person(1)],
            rows=[person(1, userFirstName="Zoe", userLastName="Other", userEmail="zoe@springfield.example")],
            outcome=Outcome.APPLIED_WITH_ERRORS,
            findings=[(2, "userId", "id-taken")],
        ),
    ),
    77: (),
    78: (),
}
"""Number → its nights; those about file names and sizes have no rows, and a test each."""
