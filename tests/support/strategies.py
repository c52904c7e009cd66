"""Hypothesis strategies: small rosters and files over the same few identifiers, so that they collide often."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from hypothesis import strategies as st

from tests.support.oracle.values import FILE, MANUAL, SOURCE, Class, Enrollment, Person, Placement, Roster, Row, School

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

owners = st.sampled_from((FILE, FILE, FILE, SOURCE, MANUAL))
statuses = st.sampled_from(("active", "active", "active", "inactive"))
assignments = st.sampled_from((OPEN, OPEN, OPEN, PLANNED, REMOVED, OVER, STALE)).map(ASSIGNMENTS.__getitem__)


@st.composite
def rosters(draw: st.DrawFn) -> Roster:
    """A roster as the program and the other writers leave it: one address for one active person, nobody half gone."""
    made = Roster()
    made.schools = {school: School(name=f"School {school}") for school in SCHOOLS[:2]}
    if draw(st.booleans()):
        made.schools["S3"] = School(name="School S3", owner=draw(owners), status=draw(statuses))
    made.classes = {class_id: draw(_classes(tuple(made.schools))) for class_id in CLASSES if draw(st.booleans())}
    for user_id in KNOWN_IDS:
        if draw(st.booleans()):
            _add_person(draw, made, user_id)
    _give_addresses(draw, made)
    return made


@st.composite
def _classes(draw: st.DrawFn, schools: tuple[str, ...]) -> Class:
    return Class(
        school_id=draw(st.sampled_from(schools)),
        name=draw(st.sampled_from(("Reading", "Math"))),
        display_name=draw(st.sampled_from((None, "Shown"))),
        grade=draw(st.sampled_from(GRADES)),
        owner=draw(owners),
        status=draw(statuses),
    )


def _add_person(draw: st.DrawFn, made: Roster, user_id: str) -> None:
    owner = draw(owners)
    for school in made.schools:
        if draw(st.integers(0, 2)):
            start, end, status = draw(assignments)
            made.placements[user_id, school] = Placement(
                staff_type=draw(st.sampled_from((None, "Volunteer"))),
                start_date=start,
                end_date=end,
                status=status,
                owner=_owner_of_record(draw, owner),
            )
            _add_enrollments(draw, made, user_id, school, owner)
    placed = "active" if made.placed(user_id) else "inactive"
    made.people[user_id] = Person(
        role=draw(st.sampled_from(ROLES)),
        first_name=draw(st.sampled_from(FIRST)),
        last_name=draw(st.sampled_from(LAST)),
        email=None,
        email_key=None,
        owner=owner,
        status=placed if owner == FILE else draw(statuses),
    )


def _owner_of_record(draw: st.DrawFn, owner: str) -> str:
    """Mostly the person's own; others may have something of the file's, and a file person something by hand."""
    other = MANUAL if owner == FILE else FILE
    return draw(st.sampled_from((owner, owner, owner, other)))


def _add_enrollments(draw: st.DrawFn, made: Roster, user_id: str, school: str, owner: str) -> None:
    for class_id, known in made.classes.items():
        if known.school_id != school or not draw(st.booleans()):
            continue
        start, end, status = draw(assignments)
        made.enrollments[user_id, class_id] = Enrollment(
            primary_teacher=draw(st.booleans()),
            start_date=start,
            end_date=end,
            status="ended" if known.status != "active" else status,
            owner=_owner_of_record(draw, owner),
        )


def _give_addresses(draw: st.DrawFn, made: Roster) -> None:
    """Active people hold different addresses and secondary IDs; inactive ones keep what may be another's by now."""
    free = list(draw(st.permutations(ADDRESSES)))
    free_ids = list(draw(st.permutations(("d1", "d2", "d3", None, None, None))))
    for user_id, person in made.people.items():
        active = person.status == "active"
        address = free.pop() if active else draw(st.sampled_from(ADDRESSES))
        number = free_ids.pop() if active else draw(st.sampled_from(("d1", "d2", None)))
        made.people[user_id] = replace(person, email=address, email_key=address, user_district_id=number)
    made.taken_elsewhere = frozenset(free[: draw(st.integers(0, 2))])


headers = st.sampled_from(OPTIONAL).map(lambda chosen: (*REQUIRED, *REQUIRED_CLASS, *chosen))
"""The headers of a file: all that must be there and some that may."""
Sheet = tuple[tuple[str, ...], list[dict[str, str]]]


