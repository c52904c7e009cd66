"""Counts of a plan, by the rules of one bucket for each distinct entity named in the file or ended by it.

Every entity that an accepted row names stands in a plan table with its action, or is named by unchanged rows only.
What only set-aside rows name is `unchanged`; what only rejected rows name is `errors`. Nothing is counted by
subtraction; that every distinct entity is counted once is asserted in the end.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Text,
    and_,
    case,
    cast,
    collate,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
)

from rostersync.database import tables as t
from rostersync.exceptions import InvariantBroken
from rostersync.model import BUCKETS, ENTITIES, Counts, RowCounts, RowStatus
from rostersync.planning.named_entities import NamedEntity, count_distinct, named_entities
from rostersync.planning.workspace import Workspace

NO_SCHOOL = "(none)"
UNKNOWN_SCHOOL = "(unknown)"
"""Where a schoolId is not in the roster: what was typed there may be a name or an address of a shifted column."""


def count_rows(ws: Workspace) -> RowCounts:
    """read = accepted + rejected + set aside."""
    found = ws.conn.execute(select(ws.stage.c.status, func.count()).group_by(ws.stage.c.status)).all()
    by: dict[str, int] = {row[0]: row[1] for row in found}
    unchanged = ws.conn.scalar(select(func.count()).select_from(ws.unchanged)) or 0
    return RowCounts(
        read=sum(by.values()) + unchanged,
        accepted=by.get(RowStatus.ACCEPTED, 0) + unchanged,
        rejected=by.get(RowStatus.REJECTED, 0),
        set_aside=by.get(RowStatus.FOLDED, 0),
    )


def count_entities(ws: Workspace) -> tuple[Counts, Mapping[str, Counts]]:
    """entity → bucket → distinct entities, for the district and for each school.

    Raises InvariantBroken when they are not as many as the distinct entities that the file names or ends.
    """
    totals: dict[str, Counter[str]] = {e: Counter() for e in ENTITIES}
    schools: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: {e: Counter() for e in ENTITIES})
    for entity, school, bucket, count in chain(_planned(ws), _unchanged(ws), _left(ws)):
        _add(totals, schools, entity, school, bucket, count)
    _assert_distinct(ws, totals, schools)
    by_school = {s: _plain({e: schools[s][e] for e in ENTITIES if e != "school"}) for s in sorted(schools)}
    return _plain(totals), by_school


def _add(
    totals: dict[str, Counter[str]],
    schools: dict[str, dict[str, Counter[str]]],
    entity: str,
    school: str | None,
    bucket: str,
    count: int,
) -> None:
    """`placement` counts staff of a school, `staff` those of the district; the rest counts in both."""
    if entity == "placement":
        schools[school or NO_SCHOOL]["staff"][bucket] += count
        return
    totals[entity][bucket] += count
    if school is not None:
        schools[school][entity][bucket] += count


def _plain(counts: Mapping[str, Counter[str]]) -> Counts:
    return {entity: {bucket: by[bucket] for bucket in BUCKETS} for entity, by in counts.items()}


Line = tuple[str, str | None, str, int]


def _planned(ws: Workspace) -> Iterator[Line]:
    plans = ws.plans
    staff = _staff_actions(ws)
    grouped: tuple[tuple[str, ColumnElement[Any] | None, ColumnElement[Any]], ...] = (
        ("school", None, plans["school"].c.action),
        ("placement", plans["placement"].c.school_id, plans["placement"].c.action),
        ("class", plans["class"].c.new_school_id, plans["class"].c.action),
        ("enrollment", plans["enrollment"].c.school_id, plans["enrollment"].c.action),
        ("staff", None, staff.c.action),
    )
    for entity, school, action in grouped:
        by = [action] if school is None else [action, school]
        for row in ws.conn.execute(select(*by, func.count()).group_by(*by)):
            yield entity, row[1] if school is not None else None, row[0], row[-1]


def _unchanged(ws: Workspace) -> Iterator[Line]:
    """What unchanged rows name and the plan does not: another row of the same person may be planned.

    Their schools stand in the plan.
    """
    for entity, plan_name, keys in (
        ("staff", "person", {"user_id": "userId"}),
        ("placement", "placement", {"user_id": "userId", "school_id": "schoolId"}),
        ("class", "class", {"class_id": "classId"}),
        ("enrollment", "enrollment", {"user_id": "userId", "class_id": "classId"}),
    ):
        plan, row = ws.plans[plan_name].c, ws.unchanged.c
        planned = exists().where(*(plan[key] == row[header] for key, header in keys.items()))
        school = literal(None, Text) if entity == "staff" else row.schoolId
        cells = [row[header] for header in keys.values()]
        named = (
            select(school.label("school"), *(cell.label(key) for cell, key in zip(cells, keys, strict=True)))
            .where(*(cell.is_not(None) for cell in cells), not_(planned))
            .distinct()
            .subquery("named")
        )
        for at, count in ws.conn.execute(select(named.c.school, func.count()).group_by(named.c.school)):
            yield entity, at, "unchanged", count


def _staff_actions(ws: Workspace) -> FromClause:
    """A person whose placements change is updated, even where the person's own attributes stay."""
    person, placement = ws.plans["person"].c, ws.plans["placement"].c
    moved = select(placement.user_id).where(placement.action != "unchanged").distinct().subquery("moved")
    action = case((and_(person.action == "unchanged", moved.c.user_id.is_not(None)), "updated"), else_=person.action)
    joined = ws.plans["person"].outerjoin(moved, moved.c.user_id == person.user_id)
    return select(person.user_id, action.label("action")).select_from(joined).subquery("staff")


