"""An independent oracle: what one file makes of a roster, in plain Python, written from the specification alone.

It knows nothing of SQL or of the program's planning, is slow on purpose, and is only for tests.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import replace
from datetime import date
from typing import Any

from tests.support.oracle.agreement import together
from tests.support.oracle.counting import Buckets, Mentions, class_names, ended, names, tally, tally_by_school
from tests.support.oracle.judging import (
    Judge,
    class_wanted,
    enrollment_wanted,
    first_filled,
    person_wanted,
    placement_wanted,
)
from tests.support.oracle.remarks import remarks
from tests.support.oracle.told_along import told_along
from tests.support.oracle.values import (
    FILE,
    LIVE,
    Class,
    Enrollment,
    Night,
    Person,
    Placement,
    Policies,
    Roster,
    Row,
    School,
    Told,
    allowed,
    assignment_status,
)


def apply(
    roster: Roster,
    rows: Iterable[Row],
    *,
    headers: Iterable[str],
    today: date,
    policies: Policies | None = None,
) -> Night:
    """The roster after the file, what the file came to, and every roster finding of it."""
    judge = Judge(
        before=roster,
        rows=tuple(rows),
        headers=frozenset(headers),
        policies=policies or Policies(),
    )
    settled, told = together(judge.rows, lambda row: row.action not in TAKING or not judge.faults(row))
    judge = replace(judge, rows=settled)
    rejected, found = _judge_alone(judge)
    aside = _handed_over(judge, rejected)
    found |= told | {Told(line, "person-handed-over", "remark") for line in aside}
    step = _settle(judge, today, rejected | aside, found)
    found |= told_along(judge, step, found)
    found |= remarks(judge, step.after, step.accepted, step.old_id)
    return _night(judge, step, _without_news_of_rejected_rows(found), aside)


TAKING = ("REMOVE-USER", "REMOVE-CLASS")
"""Removals that take other rows with them."""


def _without_news_of_rejected_rows(found: set[Told]) -> frozenset[Told]:
    """That a removal would have taken its class part is no news about a row that is rejected."""
    rejected = {told.line for told in found if told.severity == "row"}
    return frozenset(told for told in found if told.code != "row-folded" or told.line not in rejected)


def apply_date_changes(roster: Roster, today: date) -> Roster:
    """The roster on a later day, without a file: what is the files' starts and ends, and nothing comes back."""
    after = roster.copy()
    for records in (after.placements, after.enrollments):
        for key, known in records.items():
            if known.owner == FILE and known.status in LIVE:
                now = assignment_status(known.start_date, known.end_date, today)
                # A first day moved into the future by hand does not take back what has begun.
                records[key] = replace(known, status=known.status if now == "planned" else now)
    end_with_placements(after, after.placements.keys())
    for user_id, person in after.people.items():
        if person.owner == FILE and not after.placed(user_id):
            after.people[user_id] = replace(person, status="inactive")
    return after


def end_with_placements(after: Roster, keys: Iterable[tuple[str, str]]) -> None:
    """End the files' live enrollments at the schools where these placements, being the files', are over."""
    over = {key for key in keys if after.placements[key].owner == FILE and after.placements[key].status not in LIVE}
    for (user_id, class_id), known in after.enrollments.items():
        if (user_id, after.school_of(class_id)) in over and known.owner == FILE and known.status in LIVE:
            after.enrollments[user_id, class_id] = replace(known, status="ended")


def _judge_alone(judge: Judge) -> tuple[set[int], set[Told]]:
    """Lines rejected by what each row says for itself, and why."""
    found = {
        Told(row.line, code, "row") for row in judge.rows if row.status == "accepted" for code in judge.faults(row)
    }
    return {told.line for told in found}, found


def _handed_over(judge: Judge, rejected: set[int]) -> set[int]:
    """Lines set aside because their person went over to the source."""
    rows = (row for row in judge.rows if row.status == "accepted" and row.line not in rejected and not row.action)
    return {row.line for row in rows if judge.handed_over(row)}


def _settle(judge: Judge, today: date, rejected: set[int], found: set[Told]) -> Step:
    """Reject rows that claim what another active person holds after all accepted rows, until nothing changes."""
    while True:
        accepted = [row for row in judge.rows if row.status == "accepted" and row.line not in rejected]
        step = Step(judge, accepted, today)
        claims = step.taken()
        if not claims:
            return step
        found |= claims
        rejected |= {told.line for told in claims}


