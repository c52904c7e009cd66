"""Mass changes: does a plan do more than usual? Then a person must look first (safety page, Holds).

What the plan does is known from its counts and one scan of the people; the roster is asked "of how many" only where
that reaches a limit's number. A limit is exceeded when both its number and its share are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Table, and_, exists, func, literal, not_, select, union_all

from rostersync.catalogue.findings import found
from rostersync.configuration.district import Holds, Threshold
from rostersync.database import tables as t
from rostersync.model import Finding
from rostersync.planning.predicates import LIVE
from rostersync.planning.workspace import Workspace

if TYPE_CHECKING:
    from rostersync.planning import Plan

PEOPLE = "people"
ENTITIES = {"staff": PEOPLE, "class": "classes", "enrollment": "enrollments"}
"""Entities that can end, as the mail names them. At a school, staff are its placements."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Suspect:
    """Something the plan does so often that its limit's number is reached; whether its share is, the roster knows."""

    code: str
    number: int
    limit: Threshold
    entity: str = PEOPLE
    school: str | None = None

    @property
    def enough(self) -> int | None:
        """So many active records prove that the share is not exceeded: no need to count further."""
        return int(self.number / self.limit.share) + 1 if self.limit.share else None

    def judged(self, of: int) -> Iterator[Finding]:
        if self.limit.exceeded(self.number, of):
            where: dict[str, Any] = {} if self.school is None else {"school": self.school}
            yield found(self.code, entity=self.entity, count=self.number, of=of, **where)


@dataclass(frozen=True, slots=True, kw_only=True)
class _People:
    """What the plan does to people beyond the counts; `known`: the district has or had people of a file."""

    administrators: int
    emails: int
    ids: int
    known: bool


def judge_holds(plan: Plan, holds: Holds) -> tuple[Finding, ...]:
    """Why this plan has to wait for a person, in the catalogue's order; nothing when it may be applied."""
    people = _people(plan.workspace)
    suspects = _suspects(plan, holds, people)
    at_schools = list(_school_suspects(plan, holds.removals))
    judged = (
        *_of_district(plan.workspace, suspects),
        *_first_delivery(plan, holds, people),
        *_administrators(holds, people),
        *_of_schools(plan.workspace, at_schools),
        *_foreign(plan, holds.foreign),
    )
    return tuple(sorted(judged, key=lambda each: _ORDER.index(each.code)))


_ORDER = (
    "hold-removals",
    "hold-updates",
    "hold-creates",
    "hold-admins",
    "hold-emails",
    "hold-school",
    "hold-id-churn",
    "hold-foreign",
)


def _people(ws: Workspace) -> _People:
    plan, p = ws.plans["person"].c, t.person.c
    old = plan.old_status.is_not(None)
    files = plan.owner == "file"
    becomes = and_(files, plan.new_status == "active", plan.new_role == "Administrator")
    was = func.coalesce(and_(plan.old_status == "active", plan.old_role == "Administrator"), False)
    row = ws.conn.execute(
        select(
            func.count().filter(becomes, not_(was)),
            func.count().filter(old, plan.old_email_key.is_distinct_from(plan.new_email_key)),
            func.count().filter(plan.old_user_id.is_not(None)),
            select(exists().where(p.district == ws.district, p.owner == "file")).scalar_subquery(),
        )
    ).one()
    return _People(administrators=row[0], emails=row[1], ids=row[2], known=row[3])


def _suspects(plan: Plan, holds: Holds, people: _People) -> list[_Suspect]:
    staff = plan.counts["staff"]
    asked = [
        _Suspect(code="hold-removals", number=plan.counts[name]["removed"], limit=holds.removals, entity=words)
        for name, words in ENTITIES.items()
    ]
    asked += [
        _Suspect(code="hold-updates", number=staff["updated"], limit=holds.updates),
        _Suspect(code="hold-emails", number=people.emails, limit=holds.emails),
        _Suspect(code="hold-id-churn", number=people.ids, limit=holds.id_churn),
    ]
    if people.known:
        asked.append(_Suspect(code="hold-creates", number=staff["created"], limit=holds.creates))
    return [each for each in asked if _is_suspect(each.number, each.limit)]