@st.composite
def sheets(draw: st.DrawFn, known: Roster | None = None, max_rows: int = 8) -> Sheet:
    """(headers, rows as cells by header) of a file whose rows agree with each other, mostly."""
    present = draw(headers)
    sheet = _Sheet(draw, present, known or Roster())
    count = draw(st.integers(1, max_rows))
    return present, [sheet.row() for _ in range(count)]


class _Sheet:
    """One file being drawn: what was said once of a person, class or assignment is said again."""

    def __init__(self, draw: st.DrawFn, present: tuple[str, ...], known: Roster) -> None:
        self.draw, self.present, self.known = draw, present, known
        self.addresses = list(draw(st.permutations(ADDRESSES)))
        self.people: dict[str, dict[str, str]] = {}
        self.classes: dict[str, dict[str, str]] = {}
        self.staff_types: dict[tuple[str, str], str] = {}
        self.dates: dict[tuple[str, str], dict[str, str]] = {}

    def row(self) -> dict[str, str]:
        """The cells of one more row."""
        action = self._pick(("",) * 8 + ("REMOVE-USER", "REMOVE-USER", "REMOVE-ENROLLMENT", "REMOVE-CLASS"))
        user_id, class_id = self._pick(TYPED_IDS), self._pick((*CLASSES, "")) if self._pick((0, 1)) else ""
        school = self._school_for(class_id)
        cells = {"action": action, "schoolId": school, "userId": user_id}
        if action:
            cells |= {"classId": class_id or self._pick(CLASSES)} | self._described()
        else:
            cells |= self._person(user_id) | self._assignment(user_id, school, class_id)
        return {header: cells.get(header, "") for header in self.present}

    def _described(self) -> dict[str, str]:
        """What a removal may say beside its keys: mostly nothing, else who somebody is, perhaps in part."""
        who = self.known.people.get(self._pick(KNOWN_IDS)) if self._pick((0, 0, 1)) else None
        if who is None:
            return {}
        said = {"userFirstName": who.first_name, "userLastName": who.last_name, "userEmail": who.email or ""}
        return {header: cell for header, cell in said.items() if self._pick((0, 1, 1, 1))}

    def _pick(self, values: Sequence[str] | Sequence[int]) -> str:
        return self.draw(st.sampled_from(values))

    def _school_for(self, class_id: str) -> str:
        """Mostly the class's school."""
        told = self.classes.get(class_id, {}).get("schoolId") or self.known.school_of(class_id)
        return told if told and self._pick((0, 1, 1, 1)) else self._pick((*SCHOOLS, "S1", "S2", "S9"))

    def _person(self, user_id: str) -> dict[str, str]:
        if user_id not in self.people:
            self.people[user_id] = self._drawn_person(user_id)
        return self.people[user_id]

    def _drawn_person(self, user_id: str) -> dict[str, str]:
        known = self.known.people.get(user_id)
        said = {
            "userRole": self._pick(ROLES),
            "userFirstName": self._pick(FIRST),
            "userLastName": self._pick(LAST),
            "userMiddleName": self._pick(("", "Q")),
            "userDistrictId": self._pick(SECONDARY),
            "userEmail": self.addresses.pop() if self.addresses else f"{user_id}@example.net",
        }
        if known is not None and self._pick((0, 1)):
            said |= {"userRole": known.role, "userFirstName": known.first_name, "userLastName": known.last_name}
            said |= {"userMiddleName": "", "userDistrictId": "", "userEmail": known.email or said["userEmail"]}
        return said

    def _assignment(self, user_id: str, school: str, class_id: str) -> dict[str, str]:
        key = (user_id, class_id or f"@{school}")
        if key not in self.dates:
            start, end, _ = self.draw(assignments) if self._pick((0, 0, 1)) else (None, None, None)
            self.dates[key] = {
                "startDate": start.isoformat() if start else "",
                "endDate": end.isoformat() if end else "",
            }
            self.dates[key]["primaryTeacher"] = self._pick(("Yes", "No", "")) if class_id else ""
        staff_type = self.staff_types.setdefault((user_id, school), self._pick(STAFF_TYPES))
        return (
            self.dates[key]
            | {"staffType": staff_type, "schoolName": f"School {school}"}
            | self._class(class_id, school)
        )

    def _class(self, class_id: str, school: str) -> dict[str, str]:
        if not class_id:
            return {}
        if class_id not in self.classes:
            names = {"className": self._pick(("Reading", "Math")), "classGrade": self._pick(GRADES)}
            shown = self._pick(("", "", "Shown"))
            self.classes[class_id] = names | {"classId": class_id, "schoolId": school, "classDisplayName": shown}
        return {header: cell for header, cell in self.classes[class_id].items() if header != "schoolId"}


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