def _grouped(rows: Iterable[Row], key: Callable[[Row], Hashable]) -> dict[Any, list[Row]]:
    groups: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups


def _without_spent_dates(known: Any, wanted: dict[str, Any], today: date) -> Any:
    """Stored dates a row does not speak of stay, unless they contradict it: an end that is over, or out of order.

    A row that names an ended assignment asks for it again, and may have no cell to give it other dates.
    """
    start, end = (wanted.get(name, getattr(known, name)) for name in ("start_date", "end_date"))
    spent = end is not None and (end < today or (start is not None and start > end))
    if "end_date" not in wanted:
        return replace(known, end_date=None) if spent and "end_date" not in known.sticky else known
    return replace(known, start_date=None) if start and end and start > end else known


UNIQUE = {"email_key": "email-taken", "user_district_id": "secondary-id-taken", "user_state_id": "secondary-id-taken"}


class Step:
    """The roster that a set of accepted rows makes."""

    def __init__(self, judge: Judge, accepted: list[Row], today: date) -> None:
        self.judge, self.accepted, self.today = judge, accepted, today
        self.adds = [row for row in accepted if not row.action]
        self.after = judge.before.copy()
        self.old_ids = {row["userId"]: old for row in self.adds if (old := judge.correction(row))}
        self._correct()
        self._add_schools()
        self._add_people()
        self._place()
        self._add_classes()
        self._enroll()
        self._remove()
        self._end_with_placements()
        self._settle_people()

    def old_id(self, user_id: str) -> str:
        """The ID a person had before the file."""
        return self.old_ids.get(user_id, user_id)

    def _correct(self) -> None:
        new_ids = {old: new for new, old in self.old_ids.items()}
        self.after.rename(new_ids)

    def _add_schools(self) -> None:
        for school_id, rows in _grouped(self.adds, lambda r: r["schoolId"]).items():
            known = self.after.schools.get(school_id)
            if known is None:
                self.after.schools[school_id] = School(name=first_filled(rows, "schoolName") or school_id, owner=FILE)
            elif known.owner == FILE:
                said = first_filled(rows, "schoolName") if self.judge.policies.school_creation else None
                wanted = allowed(known, {"name": said} if said else {})
                self.after.schools[school_id] = replace(known, status="active", **wanted)

    def _add_people(self) -> None:
        for user_id, rows in _grouped(self.adds, lambda r: r["userId"]).items():
            known = self.after.people.get(user_id)
            if known is None:
                self.after.people[user_id] = Person(**person_wanted(rows))
            elif known.owner == FILE:
                self.after.people[user_id] = replace(known, **allowed(known, person_wanted(rows)))

    def _place(self) -> None:
        for key, rows in _grouped(self.adds, lambda r: (r["userId"], r["schoolId"])).items():
            wanted = placement_wanted(rows, self.judge.headers)
            self.after.placements[key] = self._assigned(self.after.placements.get(key), wanted, Placement)

    def _add_classes(self) -> None:
        named = (row for row in self.adds if row.names_class)
        for class_id, rows in _grouped(named, lambda r: r["classId"]).items():
            known = self.after.classes.get(class_id)
            if known is None:
                self.after.classes[class_id] = Class(school_id=rows[0]["schoolId"], **class_wanted(rows))
            elif known.owner == FILE:
                wanted = allowed(known, class_wanted(rows))
                self.after.classes[class_id] = replace(known, status="active", **wanted)

    def _enroll(self) -> None:
        named = (row for row in self.adds if row.names_class)
        for key, rows in _grouped(named, lambda r: (r["userId"], r["classId"])).items():
            wanted = enrollment_wanted(rows, self.judge.headers)
            self.after.enrollments[key] = self._assigned(self.after.enrollments.get(key), wanted, Enrollment)

    def _assigned(self, known: Any, wanted: dict[str, Any], kind: type[Any]) -> Any:
        """A dated assignment after adding rows; one of another owner stays as it is."""
        if known is not None and known.owner != FILE:
            return known
        wanted = allowed(known, wanted)
        made = replace(_without_spent_dates(known or kind(), wanted, self.today), **wanted)
        return replace(made, status=assignment_status(made.start_date, made.end_date, self.today))

    def _remove(self) -> None:
        for row in self.accepted:
            if row.action == "REMOVE-USER":
                self._end_placement(row["userId"], row["schoolId"])
            elif row.action == "REMOVE-ENROLLMENT":
                self._end_enrollments([(row["userId"], row["classId"])])
            elif row.action == "REMOVE-CLASS":
                self._end_class(row["classId"])

    def _end_placement(self, user_id: str, school_id: str) -> None:
        placement = self.after.placements.get((user_id, school_id))
        if placement is not None and placement.owner == FILE:
            self.after.placements[user_id, school_id] = replace(placement, status="ended")

    def _end_enrollments(self, keys: list[tuple[str, str]]) -> None:
        for key in keys:
            self.after.enrollments[key] = replace(self.after.enrollments[key], status="ended")

    def _end_with_placements(self) -> None:
        """However a placement ends, the person's enrollments of the files in classes of that school end with it."""
        named = {(row["userId"], row["schoolId"]) for row in self.accepted if row.action in ("", "REMOVE-USER")}
        end_with_placements(self.after, named)

    def _end_class(self, class_id: str) -> None:
        self.after.classes[class_id] = replace(self.after.classes[class_id], status="inactive")
        self._end_enrollments(
            [key for key, e in self.after.enrollments.items() if key[1] == class_id and e.status in LIVE]
        )

    def _settle_people(self) -> None:
        """A file person named by the file is active exactly when placed somewhere."""
        for user_id in {row["userId"] for row in self.accepted if row.action in ("", "REMOVE-USER")}:
            known = self.after.people[user_id]
            if known.owner == FILE:
                status = "active" if self.after.placed(user_id) else "inactive"
                self.after.people[user_id] = replace(known, status=status)

    def taken(self) -> set[Told]:
        """Findings on the rows whose person claims an address or secondary ID that another active person holds."""
        found: set[Told] = set()
        for name, code in UNIQUE.items():
            victims = self._claiming(name)
            found |= {Told(row.line, code, "row") for row in self.adds if row["userId"] in victims}
        return found

    def _claiming(self, name: str) -> set[str]:
        elsewhere = self.after.taken_elsewhere if name == "email_key" else frozenset()
        holders: dict[str, set[str]] = defaultdict(set)
        named = {row["userId"] for row in self.adds}
        for user_id, person in self.after.people.items():
            # Who is named with an assignment that is over claims the value all the same: it belongs to somebody else.
            asks = user_id in named and person.owner == FILE
            if (asks or person.status == "active") and (value := getattr(person, name)):
                holders[value].add(user_id)
        contested = {who for value, whose in holders.items() if len(whose) > 1 or value in elsewhere for who in whose}
        return {who for who in contested if who in named and self._claims(who, name)}

    def _claims(self, user_id: str, name: str) -> bool:
        """The person did not hold it before the file."""
        was = self.judge.before.people.get(self.old_id(user_id))
        now = self.after.people[user_id]
        return was is None or was.status != "active" or getattr(was, name) != getattr(now, name)


