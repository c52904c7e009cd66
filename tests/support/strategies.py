"""Hypothesis strategies: files over the same few identifiers as the rosters, so that they collide often."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.support.oracle.values import (
    FILE,
    LIVE,
    Person,
    Roster,
    Row,
)

TODAY = date(2026, 11, 23)
PAST, SOON = TODAY - timedelta(days=3), TODAY + timedelta(days=30)
SCHOOLS = ("S1", "S2", "S3")
KNOWN_IDS = ("u1", "u2", "u3", "0042", "Ab", "m5")
TYPED_IDS = (*KNOWN_IDS, "42", "AB", "n1", "n2")
CLASSES = ("C1", "C2", "C3", "C4")
ADDRESSES = tuple(f"{name}@example.org" for name in ("ann", "bob", "cat", "dan", "eve", "flo", "gus", "hal"))
FIRST, LAST = ("Ada", "Mary"), ("Lovelace", "Shelley")
ROLES = ("Teacher", "Administrator")
STAFF_TYPES = ("", "Volunteer", "Other")
SECONDARY = ("", "", "d1", "d2", "d3")
GRADES = ("1", "2")
REQUIRED = ("action", "schoolId", "userId", "userRole", "userFirstName", "userLastName", "userEmail")
REQUIRED_CLASS = ("classId", "className", "classGrade", "primaryTeacher")
OPTIONAL = (
    (),
    ("schoolName", "userDistrictId", "staffType", "userMiddleName", "classDisplayName", "startDate", "endDate"),
    ("staffType", "startDate"),
    ("schoolName", "userDistrictId", "endDate"),
)
"""Few sets of headers: the program's statements are compiled anew for each."""
SPOILED = (
    "",
    "  ",
    "#REF!",
    "1E+05",
    "A\u200bb",
    "N/A",
    "Student",
    "2026-02-30",
    "nobody",
    "x" * 300,
    "Jos\u00c3\u00a9",
)
"""What a cell is overwritten with. In some columns some of it is no fault: the screening says, not the test."""
DAYS = ("start_date", "end_date")
OPEN, PLANNED, REMOVED, OVER, STALE = range(5)
ASSIGNMENTS = {
    OPEN: (None, None, "active"),
    PLANNED: (SOON, None, "planned"),
    REMOVED: (None, SOON, "ended"),
    OVER: (None, PAST, "ended"),
    STALE: (None, PAST, "active"),
}
"""Dates and stored status; STALE: the day is over, but housekeeping has not been there yet."""

headers = st.sampled_from(OPTIONAL).map(lambda chosen: (*REQUIRED, *REQUIRED_CLASS, *chosen))
"""The headers of a file: all that must be there and some that may."""
NormalizedTable = tuple[tuple[str, ...], list[dict[str, str]]]


@st.composite
def sheets(draw: st.DrawFn, known: Roster | None = None, max_rows: int = 8) -> NormalizedTable:
    """(headers, rows as cells by header) of a file whose rows agree with each other, mostly."""
    present = draw(headers)
    addresses = draw(st.permutations(ADDRESSES))
    writer = SheetWriter(lambda values: draw(st.sampled_from(values)), present, known or Roster(), addresses)
    return present, [writer.row() for _ in range(draw(st.integers(1, max_rows)))]


@st.composite
def exports(draw: st.DrawFn, known: Roster) -> NormalizedTable:
    """What a district's export says every night: all that the roster has of the file's people, and a few rows more."""
    present = draw(headers)
    writer = SheetWriter(lambda values: draw(st.sampled_from(values)), present, known, draw(st.permutations(ADDRESSES)))
    again = [writer.said_again(*key) for key in writer.stored]
    return present, [*again, *(writer.row() for _ in range(draw(st.integers(0 if again else 1, 2))))]


@st.composite
def large_sheets(draw: st.DrawFn, known: Roster, least: int = 50, most: int = 300) -> NormalizedTable:
    """The same with so many rows, about many people and classes; what is known of them is mostly said again.

    Only the number of rows and a seed are drawn: so many choices are more than an example of Hypothesis can hold.
    """
    present, size = draw(headers), draw(st.integers(least, most))
    numbers = random.Random(draw(st.integers(0, 1 << 16)))
    writer = SheetWriter(numbers.choice, present, known, numbers.sample(ADDRESSES, len(ADDRESSES)), LARGE)
    return present, [writer.row() for _ in range(size)]


