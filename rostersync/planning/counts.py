"""Counts of a plan, by the rules of one bucket for each distinct entity named in the file or ended by it.

Every entity that an accepted row names stands in a plan table with its action, or is named by quiet rows only and
`unchanged`. What only set-aside rows name is `unchanged`; what only rejected rows name is `errors`. Nothing is counted
by subtraction.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Text, and_, case, cast, func, literal, not_, or_, select

from rostersync.model import BUCKETS, ENTITIES, Counts, RowCounts
from rostersync.planning.workspace import Workspace

NO_SCHOOL = "(none)"


def count_rows(ws: Workspace) -> RowCounts:
    """read = accepted + rejected + set aside."""
    found = ws.conn.execute(select(ws.stage.c.status, func.count()).group_by(ws.stage.c.status)).all()
    by: dict[str, int] = {row[0]: row[1] for row in found}
    quiet = ws.conn.scalar(select(func.count()).select_from(ws.quiet)) or 0
    return RowCounts(
        read=sum(by.values()) + quiet,
        accepted=by.get("accepted", 0) + quiet,
        rejected=by.get("rejected", 0),
        set_aside=by.get("folded", 0),
    )


def count_entities(ws: Workspace) -> tuple[Counts, Mapping[str, Counts]]:
    """entity → bucket → distinct entities, for the district and for each school."""
    totals: dict[str, Counter[str]] = {e: Counter() for e in ENTITIES}
    schools: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: {e: Counter() for e in ENTITIES})
    for entity, school, bucket, count in chain(_planned(ws), _quiet(ws), _left(ws)):
        _add(totals, schools, entity, school, bucket, count)
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


def _quiet(ws: Workspace) -> Iterator[Line]:
    """What quiet rows name; their schools stand in the plan, and nothing else of theirs does."""
    q = ws.quiet.c
    for entity, school, keys in (
        ("staff", None, (q.userId,)),
        ("placement", q.schoolId, (q.userId,)),
        ("class", q.schoolId, (q.classId,)),
        ("enrollment", q.schoolId, (q.userId, q.classId)),
    ):
        named = [*keys] if school is None else [school, *keys]
        distinct = select(*named).where(*(key.is_not(None) for key in keys)).distinct().subquery("named")
        at = literal(None, Text) if school is None else distinct.c.schoolId
        for at_school, count in ws.conn.execute(select(at, func.count()).select_from(distinct).group_by(at)):
            yield entity, at_school, "unchanged", count


def _staff_actions(ws: Workspace) -> FromClause:
    """A person whose placements change is updated, even where the person's own attributes stay."""
    person, placement = ws.plans["person"].c, ws.plans["placement"].c
    moved = select(placement.user_id).where(placement.action != "unchanged").distinct().subquery("moved")
    action = case((and_(person.action == "unchanged", moved.c.user_id.is_not(None)), "updated"), else_=person.action)
    joined = ws.plans["person"].outerjoin(moved, moved.c.user_id == person.user_id)
    return select(person.user_id, action.label("action")).select_from(joined).subquery("staff")


def _left(ws: Workspace) -> Iterator[Line]:
    """What no accepted row names: unchanged when a set-aside row names it, else an error."""
    for entity, key, plan_key, names in _kinds(ws):
        yield from _count_left(ws, entity, key, plan_key, names)


def _kinds(ws: Workspace) -> Iterator[tuple[str, list[str], list[str], ColumnElement[Any]]]:
    action = ws.cell("action")
    adds = or_(action.is_(None), action.not_in(list(ws.dictionary.actions)))
    class_cells = or_(*(ws.cell(h).is_not(None) for h in ws.dictionary.class_group.opens))
    opened = and_(adds, class_cells)
    user, cls, both = (action == a for a in ("REMOVE-USER", "REMOVE-CLASS", "REMOVE-ENROLLMENT"))
    yield "school", ["schoolId"], ["school_id"], literal(True)
    yield "staff", ["userId"], ["user_id"], or_(adds, user, both)
    yield "placement", ["userId", "schoolId"], ["user_id", "school_id"], or_(adds, user, both)
    yield "class", ["classId"], ["class_id"], or_(opened, cls, both)
    yield "enrollment", ["userId", "classId"], ["user_id", "class_id"], or_(opened, both)


def _count_left(
    ws: Workspace, entity: str, key: list[str], plan_key: list[str], names: ColumnElement[Any]
) -> Iterator[Line]:
    plan = ws.plans["person" if entity == "staff" else entity]
    cells = [ws.cell(h) for h in key]
    left = or_(ws.stage.c.status != "accepted", ws.stage.c.class_folded)
    usable = and_(*(c.is_not(None) for c in cells))
    planned = and_(*(plan.c[k] == c for k, c in zip(plan_key, cells, strict=True)))
    joined = ws.stage.outerjoin(plan, planned)
    # An unusable key stands for an entity of its own: each such row is one error.
    anonymous = case((not_(usable), cast(ws.stage.c.line, Text)))
    school = func.min(func.coalesce(ws.cell("schoolId"), NO_SCHOOL))
    named = (
        select(school.label("school"), func.bool_or(ws.stage.c.status != "rejected").label("good"))
        .select_from(joined)
        .where(left, names, plan.c.line.is_(None))
        .group_by(*cells, anonymous)
        .subquery("left")
    )
    bucket = case((named.c.good, "unchanged"), else_="errors")
    rows = select(named.c.school, bucket, func.count()).group_by(named.c.school, bucket)
    for school_id, bucket_name, count in ws.conn.execute(rows):
        yield entity, None if entity in ("school", "staff") else school_id, bucket_name, count