def _is_suspect(number: int, limit: Threshold) -> bool:
    return number > 0 and number >= limit.least


def _school_suspects(plan: Plan, limit: Threshold) -> Iterator[_Suspect]:
    for school, counts in plan.by_school.items():
        for name, words in ENTITIES.items():
            number = counts[name]["removed"]
            if _is_suspect(number, limit):
                yield _Suspect(code="hold-school", number=number, limit=limit, entity=words, school=school)


def _first_delivery(plan: Plan, holds: Holds, people: _People) -> Iterator[Finding]:
    """Nothing is there to compare with: only its size counts."""
    created = plan.counts["staff"]["created"]
    if not people.known and created > holds.first_delivery:
        yield found("hold-creates", entity=PEOPLE, count=created, of=0)


def _administrators(holds: Holds, people: _People) -> Iterator[Finding]:
    """Raised, back, or new with that role; in a first delivery everybody is new, and that has its own limit."""
    if people.known and _is_suspect(people.administrators, Threshold(share=0, least=holds.admins)):
        yield found("hold-admins", count=people.administrators)


def _foreign(plan: Plan, limit: Threshold) -> Iterator[Finding]:
    """Rows whose school is not the district's: a finding each, unless files may create schools."""
    unknown = sum(each.code == "school-unknown" for each in plan.findings)
    if limit.exceeded(unknown, plan.rows.read):
        yield found("hold-foreign", count=unknown, of=plan.rows.read)


def _of_district(ws: Workspace, suspects: Sequence[_Suspect]) -> Iterator[Finding]:
    if not suspects:
        return
    active = _active(ws, suspects)
    for each in suspects:
        yield from each.judged(active[each.entity])


def _active(ws: Workspace, suspects: Sequence[_Suspect]) -> Mapping[str, int]:
    """entity → active file-owned records of the district, counted no further than the suspects need."""
    counts: dict[str, Any] = {}
    for entity in dict.fromkeys(each.entity for each in suspects):
        some = select(literal(1)).where(_is_active(ws, _TABLES[entity])).limit(_enough(suspects, entity)).subquery()
        counts[entity] = select(func.count()).select_from(some).scalar_subquery()
    return dict(zip(counts, ws.conn.execute(select(*counts.values())).one(), strict=True))


_TABLES = {PEOPLE: t.person, "classes": t.class_, "enrollments": t.enrollment}


def _enough(suspects: Iterable[_Suspect], entity: str) -> int | None:
    limits = [each.enough for each in suspects if each.entity == entity]
    return None if None in limits else max(filter(None, limits))


def _is_active(ws: Workspace, record: Table) -> ColumnElement[bool]:
    return and_(record.c.district == ws.district, record.c.owner == "file", record.c.status.in_(LIVE))


def _of_schools(ws: Workspace, suspects: Sequence[_Suspect]) -> Iterator[Finding]:
    """One finding for each school: of its entities the one that loses most."""
    if not suspects:
        return
    active = _active_at(ws, sorted({str(each.school) for each in suspects}))
    told: set[str | None] = set()
    for each in sorted(suspects, key=lambda one: (one.school or "", -one.number, one.entity)):
        judged = list(each.judged(active.get((each.entity, str(each.school)), 0)))
        if judged and each.school not in told:
            told.add(each.school)
            yield from judged


def _active_at(ws: Workspace, schools: Sequence[str]) -> Mapping[tuple[str, str], int]:
    """(entity, school) → active file-owned records there."""
    p, c, e = t.placement, t.class_, t.enrollment
    taught = e.join(c, and_(c.c.district == e.c.district, c.c.class_id == e.c.class_id))
    parts = [
        select(literal(name).label("entity"), school, func.count().label("number"))
        .select_from(source)
        .where(_is_active(ws, record), school.in_(schools))
        .group_by(school)
        for name, record, source, school in (
            (PEOPLE, p, p, p.c.school_id),
            ("classes", c, c, c.c.school_id),
            ("enrollments", e, taught, c.c.school_id),
        )
    ]
    return {(row[0], row[1]): row[2] for row in ws.conn.execute(union_all(*parts))}