def _night(judge: Judge, step: Step, found: frozenset[Told], aside: set[int]) -> Night:
    errors = {told.line for told in found if told.severity == "row"}
    lines = errors | {row.line for row in judge.rows if row.status == "rejected"}
    said = _mentions(judge, step, lines, aside)
    buckets = Buckets(judge.before, step.after, step.old_id)
    counts = tally(said, buckets)
    return Night(
        roster=step.after,
        counts=counts,
        by_school=tally_by_school(said, buckets),
        findings=found,
        rows=_row_counts(judge.rows, lines, aside),
        changed=step.after != judge.before,
        distinct={e: sum(entity == e for entity, _ in said.distinct) for e in counts},
    )


def _mentions(judge: Judge, step: Step, rejected: set[int], aside: set[int]) -> Mentions:
    """Folded and handed-over rows are set aside, and so is the class part of a row whose class is removed."""
    applied, left, bad = set(ended(judge.before, step.after, step.old_id)), set(), set()
    for row in judge.rows:
        if row.line in rejected:
            bad |= {*names(row), *class_names(row)}
            continue
        out = row.status == "folded" or row.line in aside
        (left if out else applied).update(names(row))
        (left if out or row.class_part_dropped else applied).update(class_names(row))
    return Mentions(applied=frozenset(applied), aside=frozenset(left), rejected=frozenset(bad))


def _row_counts(rows: tuple[Row, ...], bad: set[int], aside: set[int]) -> dict[str, int]:
    folded = sum(row.status == "folded" for row in rows) + len(aside)
    return {
        "read": len(rows),
        "accepted": len(rows) - len(bad) - folded,
        "rejected": len(bad),
        "set_aside": folded,
    }