@dataclass(frozen=True, slots=True)
class Pools:
    """Of what the rows of a file are made. `again`: is what the roster holds said again, of a row and of a person?"""

    ids: Sequence[str] = TYPED_IDS
    classes: Sequence[str] = CLASSES
    actions: Sequence[str] = ("",) * 8 + ("REMOVE-USER", "REMOVE-USER", "REMOVE-ENROLLMENT", "REMOVE-CLASS")
    schools: Sequence[str] = (*SCHOOLS, "S1", "S2", "S9")
    again: Sequence[int] = (0, 1)
    changed_dates: Sequence[int] = (0, 0, 1)


LARGE = Pools(
    ids=(*TYPED_IDS, *(f"p{number}" for number in range(120))),
    classes=(*CLASSES, *(f"L{number}" for number in range(40))),
    actions=("",) * 80 + ("REMOVE-USER", "REMOVE-ENROLLMENT", "REMOVE-ENROLLMENT", "REMOVE-CLASS"),
    schools=(*SCHOOLS * 20, "S9"),
    again=(0, *(1,) * 9),
    changed_dates=(0,) * 19 + (1,),
)
Pick = Callable[[Sequence[Any]], Any]
"""One of these values: by Hypothesis, or by chance."""


class SheetWriter:
    """One file being written: what was said once of a person, class or assignment is said again."""

    def __init__(
        self, pick: Pick, present: tuple[str, ...], known: Roster, addresses: Sequence[str], pools: Pools | None = None
    ) -> None:
        self.pick, self.present, self.known, self.pools = pick, present, known, pools or Pools()
        self.addresses = list(addresses)
        self.people: dict[str, dict[str, str]] = {}
        self.classes: dict[str, dict[str, str]] = {}
        self.staff_types: dict[tuple[str, str], str] = {}
        self.dates: dict[tuple[str, str], dict[str, str]] = {}
        self.stored = _stored_assignments(known)

    def row(self) -> dict[str, str]:
        """The cells of one more row: anything, or what the roster holds of an assignment."""
        if self.stored and self.pick(self.pools.again):
            return self.said_again(*self.pick(self.stored))
        action = self.pick(self.pools.actions)
        user_id, class_id = self.pick(self.pools.ids), self.pick((*self.pools.classes, "")) if self.pick((0, 1)) else ""
        if action and not class_id:
            class_id = self.pick(self.pools.classes)
        return self._row(action, user_id, self._school_for(class_id), class_id)

    def said_again(self, user_id: str, school: str, class_id: str) -> dict[str, str]:
        """The cells of a row about an assignment as the roster has it."""
        return self._row("", user_id, school, class_id, stored=True)

    def _row(self, action: str, user_id: str, school: str, class_id: str, *, stored: bool = False) -> dict[str, str]:
        cells = {"action": action, "schoolId": school, "userId": user_id}
        if action:
            cells |= {"classId": class_id} | self._described()
        else:
            cells |= self._person(user_id, stored) | self._assignment(user_id, school, class_id, stored)
        return {header: cells.get(header, "") for header in self.present}

    def _described(self) -> dict[str, str]:
        """What a removal may say beside its keys: mostly nothing, else who somebody is, perhaps in part."""
        who = self.known.people.get(self.pick(KNOWN_IDS)) if self.pick((0, 0, 1)) else None
        if who is None:
            return {}
        said = {"userFirstName": who.first_name, "userLastName": who.last_name, "userEmail": who.email or ""}
        return {header: cell for header, cell in said.items() if self.pick((0, 1, 1, 1))}

    def _school_for(self, class_id: str) -> str:
        """Mostly the class's school."""
        told = self.classes.get(class_id, {}).get("schoolId") or self.known.school_of(class_id)
        return told if told and self.pick((0, 1, 1, 1)) else self.pick(self.pools.schools)

    def _person(self, user_id: str, stored: bool) -> dict[str, str]:
        if user_id not in self.people:
            known = self.known.people.get(user_id)
            again = known is not None and (stored or self.pick(self.pools.again))
            self.people[user_id] = self._drawn_person(user_id) if not again or known is None else _said_of(known)
        return self.people[user_id]

    def _drawn_person(self, user_id: str) -> dict[str, str]:
        return {
            "userRole": self.pick(ROLES),
            "userFirstName": self.pick(FIRST),
            "userLastName": self.pick(LAST),
            "userMiddleName": self.pick(("", "Q")),
            "userDistrictId": self.pick(SECONDARY) if user_id in TYPED_IDS else f"D-{user_id}",
            "userEmail": self.addresses.pop() if self.addresses else f"{user_id}@example.net",
        }

    def _assignment(self, user_id: str, school: str, class_id: str, stored: bool) -> dict[str, str]:
        key = (user_id, class_id or f"@{school}")
        known = self.known.enrollments.get(key) if class_id else self.known.placements.get((user_id, school))
        if key not in self.dates:
            drawn = ASSIGNMENTS[self.pick(range(5))] if self.pick(self.pools.changed_dates) else (None, None, "")
            start, end = (known.start_date, known.end_date) if stored and known else drawn[:2]
            self.dates[key] = {"startDate": _cell(start), "endDate": _cell(end)}
            self.dates[key]["primaryTeacher"] = self._primary(known, stored) if class_id else ""
        placed = self.known.placements.get((user_id, school))
        said = (placed.staff_type or "") if placed and stored else self.pick(STAFF_TYPES)
        staff_type = self.staff_types.setdefault((user_id, school), said)
        return (
            self.dates[key]
            | {"staffType": staff_type, "schoolName": f"School {school}"}
            | self._class(class_id, school, stored)
        )

    def _primary(self, known: Any, stored: bool) -> str:
        return ("Yes" if known.primary_teacher else "No") if stored and known else self.pick(("Yes", "No", ""))

    def _class(self, class_id: str, school: str, stored: bool) -> dict[str, str]:
        if not class_id:
            return {}
        if class_id not in self.classes:
            known = self.known.classes.get(class_id)
            names = {"className": self.pick(("Reading", "Math")), "classGrade": self.pick(GRADES)}
            names |= {"classDisplayName": self.pick(("", "", "Shown"))}
            if known is not None and (stored or self.pick(self.pools.again)):
                names = {"className": known.name, "classGrade": known.grade or "", "classDisplayName": ""}
            self.classes[class_id] = names | {"classId": class_id, "schoolId": school}
        return {header: cell for header, cell in self.classes[class_id].items() if header != "schoolId"}


