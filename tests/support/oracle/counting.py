"""The counting rules of the oracle: each distinct entity named or ended lands in exactly one bucket."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tests.support.oracle.values import LIVE, Roster, Row

BUCKETS = ("created", "updated", "unchanged", "removed", "errors")
ENTITIES = ("school", "staff", "class", "enrollment")
NOWHERE = "(none)"
UNKNOWN = "(unknown)"
LOCAL = {"placement": "staff", "class": "class", "enrollment": "enrollment"}
"""What is counted per school, and as what: staff there are judged on the placement."""
Key = tuple[str, ...]
Named = tuple[str, str, Key]
"""(entity, school key, entity key): what a row names, or what was ended."""


def names(row: Row) -> list[Named]:
    """What a row names. A blank or unusable key makes a key of its own per row."""
    alone = f"?{row.line}"
    at = row["schoolId"] or NOWHERE
    who = row["userId"] or alone
    named: list[Named] = [("school", at, (row["schoolId"] or alone,))]
    if row.action != "REMOVE-CLASS":
        named += [("staff", at, (who,)), ("placement", at, (who if row["schoolId"] else alone,))]
    return named


def class_names(row: Row) -> list[Named]:
    """The class and the enrollment that a row names."""
    alone = f"?{row.line}"
    at, which = row["schoolId"] or NOWHERE, row["classId"] or alone
    if not row.opens_class:
        return []
    enrollment: Named = ("enrollment", at, (row["userId"] or alone, which))
    return [("class", at, (which,)), *([] if row.action == "REMOVE-CLASS" else [enrollment])]


@dataclass(frozen=True, kw_only=True)
class Mentions:
    """What accepted rows name or the file ends, what is only set aside, and what rejected rows name."""

    applied: frozenset[Named]
    aside: frozenset[Named]
    rejected: frozenset[Named]

    @property
    def good(self) -> frozenset[Named]:
        return self.applied | self.aside

    @property
    def distinct(self) -> set[tuple[str, Key]]:
        return {(entity, key) for entity, _, key in self.good | self.rejected}


def ended(before: Roster, after: Roster, old_id: Callable[[str], str]) -> list[Named]:
    """What is no longer live, named or by cascade."""
    gone: list[Named] = []
    for who, person in after.people.items():
        was = before.people.get(old_id(who))
        if was and was.status == "active" and person.status != "active":
            gone.append(("staff", NOWHERE, (who,)))
    for (who, school), placement in after.placements.items():
        if _ended(before.placements.get((old_id(who), school)), placement):
            gone.append(("placement", school, (who,)))
    gone += [("class", c.school_id, (k,)) for k, c in after.classes.items() if _ended(before.classes.get(k), c)]
    for (who, class_id), enrollment in after.enrollments.items():
        if _ended(before.enrollments.get((old_id(who), class_id)), enrollment):
            gone.append(("enrollment", after.school_of(class_id) or NOWHERE, (who, class_id)))
    return gone


def _ended(was: Any, now: Any) -> bool:
    return was is not None and was.status in LIVE and now.status not in LIVE


def bucket(was: Any, now: Any, *, more: bool = False) -> str:
    """created, removed, updated or unchanged, the first that fits; `more`: something else of it changed."""
    if was is None:
        return "unchanged" if now is None else "created"
    if _ended(was, now):
        return "removed"
    return "updated" if was != now or more else "unchanged"


class Buckets:
    """Which bucket an entity falls into, for the district and at one school."""

    def __init__(self, before: Roster, after: Roster, old_id: Callable[[str], str]) -> None:
        self.before, self.after, self.old_id = before, after, old_id

    def of(self, entity: str, key: Key) -> str:
        """The district's bucket of an entity that an accepted row names."""
        return getattr(self, f"_{entity}")(*key)

    def at(self, entity: str, school: str, key: Key) -> str:
        """The bucket at one school; staff are judged on the placement."""
        return self._placement(str(key[0]), school) if entity == "placement" else self.of(entity, key)

    def _school(self, school: str) -> str:
        return bucket(self.before.schools.get(school), self.after.schools.get(school))

    def _staff(self, who: str) -> str:
        schools = {school for (_, school) in (*self.after.placements, *self.before.placements)}
        moved = any(self._placement(who, school) != "unchanged" for school in schools)
        renamed = self.old_id(who) != who
        return bucket(self.before.people.get(self.old_id(who)), self.after.people.get(who), more=moved or renamed)

    def _placement(self, who: str, school: str) -> str:
        was = self.before.placements.get((self.old_id(who), school))
        return bucket(was, self.after.placements.get((who, school)))

    def _class(self, class_id: str) -> str:
        return bucket(self.before.classes.get(class_id), self.after.classes.get(class_id))

    def _enrollment(self, who: str, class_id: str) -> str:
        was = self.before.enrollments.get((self.old_id(who), class_id))
        return bucket(was, self.after.enrollments.get((who, class_id)))


def zeros(entities: Iterable[str] = ENTITIES) -> dict[str, dict[str, int]]:
    """No entity in any bucket."""
    return {entity: dict.fromkeys(BUCKETS, 0) for entity in entities}


def tally(said: Mentions, judge: Buckets) -> dict[str, dict[str, int]]:
    """District counts."""
    sure = {(entity, key) for entity, _, key in said.good if entity != "placement"}
    counts = zeros()
    for entity, key in sure:
        counts[entity][judge.of(entity, key)] += 1
    errors = Counter(entity for entity, key in said.distinct - sure if entity != "placement")
    for entity, number in errors.items():
        counts[entity]["errors"] = number
    return counts


def tally_by_school(said: Mentions, judge: Buckets) -> dict[str, dict[str, dict[str, int]]]:
    """Counts per school and entity; schools at which nothing was named are absent.

    Staff count at each of their schools. A class or enrollment belongs to one school and counts once: at its own, or
    where nothing of it is applied, at the first of the schools its rows name. What is no school is no key.
    """
    known = {NOWHERE, *judge.before.schools, *judge.after.schools}

    def shown(school: str) -> str:
        return school if school in known else UNKNOWN

    schools: dict[str, dict[str, dict[str, int]]] = {}
    for entity, school, key in _local(said, shown):
        good = any((entity, key) == (e, k) and (entity != "placement" or school == s) for e, s, k in said.good)
        into = judge.at(entity, school, key) if good else "errors"
        schools.setdefault(shown(school), zeros(ENTITIES[1:]))[LOCAL[entity]][into] += 1
    return schools


def _local(said: Mentions, shown: Callable[[str], str]) -> set[Named]:
    applied = {(e, k) for e, _, k in said.applied}
    first: dict[tuple[str, Key], str] = {}
    for entity, school, key in sorted(
        said.aside | said.rejected, key=lambda named: (named[0], shown(named[1]), named[2])
    ):
        if entity in ("class", "enrollment") and (entity, key) not in applied:
            first.setdefault((entity, key), school)
    named = {(entity, school, key) for entity, school, key in said.applied if entity in LOCAL}
    named |= {(entity, school, key) for entity, school, key in said.aside | said.rejected if entity == "placement"}
    return named | {(entity, school, key) for (entity, key), school in first.items()}
