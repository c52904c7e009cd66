"""The roster rules, row by row, over the values of `roster_values`: what rejects a row before anything is applied.

Written from the specification alone. Rules that need the roster as it will be (addresses, secondary identifiers)
are in `roster_model`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from tests.support.oracle.values import (
    FILE,
    LIVE,
    MANUAL,
    SOURCE,
    Enrollment,
    Person,
    Placement,
    Policies,
    Roster,
    Row,
    differs,
)

PERSON_CELLS = {
    "userFirstName": "first_name",
    "userLastName": "last_name",
    "userMiddleName": "middle_name",
    "userDistrictId": "user_district_id",
    "userStateId": "user_state_id",
    "userEmail": "email",
}
DATE_CELLS = {"startDate": "start_date", "endDate": "end_date"}
OWNER_CODES = {SOURCE: "person-owned-by-source", MANUAL: "owned-manually"}


def first_filled(rows: Iterable[Row], header: str) -> str | None:
    """The rows agree; a blank keeps, so the first filled cell speaks for all."""
    return next((row[header] for row in rows if row[header]), None)


def person_wanted(rows: list[Row]) -> dict[str, Any]:
    """What adding rows of one person ask of the person; Administrator wins over Teacher."""
    asked = {name: first_filled(rows, header) for header, name in PERSON_CELLS.items()}
    roles = {row["userRole"] for row in rows}
    asked["role"] = "Administrator" if "Administrator" in roles else "Teacher"
    asked["email_key"] = next((row.email_key for row in rows if row.email_key), None)
    return {name: value for name, value in asked.items() if value is not None}


def dates_wanted(row: Row | None, headers: frozenset[str]) -> dict[str, date | None]:
    """Dates of a row; a blank cell of a present column means no limit, an absent column touches nothing."""
    if row is None:
        return {}
    present = {name: row[header] for header, name in DATE_CELLS.items() if header in headers}
    return {name: date.fromisoformat(text) if text else None for name, text in present.items()}


def placement_wanted(rows: list[Row], headers: frozenset[str]) -> dict[str, Any]:
    """Staff type from every row at the school; dates only from a row that names no class."""
    staff_type = first_filled(rows, "staffType")
    undivided = next((row for row in rows if not row["classId"]), None)
    return ({"staff_type": staff_type} if staff_type else {}) | dates_wanted(undivided, headers)


def class_wanted(rows: list[Row]) -> dict[str, Any]:
    """Name, display name and grade of a class; blanks keep."""
    cells = {"className": "name", "classDisplayName": "display_name", "classGrade": "grade"}
    asked = {name: first_filled(rows, header) for header, name in cells.items()}
    return {name: value for name, value in asked.items() if value is not None}


def enrollment_wanted(rows: list[Row], headers: frozenset[str]) -> dict[str, Any]:
    """Primary or not (blank means no) and the dates of the row that names the class."""
    return {"primary_teacher": rows[0]["primaryTeacher"] == "Yes"} | dates_wanted(rows[0], headers)


def _similar(typed: str, known: Collection[str]) -> str | None:
    """An unknown ID that is a known one in other case, or without its leading zeros."""
    if typed in known:
        return None
    if any(k.lower() == typed.lower() for k in known):
        return "id-case-differs"
    return "cell-leading-zero-lost" if any(k.lstrip("0") == typed for k in known) else None


SCHOOL_NOT_MEANT = ("school-unknown", "id-case-differs", "cell-leading-zero-lost")


@dataclass(frozen=True, kw_only=True)
class Judge:
    """The roster before the file, and the whole file (rejected rows too: they name userIds)."""

    before: Roster
    rows: tuple[Row, ...]
    headers: frozenset[str]
    policies: Policies

    @cached_property
    def named_ids(self) -> frozenset[str]:
        """userIds that any row of the file names."""
        return frozenset(row["userId"] for row in self.rows if row["userId"])

    def faults(self, row: Row) -> list[str]:
        """Codes that reject an accepted row whatever the other rows say; root causes only."""
        if row.action:
            return self._removal_faults(row)
        school, person = self.school_fault(row), self.person_fault(row)
        unknown_class = row["classId"] not in self.before.classes
        named = None if school in SCHOOL_NOT_MEANT and not unknown_class else self.class_fault(row)
        return [code for code in (school, person, named, *self._similar_secondary_ids(row)) if code]

    def cell_faults(self, row: Row) -> list[str]:
        """Codes about single usable cells: what a row is told that is rejected anyway."""
        codes: list[str | None] = [self.school_fault(row)] if row["schoolId"] else []
        if not row.action:
            return [code for code in (*codes, *self._added_faults(row)) if code]
        if row.action in ("REMOVE-USER", "REMOVE-ENROLLMENT"):
            codes.append(self.mistyped(row["userId"]))
        if row.action in ("REMOVE-CLASS", "REMOVE-ENROLLMENT") and row["classId"]:
            there = row["schoolId"] in self.before.schools
            codes.append(self._elsewhere(row) if there or row["classId"] not in self.before.classes else None)
        return [code for code in codes if code]

    def _added_faults(self, row: Row) -> Iterator[str | None]:
        known = self.before.people.get(row["userId"])
        if known is None:
            yield self.mistyped(row["userId"])
        elif row.email_key and row["userFirstName"] and row["userLastName"]:
            taken = self._someone_else(known, row)
            unused = known.owner == MANUAL and known.status != "active"
            yield "id-taken" if taken else "owned-manually" if unused else None
        elif known.owner == MANUAL and known.status != "active":
            yield self._unused_by_hand(known, row)
        named = row.names_class and self._at_a_school(row)
        yield self.class_fault(row) if named or row["classId"] not in self.before.classes else None
        yield from self._similar_secondary_ids(row)

    def _unused_by_hand(self, known: Person, row: Row) -> str | None:
        """Whether it is somebody else's cannot be said without all of address and names, unless one of them is hers."""
        own = (
            not row.email_key,
            row.email_key == known.email_key,
            row["userFirstName"] == known.first_name,
            row["userLastName"] == known.last_name,
        )
        return "owned-manually" if any(own) else None

    def _at_a_school(self, row: Row) -> bool:
        """The row's school is there, or the row may make it."""
        return bool(row["schoolId"]) and self.school_fault(row) not in SCHOOL_NOT_MEANT

    def _similar_secondary_ids(self, row: Row) -> list[str | None]:
        people = self.before.people.values()
        return [
            _similar(row[header], {value for known in people if (value := getattr(known, name))})
            for header, name in (("userDistrictId", "user_district_id"), ("userStateId", "user_state_id"))
            if row[header]
        ]

    def school_fault(self, row: Row) -> str | None:
        school = self.before.schools.get(row["schoolId"])
        if school is None and (similar := _similar(row["schoolId"], self.before.schools)):
            return similar
        if school is None:
            return None if self.policies.school_creation and not row.action else "school-unknown"
        stale = school.status != "active" and school.owner != FILE
        return "school-inactive" if stale and not row.action else None

    def class_fault(self, row: Row) -> str | None:
        known = self.before.classes.get(row["classId"]) if row.names_class else None
        if known is None:
            return _similar(row["classId"], self.before.classes) if row.names_class else None
        if known.school_id != row["schoolId"]:
            return "class-other-school"
        return "class-inactive" if known.status != "active" and known.owner != FILE else None

    def person_fault(self, row: Row) -> str | None:
        """Who is this row about?"""
        known = self.before.people.get(row["userId"])
        if known is None:
            return self.mistyped(row["userId"])
        if self._someone_else(known, row):
            return "id-taken"
        if known.owner == MANUAL and known.status != "active":
            return "owned-manually"
        if known.owner == SOURCE and not self._already_true(row, known) and not self.before.handed_over(row["userId"]):
            return "person-owned-by-source"
        return None

    def handed_over(self, row: Row) -> bool:
        """The row names a person who went over to the source: by userId, or by address and name under another ID."""
        if row["userId"] in self.before.people:
            return self.before.handed_over(row["userId"])
        said = (row.email_key, row["userFirstName"], row["userLastName"])
        return not self.mistyped(row["userId"]) and any(
            self.before.handed_over(user_id)
            for user_id, known in self.before.people.items()
            if (known.email_key, known.first_name, known.last_name) == said
        )

    def mistyped(self, user_id: str) -> str | None:
        """An unknown ID that is a known one in other case, or without its leading zeros."""
        return _similar(user_id, self.before.people)

    def _someone_else(self, known: Person, row: Row) -> bool:
        return (
            known.email_key != row.email_key
            and known.first_name != row["userFirstName"]
            and known.last_name != row["userLastName"]
        )

    def _already_true(self, row: Row, known: Person) -> bool:
        wanted = {name: value for name, value in person_wanted([row]).items() if name != "email"}
        return known.status == "active" and not differs(known, wanted) and self._assigned(row)

    def _assigned(self, row: Row) -> bool:
        placement = self.before.placements.get((row["userId"], row["schoolId"]))
        if placement is None or placement.status not in LIVE:
            return False
        if differs(placement, placement_wanted([row], self.headers)):
            return False
        return not row.names_class or (self._enrolled(row) and not self._class_asked(row))

    def _class_asked(self, row: Row) -> bool:
        """The row asks to change a class of the file."""
        known = self.before.classes.get(row["classId"])
        return known is not None and known.owner == FILE and differs(known, class_wanted([row]))

    def _enrolled(self, row: Row) -> bool:
        enrollment = self.before.enrollments.get((row["userId"], row["classId"]))
        if enrollment is None or enrollment.status not in LIVE:
            return False
        return not differs(enrollment, enrollment_wanted([row], self.headers))

    def correction(self, row: Row) -> str | None:
        """The userId a new ID stands for: a file person with this address and name whose old ID nobody names."""
        if row["userId"] in self.before.people or self.mistyped(row["userId"]):
            return None
        return self._same_person(row.email_key, row["userFirstName"], row["userLastName"])

    def _same_person(self, email_key: str, first_name: str, last_name: str) -> str | None:
        matches = [
            (known.status != "active", user_id)
            for user_id, known in self.before.people.items()
            if known.owner == FILE
            and (known.email_key, known.first_name, known.last_name) == (email_key, first_name, last_name)
            and user_id not in self.named_ids
        ]
        return min(matches)[1] if matches else None

    def _removal_faults(self, row: Row) -> list[str]:
        """School, person and class each for themselves; the target only when all of them are what was meant."""
        mistyped = self.mistyped(row["userId"]) if row.action != "REMOVE-CLASS" else None
        school = self.school_fault(row)
        elsewhere = None if school or row.action == "REMOVE-USER" else self._elsewhere(row)
        another = "action-person-differs" if row.action != "REMOVE-CLASS" and self._describes_another(row) else None
        codes = [code for code in (school, mistyped, elsewhere, another) if code]
        judges = {
            "REMOVE-USER": self._user_removal,
            "REMOVE-ENROLLMENT": self._enrollment_removal,
            "REMOVE-CLASS": self._class_removal,
        }
        target = None if codes else judges[row.action](row)
        return [*codes, target] if target else codes

    def _describes_another(self, row: Row) -> bool:
        """A removal's filled name and address are not its userId's: somebody else's, or several and none of them."""
        known = self.before.people.get(row["userId"])
        said = {"email_key": row.email_key, "first_name": row["userFirstName"], "last_name": row["userLastName"]}
        filled = {name: cell.lower() for name, cell in said.items() if cell}

        def own(person: Person) -> list[bool]:
            return [(getattr(person, name) or "").lower() == cell for name, cell in filled.items()]

        if known is None or all(own(known)):
            return False
        others = (person for user_id, person in self.before.people.items() if user_id != row["userId"])
        return any(all(own(person)) for person in others) or (len(filled) > 1 and not any(own(known)))

    def _elsewhere(self, row: Row) -> str | None:
        known = self.before.classes.get(row["classId"])
        if known is None:
            return _similar(row["classId"], self.before.classes)
        return "class-other-school" if known is not None and known.school_id != row["schoolId"] else None

    def _user_removal(self, row: Row) -> str | None:
        return self._record_removal(self.before.placements.get((row["userId"], row["schoolId"])), row)

    def _enrollment_removal(self, row: Row) -> str | None:
        return self._record_removal(self.before.enrollments.get((row["userId"], row["classId"])), row)

    def _record_removal(self, record: Placement | Enrollment | None, row: Row) -> str | None:
        """Only what is the file's may be removed; of a source person everything else is the source's."""
        if record is not None:
            return OWNER_CODES.get(record.owner)
        known = self.before.people.get(row["userId"])
        return "person-owned-by-source" if known is not None and known.owner == SOURCE else "action-target-unknown"

    def _class_removal(self, row: Row) -> str | None:
        known = self.before.classes.get(row["classId"])
        if known is None:
            return "action-target-unknown"
        if known.owner != FILE:
            return "class-owned-by-source" if known.owner == SOURCE else "owned-manually"
        owners = {
            e.owner
            for (_, class_id), e in self.before.enrollments.items()
            if class_id == row["classId"] and e.status in LIVE and known.status == "active"
        }
        if owners <= {FILE}:
            return None
        return "class-owned-by-source" if SOURCE in owners else "owned-manually"