def _stored_assignments(known: Roster) -> list[tuple[str, str, str]]:
    """(userId, schoolId, classId or "") of what the file's people have: what a district's export says every night."""
    mine = {who for who, person in known.people.items() if person.owner == FILE and person.status == "active"}
    placed = [(who, school, "") for (who, school), held in known.placements.items() if held.status in LIVE]
    taught = [(k[0], known.classes[k[1]].school_id, k[1]) for k, e in known.enrollments.items() if e.status in LIVE]
    return sorted(key for key in (*placed, *taught) if key[0] in mine)


def _said_of(known: Person) -> dict[str, str]:
    """A person's cells as the roster has them; a blank keeps."""
    said = {"userRole": known.role, "userFirstName": known.first_name, "userLastName": known.last_name}
    return said | {"userMiddleName": "", "userDistrictId": "", "userEmail": known.email or ""}


def _cell(day: date | None) -> str:
    return day.isoformat() if day else ""


def as_csv(header: Sequence[str], table: Sequence[dict[str, str]]) -> bytes:
    """The file as bytes."""
    out = io.StringIO()
    writer = csv.DictWriter(out, header, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(table)
    return out.getvalue().encode()


def as_rows(table: Sequence[dict[str, str]]) -> list[Row]:
    """The rows of a file none of whose cells is at fault."""
    return [
        Row(line=line, email_key=cells["userEmail"].lower(), cells=cells) for line, cells in enumerate(table, start=2)
    ]
