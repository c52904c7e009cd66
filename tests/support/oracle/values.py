"""The roster in memory: plain values for the oracle in `roster_model`. Nothing here knows the program under test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Any

SOURCE, FILE, MANUAL = "source", "file", "manual"
LIVE = ("active", "planned")


@dataclass(frozen=True, slots=True, kw_only=True)
class School:
    """A school; key: school_id."""

    name: str
    owner: str = SOURCE
    status: str = "active"
    sticky: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person; key: user_id. Inactive people keep their address, but it is free for others."""

    role: str
    first_name: str
    last_name: str
    middle_name: str | None = None
    user_district_id: str | None = None
    user_state_id: str | None = None
    email: str | None
    email_key: str | None
    owner: str = FILE
    status: str = "active"
    sticky: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """A person at a school; key: (user_id, school_id)."""

    staff_type: str | None = None
    start_date: date | None = None
    end_date: date | None = None
    owner: str = FILE
    status: str = "active"
    sticky: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Class:
    """A class; key: class_id, unique in the district."""

    school_id: str
    name: str
    display_name: str | None = None
    grade: str | None = None
    owner: str = FILE
    status: str = "active"
    sticky: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrollment:
    """A person in a class; key: (user_id, class_id)."""

    primary_teacher: bool = False
    start_date: date | None = None
    end_date: date | None = None
    owner: str = FILE
    status: str = "active"
    sticky: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Roster:
    """One district's roster, and the addresses that active people of other districts hold."""

    schools: dict[str, School] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    placements: dict[tuple[str, str], Placement] = field(default_factory=dict)
    classes: dict[str, Class] = field(default_factory=dict)
    enrollments: dict[tuple[str, str], Enrollment] = field(default_factory=dict)
    taken_elsewhere: frozenset[str] = frozenset()

    def copy(self) -> Roster:
        """A roster that may be changed without touching this one."""
        return Roster(
            schools=dict(self.schools),
            people=dict(self.people),
            placements=dict(self.placements),
            classes=dict(self.classes),
            enrollments=dict(self.enrollments),
            taken_elsewhere=self.taken_elsewhere,
        )

    def rename(self, ids: Mapping[str, str]) -> None:
        """Give people other userIds (old → new); what is theirs follows."""
        self.people = {ids.get(k, k): v for k, v in self.people.items()}
        self.placements = {(ids.get(k, k), s): v for (k, s), v in self.placements.items()}
        self.enrollments = {(ids.get(k, k), c): v for (k, c), v in self.enrollments.items()}

    def placed(self, user_id: str) -> bool:
        """Has an active or planned placement of any owner."""
        return any(p.status in LIVE for (who, _), p in self.placements.items() if who == user_id)

    def handed_over(self, user_id: str) -> bool:
        """A source person who still has something of the file's: a file's person before."""
        known = self.people.get(user_id)
        records = (*self.placements.items(), *self.enrollments.items())
        return (
            known is not None and known.owner == SOURCE and any(k[0] == user_id and r.owner == FILE for k, r in records)
        )

    def school_of(self, class_id: str) -> str | None:
        known = self.classes.get(class_id)
        return known.school_id if known else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row as the rules about cells leave it: normalised cells of the headers present, "" for blank.

    `faulty`: headers of cells that carry an error. Whether a removal takes the row (`folded`) or its class part, the
    oracle says.
    """

    line: int
    status: str = "accepted"
    faulty: frozenset[str] = frozenset()
    class_part_dropped: bool = False
    email_key: str = ""
    cells: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def __getitem__(self, header: str) -> str:
        return self.cells.get(header, "")

    @property
    def action(self) -> str:
        return self["action"]

    @property
    def opens_class(self) -> bool:
        """The row says something about a class: a class action, or a filled class cell of an adding row."""
        if self.action in ("REMOVE-CLASS", "REMOVE-ENROLLMENT", "REMOVE-USER"):
            return self.action != "REMOVE-USER"
        return any(self[h] for h in ("classId", "className", "classGrade"))

    @property
    def names_class(self) -> bool:
        """An adding row with a class part that is applied."""
        return not self.action and bool(self["classId"]) and not self.class_part_dropped


@dataclass(frozen=True, slots=True, order=True)
class Told:
    """A finding without its wording."""

    line: int
    code: str
    severity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """What the district's configuration allows."""

    school_creation: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """What the model says one file comes to."""

    roster: Roster
    counts: dict[str, dict[str, int]]
    by_school: dict[str, dict[str, dict[str, int]]]
    findings: frozenset[Told]
    rows: dict[str, int]
    changed: bool
    distinct: dict[str, int]


def assignment_status(start: date | None, end: date | None, today: date) -> str:
    """`planned` before, `active` within, `ended` after; both days inclusive."""
    if end is not None and end < today:
        return "ended"
    return "planned" if start is not None and start > today else "active"


def kept(record: Any, wanted: Mapping[str, Any]) -> set[str]:
    """Fields of a file's record that keep a hand edit although something else is wanted of them.

    A date by hand also keeps the other one from what would contradict it.
    """
    if record is None or record.owner != FILE:
        return set()
    held = {name for name in wanted if name in record.sticky}
    if "email" in record.sticky:
        held |= wanted.keys() & {"email_key"}
    return held | _contradicting(record, wanted)


def _contradicting(record: Any, wanted: Mapping[str, Any]) -> set[str]:
    start, end = wanted.get("start_date"), wanted.get("end_date")
    too_late = start and "end_date" in record.sticky and record.end_date and start > record.end_date
    too_early = end and "start_date" in record.sticky and record.start_date and end < record.start_date
    return {name for name, wrong in (("start_date", too_late), ("end_date", too_early)) if wrong}


def allowed(record: Any, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What of the wanted values a file may write."""
    held = kept(record, wanted)
    return {name: value for name, value in wanted.items() if name not in held}


def differs(record: Any, wanted: Mapping[str, Any]) -> bool:
    """The record says something else than what is wanted of it."""
    return any(getattr(record, name) != value for name, value in wanted.items())
