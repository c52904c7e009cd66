"""What rows of one file say of each other, for the oracle: removals that contradict, what they take, and agreement.

Written from the specification alone, over the rows of `roster_values` as the cells' own rules leave them: `rejected`
where a cell is faulty, and `faulty` names these cells.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace

from tests.support.oracle.values import Row, Told

PERSON = ("userFirstName", "userLastName", "userMiddleName", "userDistrictId", "userStateId", "userEmail")
DATES = ("startDate", "endDate")
TARGETS = {
    "REMOVE-USER": ("userId", "schoolId"),
    "REMOVE-CLASS": ("classId",),
    "REMOVE-ENROLLMENT": ("userId", "classId"),
}


def usable(row: Row, header: str) -> str | None:
    """What the cell says; None where it carries an error."""
    if header in row.faulty:
        return None
    return row.email_key if header == "userEmail" else row[header]


def key_of(row: Row, headers: Iterable[str]) -> tuple[str, ...] | None:
    """The row's key; None where a part of it is blank or unusable."""
    parts = [usable(row, header) for header in headers]
    return tuple(str(part) for part in parts) if all(parts) else None


def at_two_schools(rows: Sequence[Row]) -> set[int]:
    """Lines of removals by the same action of one target that name different schools."""
    lines: set[int] = set()
    for word, headers in TARGETS.items():
        lines |= _apart([row for row in rows if row.action == word], headers, lambda row: usable(row, "schoolId"))
    return lines


def _apart(rows: Iterable[Row], headers: Iterable[str], said: Callable[[Row], Hashable | None]) -> set[int]:
    """Lines of the groups of one key in which two different things are said; None says nothing."""
    groups: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        if key := key_of(row, headers):
            groups[key].append(row)
    split = (some for some in groups.values() if len({said(row) for row in some} - {None}) > 1)
    return {row.line for some in split for row in some}


def taken(rows: Sequence[Row], removals: Iterable[Row]) -> tuple[set[int], set[int]]:
    """Lines that these removals take wholly, and lines whose class part they take."""
    whole: set[int] = set()
    part: set[int] = set()
    people = {key_of(row, TARGETS["REMOVE-USER"]) for row in removals if row.action == "REMOVE-USER"} - {None}
    classes = {key_of(row, TARGETS["REMOVE-CLASS"]) for row in removals if row.action == "REMOVE-CLASS"} - {None}
    for row in rows:
        if row.action not in TARGETS or row.action == "REMOVE-ENROLLMENT":
            of_class = key_of(row, TARGETS["REMOVE-CLASS"]) in classes
            if key_of(row, TARGETS["REMOVE-USER"]) in people or (of_class and row.action):
                whole.add(row.line)
            elif of_class:
                part.add(row.line)
    return whole, part


def both_ways(rows: Sequence[Row], out: set[int]) -> set[int]:
    """Lines that add or remove one enrollment which another does the other way; `out`: what a removal takes."""
    asked: dict[tuple[str, ...], dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    for row in rows:
        key = key_of(row, TARGETS["REMOVE-ENROLLMENT"])
        if key and row.action in ("", "REMOVE-ENROLLMENT") and row.line not in out:
            asked[key][row.action].add(row.line)
    return {line for by in asked.values() if len(by) > 1 for lines in by.values() for line in lines}


def disagreeing(rows: Sequence[Row]) -> set[Told]:
    """`row-conflict` and `email-duplicate` among rows that add or update; folded ones say nothing any more."""
    speak = [row for row in rows if not row.action and row.status != "folded"]
    found = {Told(line, "row-conflict", "row") for line in _conflicts(speak)}
    people = [row for row in speak if row["userId"] or "userId" in row.faulty]
    shared = _apart(people, ["userEmail"], lambda row: usable(row, "userId"))
    return found | {Told(line, "email-duplicate", "row") for line in shared}


def _conflicts(speak: list[Row]) -> set[int]:
    with_class = [row for row in speak if row["classId"] and not row.class_part_dropped]
    without = [row for row in speak if usable(row, "classId") == ""]
    kept = lambda header: lambda row: usable(row, header) or None  # noqa: E731 - a blank keeps: it says nothing
    cleared = lambda header: lambda row: usable(row, header)  # noqa: E731 - a blank says "no limit"
    lines: set[int] = set()
    for header in PERSON:
        lines |= _apart(speak, ["userId"], kept(header))
    lines |= _apart(speak, ["schoolId"], kept("schoolName"))
    lines |= _apart(speak, ["userId", "schoolId"], kept("staffType"))
    for header in ("schoolId", "className", "classDisplayName", "classGrade"):
        lines |= _apart(with_class, ["classId"], kept(header))
    for header in DATES:
        lines |= _apart(without, ["userId", "schoolId"], cleared(header))
        lines |= _apart(with_class, ["userId", "classId"], cleared(header))
    return lines | _apart(with_class, ["userId", "classId"], _primary)


def _primary(row: Row) -> str | None:
    said = usable(row, "primaryTeacher")
    return "No" if said == "" else said


def together(rows: Sequence[Row], accepted: Callable[[Row], bool]) -> tuple[tuple[Row, ...], set[Told]]:
    """The rows as they stand once removals and agreement are judged, and the findings; `accepted`: by the roster rules.

    Only removals that are accepted in the end take other rows with them. Rows stay as they are where nothing is said.
    """
    contradicting = at_two_schools(rows)
    fine = [r for r in rows if r.status == "accepted" and r.line not in contradicting and accepted(r)]
    whole, part = taken(rows, [r for r in fine if r.action in ("REMOVE-USER", "REMOVE-CLASS")])
    contradicting |= both_ways(rows, whole | part)
    found = {Told(line, "action-conflict", "row") for line in contradicting}
    rows = [replace(r, status="rejected") if r.line in contradicting else r for r in rows]
    rows = [_folded(r, whole, part) if r.status == "accepted" else r for r in rows]
    conflicts = disagreeing(rows)
    lines = {told.line for told in conflicts}
    settled = tuple(replace(r, status="rejected") if r.line in lines else r for r in rows)
    remarked = {r.line for r in settled if r.status == "folded" or (r.class_part_dropped and r.status == "accepted")}
    return settled, found | conflicts | {Told(line, "row-folded", "remark") for line in remarked}


def _folded(row: Row, whole: set[int], part: set[int]) -> Row:
    if row.line in whole:
        return replace(row, status="folded")
    return replace(row, class_part_dropped=row.line in part)
