"""Broken files corrected by the mail alone, in one round: the contact does what it says and nothing else.

`needs` says what the correction takes: `mail` - the sentences state every value; `list` - an attached file does;
`own` - only the district knows (a name, an address, an ID), and the mail says which cell to fill.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from sqlalchemy import insert

from rostersync.configuration.dictionary import load_dictionary
from rostersync.database import tables as t
from rostersync.model import Outcome
from tests.support.district_nights import Nights, person, teaching
from tests.support.mail_corrections import corrected, newest_mail

HEADERS = (
    *("action", "schoolId", "userId", "userRole", "staffType", "userFirstName", "userLastName", "userEmail"),
    *("userGrade", "classId", "className", "classGrade", "primaryTeacher", "startDate"),
)
SCHOOLS = {"0100": "Lincoln Elementary", "0200": "Oak Middle", "0310": "Harbor High"}
Rows = Sequence[Mapping[str, str]]


def at(number: int, **cells: str) -> dict[str, str]:
    return person(number, schoolId="0100") | cells


def teaches(number: int, **cells: str) -> dict[str, str]:
    return teaching(number, "R-1", schoolId="0100") | cells


def table(rows: Rows, headers: Sequence[str] = HEADERS) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, headers, restval="", extrasaction="ignore", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


GOOD = table([at(1), at(2)])


@dataclass(frozen=True, kw_only=True)
class Case:
    """A broken file, what the contact's own system would say about cells, and who is active in the end."""

    sent: bytes
    needs: str = "mail"
    truth: Mapping[tuple[int, str], str] = field(default_factory=dict)
    before: Rows = ()
    people: tuple[str, ...] = ("u1", "u2")


def swap(old: bytes, new: bytes) -> bytes:
    assert old in GOOD
    return GOOD.replace(old, new)


def extra(name: str, cell: str) -> bytes:
    return b"\r\n".join(
        line + ("," + (name if not n else cell)).encode() for n, line in enumerate(GOOD.rstrip().split(b"\r\n"))
    )