def _left(ws: Workspace) -> Iterator[Line]:
    """What no accepted row names: unchanged when a set-aside row names it, else an error."""
    for named in named_entities(ws, ws.cell):
        yield from _count_left(ws, named)


def _school_key(ws: Workspace) -> ColumnElement[str]:
    """The row's schoolId where the roster has such a school, or will have it."""
    typed, planned = ws.cell("schoolId"), ws.plans["school"].alias("planned_school")
    stored = select(t.school.c.school_id).where(t.school.c.district == ws.district)
    in_roster = typed.in_(stored.union_all(select(planned.c.school_id)))
    # In byte order, whatever the database's: the smallest of an entity's keys is chosen.
    return collate(case((typed.is_(None), NO_SCHOOL), (in_roster, typed), else_=UNKNOWN_SCHOOL), "C")


def _count_left(ws: Workspace, entity: NamedEntity) -> Iterator[Line]:
    plan, cells = entity.plan, [ws.cell(header) for header in entity.headers]
    left = or_(ws.stage.c.status != RowStatus.ACCEPTED, ws.stage.c.class_part_dropped)
    usable = and_(*(c.is_not(None) for c in cells))
    planned = and_(*(plan.c[k] == c for k, c in zip(entity.plan_keys, cells, strict=True)))
    joined = ws.stage.outerjoin(plan, planned)
    # An unusable key stands for an entity of its own: each such row is one error.
    anonymous = case((not_(usable), cast(ws.stage.c.line, Text)))
    school = func.min(_school_key(ws))
    named = (
        select(school.label("school"), func.bool_or(ws.stage.c.status != RowStatus.REJECTED).label("good"))
        .select_from(joined)
        .where(left, entity.rows, plan.c.line.is_(None))
        .group_by(*cells, anonymous)
        .subquery("left")
    )
    bucket = case((named.c.good, "unchanged"), else_="errors")
    rows = select(named.c.school, bucket, func.count()).group_by(named.c.school, bucket)
    for school_id, bucket_name, count in ws.conn.execute(rows):
        yield entity.name, None if entity.name in ("school", "staff") else school_id, bucket_name, count


def _assert_distinct(
    ws: Workspace, totals: Mapping[str, Counter[str]], schools: Mapping[str, Mapping[str, Counter[str]]]
) -> None:
    """created + updated + unchanged + removed + errors = distinct entities named or ended.

    The staff of all schools are the placements.
    """
    counted = {entity: by.total() for entity, by in totals.items()}
    counted["placement"] = sum(by["staff"].total() for by in schools.values())
    for entity, distinct in count_distinct(ws).items():
        if counted[entity] != distinct:
            raise InvariantBroken(f"{entity}: {counted[entity]} were counted, the file names or ends {distinct}.")
