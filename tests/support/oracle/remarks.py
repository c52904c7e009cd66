"""The remarks of roster rules, said by the oracle once the accepted rows are settled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tests.support.oracle.judging import Judge, class_wanted, enrollment_wanted, person_wanted, placement_wanted
from tests.support.oracle.values import FILE, LIVE, MANUAL, SOURCE, Roster, Row, Told, differs, kept


def remarks(judge: Judge, after: Roster, accepted: list[Row], old_id: Callable[[str], str]) -> set[Told]:
    """Every remark on an accepted adding row."""
    adds = [row for row in accepted if not row.action]
    teller = _Teller(judge, after, adds, old_id)
    return {Told(row.line, code, "remark") for row in adds for code in teller.codes(row)}


class _Teller:
    def __init__(self, judge: Judge, after: Roster, adds: list[Row], old_id: Callable[[str], str]) -> None:
        self.judge, self.before, self.after = judge, judge.before, after
        self.adds, self.old_id = adds, old_id
        self.raised = {row["userId"] for row in adds if row["userRole"] == "Administrator"}

    def codes(self, row: Row) -> Iterator[str]:
        yield from self._person(row)
        yield from self._school(row)
        yield from self._assignments(row)
        if self._kept(row):
            yield "field-sticky"
        if row["userRole"] == "Teacher" and row["userId"] in self.raised:
            yield "role-both"
        if row.names_class:
            yield from self._class(row)

    def _person(self, row: Row) -> Iterator[str]:
        old = self.old_id(row["userId"])
        was, now = self.before.people.get(old), self.after.people[row["userId"]]
        if old != row["userId"]:
            yield "id-corrected"
        if was is None:
            return
        if was.owner == SOURCE:
            yield "person-owned-by-source"
        if was.owner == MANUAL and differs(was, _without_spelling(person_wanted([row]))):
            yield "owned-manually"
        if was.email_key != now.email_key:
            yield "email-changed"
        if (was.role, now.role) == ("Teacher", "Administrator"):
            yield "role-raised"
        yield from _revived(was, now)

    def _kept(self, row: Row) -> bool:
        """A hand edit of something the row names was kept."""
        who, headers = self.old_id(row["userId"]), self.judge.headers
        assigned = self.before.enrollments.get((who, row["classId"])) if row.names_class else None
        named = (
            (self.before.people.get(who), _without_spelling(person_wanted([row]))),
            (self.before.placements.get((who, row["schoolId"])), placement_wanted([row], headers)),
            (self.before.classes.get(row["classId"]) if row.names_class else None, class_wanted([row])),
            (assigned, enrollment_wanted([row], headers)),
            (self._named_school(row), {"name": row["schoolName"]} if row["schoolName"] else {}),
        )
        return any(getattr(was, name) != wanted[name] for was, wanted in named for name in kept(was, wanted))

    def _named_school(self, row: Row) -> Any:
        """The row's school, where files give schools their names."""
        return self.before.schools.get(row["schoolId"]) if self.judge.policies.school_creation else None

    def _school(self, row: Row) -> Iterator[str]:
        was = self.before.schools.get(row["schoolId"])
        if was is None:
            return
        if row["schoolName"] and row["schoolName"] != was.name:
            yield "school-name-differs"
        yield from _revived(was, self.after.schools[row["schoolId"]])

    def _class(self, row: Row) -> Iterator[str]:
        was = self.before.classes.get(row["classId"])
        if was is None:
            return
        if differs(was, class_wanted([row])) and was.owner != FILE:
            yield "class-owned-by-source" if was.owner == SOURCE else "owned-manually"
        yield from _revived(was, self.after.classes[row["classId"]])

    def _assignments(self, row: Row) -> Iterator[str]:
        headers, who = self.judge.headers, row["userId"]
        at = (who, row["schoolId"])
        was = self.before.placements.get((self.old_id(who), row["schoolId"]))
        yield from _assignment(was, self.after.placements[at], placement_wanted([row], headers))
        if row.names_class:
            enrolled = self.before.enrollments.get((self.old_id(who), row["classId"]))
            now = self.after.enrollments[who, row["classId"]]
            yield from _assignment(enrolled, now, enrollment_wanted([row], headers))
            yield from self._primary(row, enrolled)

    def _primary(self, row: Row, was: Any) -> Iterator[str]:
        """The class had a live primary other than this person, who becomes one."""
        becomes = row["primaryTeacher"] == "Yes" and not (was and was.primary_teacher and was.status in LIVE)
        others = (
            e.primary_teacher and e.status in LIVE
            for (who, class_id), e in self.before.enrollments.items()
            if class_id == row["classId"] and who != self.old_id(row["userId"])
        )
        if becomes and any(others):
            yield "primary-second"


def _assignment(was: Any, now: Any, wanted: dict[str, Any]) -> Iterator[str]:
    if now.owner == FILE and now.status == "ended":
        yield "date-past"
    if was is None:
        return
    if was.owner == MANUAL and differs(was, wanted):
        yield "owned-manually"
    yield from _revived(was, now)


def _revived(was: Any, now: Any) -> Iterator[str]:
    if was.status in ("inactive", "ended") and now.status in LIVE:
        yield "reactivated"


def _without_spelling(wanted: dict[str, Any]) -> dict[str, Any]:
    """Addresses are compared by their folded form."""
    return {name: value for name, value in wanted.items() if name != "email"}