CASES: dict[str, Case] = {
    # The whole file
    "semicolons": Case(sent=GOOD.replace(b",", b";")),
    "tabs": Case(sent=GOOD.replace(b",", b"\t")),
    "a sep= line": Case(sent=b"sep=;\r\n" + GOOD.replace(b",", b";")),
    "a title row": Case(sent=b"Staff 2026,,\r\n\r\n" + GOOD),
    "renamed headers": Case(sent=swap(b"userFirstName,userLastName", b"FirstName,userLastname")),
    "a header with an invisible sign": Case(sent=swap(b"userRole", "userRole\u200b".encode())),
    "a column of their own": Case(sent=extra("T-shirt", "M")),
    "one header twice": Case(sent=extra("userLastName", "Quimby")),
    "data under no header": Case(sent=extra("", "x")),
    "a missing header": Case(sent=GOOD.replace(b"action,", b"").replace(b"\r\n,", b"\r\n"), needs="list"),
    "no header at all": Case(sent=table([at(1), at(2)], load_dictionary().headers).split(b"\r\n", 1)[1], needs="list"),
    "UTF-16": Case(sent=GOOD.decode().encode("utf-16")),
    "a quotation mark left open": Case(sent=swap(b"Ada1,", b'"Ada1,')),
    "a NUL": Case(sent=swap(b"Ada1", b"Ada1\0")),
    # Rows
    "US dates": Case(sent=table([at(1, startDate="8/24/2026"), at(2, startDate="09/01/2026")])),
    "schools by name": Case(sent=table([at(1, schoolId="Lincoln Elementary"), at(2, schoolId="lincoln elementry")])),
    "a school by another name": Case(sent=table([at(1), at(2, schoolId="Oak Middle School")]), needs="list"),
    "lost zeros in schools": Case(sent=table([at(1, schoolId="100"), at(2, schoolId="310")])),
    "lost zeros in people": Case(
        before=[at(7, userId="0041")],
        sent=table([at(7, userId="41", userLastName="Married")]),
        people=("0041",),
    ),
    "a class in other letters": Case(before=[teaches(1)], sent=table([teaches(2, classId="r-1")])),
    "mixed wrong values": Case(
        sent=table([teaches(1, userRole="teacher", classGrade="Kx", primaryTeacher="Y"), at(2, staffType="Voluntee")]),
    ),
    "a grade of their own": Case(sent=table([at(1, userGrade="5"), at(2, userGrade="K")])),
    "an invisible sign in a name": Case(sent=table([at(1, userLastName="Qui\u200bmby"), at(2)])),
    "damaged letters": Case(sent=table([at(1, userLastName="Jos\u00c3\u00a9"), at(2)])),
    "a name without end": Case(sent=table([at(1, userFirstName="A" * 120), at(2)])),
    "a second header": Case(sent=table([at(1), dict(zip(HEADERS, HEADERS, strict=True)), at(2)])),
    "students": Case(sent=table([at(1), at(2), at(3, userRole="Student")])),
    "one person twice": Case(
        sent=table([at(1), at(1, schoolId="0200", userLastName="Married"), at(2)]),
        truth={(2, "userLastName"): "Married", (3, "userLastName"): "Married"},
        needs="own",
    ),
    "a shared address": Case(
        sent=table([at(1, userEmail="office@springfield.example"), at(2, userEmail="office@springfield.example")]),
        truth={(2, "userEmail"): "a@springfield.example", (3, "userEmail"): "b@springfield.example"},
        needs="own",
    ),
    "an address with two signs": Case(
        sent=table([at(1, userEmail="a@@springfield.example"), at(2)]),
        truth={(2, "userEmail"): "a@springfield.example"},
        needs="own",
    ),
    "a taken address in a row with a wrong grade": Case(
        before=[at(1)],
        sent=table([at(2, userEmail="ada.1@springfield.example", userGrade="5", schoolId="oak middle")]),
        truth={(2, "userEmail"): "own@springfield.example"},
        needs="own",
    ),
    "half a class": Case(
        sent=table([teaches(1, className=""), at(2)]), truth={(2, "className"): "Reading"}, needs="own"
    ),
    "blank names and placeholders": Case(
        sent=table([at(1, userFirstName=""), at(2, userLastName="N/A")]),
        truth={(2, "userFirstName"): "Ada", (3, "userLastName"): "Quimby"},
        needs="own",
    ),
    "an ID in scientific notation": Case(
        sent=table([at(1, userId="1.2E+10"), at(2)]), truth={(2, "userId"): "u1"}, needs="own"
    ),
    "who left, by a word": Case(
        before=[at(1), at(2), at(3)],
        sent=table([at(3, action="REMOVE USER")]),
    ),
    "a removal without its school": Case(
        before=[at(1), at(2), at(3)],
        sent=table([{"action": "REMOVE-USER", "userId": "u3"}]),
        truth={(2, "schoolId"): "0100"},
        needs="own",
    ),
}


@pytest.fixture
def town(emptied: Nights) -> Nights:
    """Three schools with names, and nobody in them."""
    with emptied.owner.begin() as conn:
        conn.execute(insert(t.district).values(code="springfield", name="Springfield Unified"))
        rows = [
            {"district": "springfield", "school_id": i, "name": name, "owner": "source"} for i, name in SCHOOLS.items()
        ]
        conn.execute(insert(t.school), rows)
    return emptied


@pytest.mark.parametrize("name", CASES)
def test_one_correction_by_the_mail_is_enough(town: Nights, name: str) -> None:
    case = CASES[name]
    if case.before:
        town.put(table(case.before))
        assert town.sync("before")[-1].outcome is Outcome.APPLIED
    town.put(case.sent)
    assert town.sync("broken")[-1].outcome in (Outcome.REFUSED, Outcome.APPLIED_WITH_ERRORS)
    town.put(corrected(newest_mail(town), case.sent, case.truth), at=town.now)
    result = town.sync("corrected")[-1]
    assert (result.outcome, [finding.flat for finding in result.findings if finding.severity != "remark"]) == (
        Outcome.APPLIED,
        [],
    )
    assert town.people() == sorted(case.people)


def test_thirty_files_are_corrected_and_most_of_them_without_asking_anybody() -> None:
    assert len(CASES) >= 30
    assert sum(case.needs != "own" for case in CASES.values()) >= 25
    assert all(bool(case.truth) is (case.needs == "own") for case in CASES.values())
