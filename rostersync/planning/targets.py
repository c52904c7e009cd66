"""What each entity named in the file is now, and what it shall be: one `plan` table per entity.

The wanted values of all accepted rows of one key are equal or blank (rule `row-conflict`), so any of them
is the one that was typed. Only `file`-owned records change; a field edited by hand on one of them stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    Select,
    Table,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    insert,
    literal,
    not_,
    null,
    or_,
    select,
    true,
    union_all,
)

from rostersync import tables as t
from rostersync.dictionary import Column
from rostersync.planning.rules import LIVE, contradicts_hand, kept_by_hand, known_as
from rostersync.planning.workspace import Workspace

Values = Mapping[str, ColumnElement[Any]]


def plan_entities(ws: Workspace) -> None:
    """Fill the plan tables; people last, because their status follows from their placements."""
    for fill in (_schools, _classes, _placements, _enrollments, _people):
        fill(ws)


def settle(ws: Workspace, entity: str, joined: FromClause, named: FromClause, new: Values, extra: Values) -> None:
    """Write old and new values of the named keys and derive the action from them."""
    shape, plan = ws.shapes[entity], ws.plans[entity]
    record = shape.table.c
    inner = select(
        *(named.c[k] for k in shape.keys),
        *(value.label(name) for name, value in extra.items()),
        named.c.line,
        func.coalesce(record.owner, "file").label("owner"),
        or_(named.c.asked, named.c.removed).label("asked"),
        *(record[a].label(f"old_{a}") for a in shape.attributes),
        *(new[a].label(f"new_{a}") for a in shape.attributes),
    ).select_from(joined)
    rows = inner.subquery("rows")
    columns = [c.name for c in plan.c if c.name != "action"]
    ws.conn.execute(
        insert(plan).from_select(
            [*columns, "action"], select(*(rows.c[c] for c in columns), _action(shape.live, shape.attributes, rows))
        )
    )
    ws.analyze(plan)


def _action(live: tuple[str, ...], attributes: tuple[str, ...], rows: FromClause) -> ColumnElement[Any]:
    differs = or_(*(rows.c[f"old_{a}"].is_distinct_from(rows.c[f"new_{a}"]) for a in attributes), _renamed(rows))
    ends = and_(rows.c.old_status.in_(live), rows.c.new_status.not_in(live))
    return case(
        (rows.c.asked.is_(False), "unchanged"),
        (rows.c.old_status.is_(None), "created"),
        (ends, "removed"),
        (differs, "updated"),
        else_="unchanged",
    )


def _renamed(rows: FromClause) -> ColumnElement[Any]:
    return rows.c.old_user_id.is_not(None) if "old_user_id" in rows.c else false()


def _asked(ws: Workspace, header: str, rows: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.any_value(ws.cell(header)).filter(rows)


def _any(condition: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.coalesce(func.bool_or(condition), false())


def _files(record: Table, named: FromClause) -> ColumnElement[Any]:
    """The file may write: it asks for something and the record is its own, or new."""
    return and_(named.c.asked, func.coalesce(record.c.owner, "file") == "file")


def _value(record: Table, named: FromClause, attribute: str) -> ColumnElement[Any]:
    """The new value of a column whose blank cells keep the stored one."""
    stored = record.c[attribute]
    writes = and_(_files(record, named), named.c[attribute].is_not(None), kept_by_hand(record, attribute).is_(False))
    return case((writes, named.c[attribute]), else_=stored)


def _schools(ws: Workspace) -> None:
    s = t.school
    named = (
        select(
            ws.cell("schoolId").label("school_id"),
            func.min(ws.stage.c.line).label("line"),
            _any(ws.adds).label("asked"),
            false().label("removed"),
            _asked(ws, "schoolName", ws.adds).label("name"),
        )
        .where(ws.accepted)
        .group_by(ws.cell("schoolId"))
        .cte("named_school")
    )
    joined = named.outerjoin(s, and_(s.c.district == ws.district, s.c.school_id == named.c.school_id))
    name = func.coalesce(s.c.name, named.c.name, named.c.school_id)
    if ws.context.school_creation:
        name = func.coalesce(_value(s, named, "name"), named.c.school_id)
    status = case((_files(s, named), "active"), else_=s.c.status)
    settle(ws, "school", joined, named, {"name": name, "status": status}, {})
    _quiet_schools(ws)


def _quiet_schools(ws: Workspace) -> None:
    """Schools that only quiet rows name stand in the plan too: a rejected row may name them as well."""
    plan, q, s = ws.plans["school"], ws.quiet.c, t.school.c
    rows = (
        select(q.schoolId, func.min(q.line), func.min(s.owner), literal("unchanged"))
        .select_from(ws.quiet.join(t.school, and_(s.district == ws.district, s.school_id == q.schoolId)))
        .where(not_(exists().where(plan.c.school_id == q.schoolId)))
        .group_by(q.schoolId)
    )
    ws.conn.execute(insert(plan).from_select(["school_id", "line", "owner", "action"], rows))


def _classes(ws: Workspace) -> None:
    c = t.class_
    asks = and_(ws.adds, ws.names_class)
    removes = ws.does("REMOVE-CLASS")
    named = (
        select(
            ws.cell("classId").label("class_id"),
            func.min(ws.stage.c.line).label("line"),
            _any(asks).label("asked"),
            _any(removes).label("removed"),
            _asked(ws, "schoolId", asks).label("school_id"),
            *(_asked(ws, col.header, asks).label(col.attribute) for col in ws.dictionary.of("class")),
        )
        .where(or_(asks, removes, ws.does("REMOVE-ENROLLMENT")))
        .group_by(ws.cell("classId"))
        .cte("named_class")
    )
    joined = named.outerjoin(c, and_(c.c.district == ws.district, c.c.class_id == named.c.class_id))
    new = {a: _value(c, named, a) for a in ws.shapes["class"].attributes if a not in ("status", "school_id")}
    new["school_id"] = func.coalesce(c.c.school_id, named.c.school_id)
    removed = and_(named.c.removed, c.c.owner == "file")
    new["status"] = case((removed, "inactive"), (_files(c, named), "active"), else_=c.c.status)
    settle(ws, "class", joined, named, new, {})


def _status(ws: Workspace, record: Table, named: FromClause, dates: Values) -> ColumnElement[Any]:
    """planned before, active within, ended after; ended when removed; untouched when not the file's."""
    today = literal(ws.context.today)
    return case(
        (and_(named.c.removed, record.c.owner == "file"), "ended"),
        (_files(record, named).is_(False), record.c.status),
        (dates["end_date"] < today, "ended"),
        (dates["start_date"] > today, "planned"),
        else_="active",
    )


def _dates(ws: Workspace, record: Table, named: FromClause) -> dict[str, ColumnElement[Any]]:
    """New dates: what a row says of them, else what is stored and not overtaken by it.

    A last day that is over does not outlive a row that names the assignment again without speaking of dates; nor does
    a stored date that contradicts a typed one.
    """
    typed = {c.attribute or "": _typed_date(ws, record, named, c) for c in ws.dictionary.of("assignment")}
    start, end = record.c.start_date, record.c.end_date
    new_start = case(typed["start_date"], else_=start)
    new_end = case(typed["end_date"], else_=end)
    overtaken = or_(end < literal(ws.context.today), end < new_start)
    free = {n: and_(_files(record, named), kept_by_hand(record, n).is_(False)) for n in ("start_date", "end_date")}
    return {
        "start_date": case(typed["start_date"], (and_(free["start_date"], start > new_end), None), else_=start),
        "end_date": case(typed["end_date"], (and_(free["end_date"], overtaken), None), else_=end),
    }


def _typed_date(ws: Workspace, record: Table, named: FromClause, column: Column) -> tuple[ColumnElement[Any], Any]:
    """When a row of this entity may say this date, and what it says (a blank cell of a present column clears it).

    A date set by hand stays, and is not contradicted by the other one.
    """
    name = column.attribute or ""
    held = or_(kept_by_hand(record, name), contradicts_hand(record, name, named.c[name]))
    speaks = and_(_files(record, named), named.c.dated, held.is_(False))
    return and_(literal(column.header in ws.present), speaks), named.c[name]


def _placements(ws: Workspace) -> None:
    p = t.placement
    undated = and_(ws.adds, ws.cell("classId").is_not(None))
    dated = and_(ws.adds, ws.cell("classId").is_(None))
    named = (
        select(
            ws.cell("userId").label("user_id"),
            ws.cell("schoolId").label("school_id"),
            func.min(ws.stage.c.line).label("line"),
            _any(or_(dated, undated)).label("asked"),
            _any(ws.does("REMOVE-USER")).label("removed"),
            _any(dated).label("dated"),
            *(_asked(ws, c.header, ws.adds).label(c.attribute) for c in ws.dictionary.of("placement")),
            *(
                func.any_value(ws.day(c.header)).filter(dated).label(c.attribute)
                for c in ws.dictionary.of("assignment")
            ),
        )
        .where(ws.names_person)
        .group_by(ws.cell("userId"), ws.cell("schoolId"))
        .cte("named_placement")
    )
    joined, current = _as_known(ws, named)
    joined = joined.outerjoin(
        p, and_(p.c.district == ws.district, p.c.user_id == current, p.c.school_id == named.c.school_id)
    )
    new: dict[str, ColumnElement[Any]] = {
        c.attribute or "": _value(p, named, c.attribute or "") for c in ws.dictionary.of("placement")
    }
    new |= _dates(ws, p, named)
    new["status"] = _status(ws, p, named, new)
    settle(ws, "placement", joined, named, new, {})


def _as_known(ws: Workspace, named: CTE) -> tuple[FromClause, ColumnElement[Any]]:
    """The named people joined with their corrections, and the ID under which the roster knows them."""
    fix = ws.correction
    joined = named.outerjoin(fix, fix.c.user_id == named.c.user_id)
    return joined, known_as(fix, named.c.user_id)


def _enrollments(ws: Workspace) -> None:
    e = t.enrollment
    parts = union_all(_asked_enrollments(ws), _ended_with_person(ws), _ended_with_class(ws)).subquery("parts")
    named = (
        select(
            parts.c.user_id,
            parts.c.class_id,
            func.max(parts.c.school_id).label("school_id"),
            func.min(parts.c.line).label("line"),
            func.bool_or(parts.c.asked).label("asked"),
            func.bool_or(parts.c.removed).label("removed"),
            func.bool_or(parts.c.asked).label("dated"),
            func.bool_or(parts.c.primary_teacher).label("primary_teacher"),
            *(func.max(parts.c[c.attribute or ""]).label(c.attribute) for c in ws.dictionary.of("assignment")),
        )
        .group_by(parts.c.user_id, parts.c.class_id)
        .cte("named_enrollment")
    )
    joined, current = _as_known(ws, named)
    joined = joined.outerjoin(
        e, and_(e.c.district == ws.district, e.c.user_id == current, e.c.class_id == named.c.class_id)
    )
    new: dict[str, ColumnElement[Any]] = {"primary_teacher": _value(e, named, "primary_teacher")}
    new |= _dates(ws, e, named)
    new["status"] = _status(ws, e, named, new)
    settle(ws, "enrollment", joined, named, new, {"school_id": named.c.school_id})


def _asked_enrollments(ws: Workspace) -> Select[*tuple[Any, ...]]:
    adds = and_(ws.adds, ws.names_class)
    removes = ws.does("REMOVE-ENROLLMENT")
    return select(
        ws.cell("userId").label("user_id"),
        ws.cell("classId").label("class_id"),
        ws.cell("schoolId").label("school_id"),
        ws.stage.c.line,
        adds.label("asked"),
        removes.label("removed"),
        case((adds, func.coalesce(ws.cell("primaryTeacher") == "Yes", false()))).label("primary_teacher"),
        *(case((adds, ws.day(c.header))).label(c.attribute) for c in ws.dictionary.of("assignment")),
    ).where(or_(adds, removes))


def _cascade(ws: Workspace, rows: ColumnElement[Any], joined: FromClause, renamed: bool) -> Select[*tuple[Any, ...]]:
    """Live file-owned enrollments that end because their person leaves the school, or their class is removed."""
    e, fix = t.enrollment.c, ws.correction
    user = func.coalesce(fix.c.user_id, e.user_id) if renamed else e.user_id
    source = joined.outerjoin(fix, fix.c.old_user_id == e.user_id) if renamed else joined
    return (
        select(
            user,
            e.class_id,
            ws.cell("schoolId"),
            ws.stage.c.line,
            false(),
            true(),
            null(),
            *(cast(null(), t.enrollment.c[c.attribute or ""].type) for c in ws.dictionary.of("assignment")),
        )
        .select_from(source)
        .where(rows, e.owner == "file", e.status.in_(LIVE))
    )


def _ended_with_person(ws: Workspace) -> Select[*tuple[Any, ...]]:
    e, c = t.enrollment, t.class_
    mine = and_(e.c.district == ws.district, e.c.user_id == ws.cell("userId"))
    there = and_(c.c.district == ws.district, c.c.class_id == e.c.class_id, c.c.school_id == ws.cell("schoolId"))
    return _cascade(ws, ws.does("REMOVE-USER"), ws.stage.join(e, mine).join(c, there), renamed=False)


def _ended_with_class(ws: Workspace) -> Select[*tuple[Any, ...]]:
    e, c = t.enrollment, t.class_
    own = and_(c.c.district == ws.district, c.c.class_id == ws.cell("classId"), c.c.owner == "file")
    joined = ws.stage.join(c, own).join(e, and_(e.c.district == ws.district, e.c.class_id == c.c.class_id))
    return _cascade(ws, ws.does("REMOVE-CLASS"), joined, renamed=True)


def _people(ws: Workspace) -> None:
    p = t.person
    columns = ws.dictionary.of("person")
    named = (
        select(
            ws.cell("userId").label("user_id"),
            func.min(ws.stage.c.line).label("line"),
            _any(ws.adds).label("asked"),
            _any(ws.does("REMOVE-USER")).label("removed"),
            func.any_value(ws.stage.c.email_key).filter(ws.adds).label("email_key"),
            *(_wanted(ws, c.header, c.wins).label(c.attribute) for c in columns),
        )
        .where(ws.names_person)
        .group_by(ws.cell("userId"))
        .cte("named_person")
    )
    joined, current = _as_known(ws, named)
    joined = joined.outerjoin(p, and_(p.c.district == ws.district, p.c.user_id == current))
    placed = placed_in_plan(ws)
    joined = joined.outerjoin(placed, placed.c.user_id == named.c.user_id)
    new = {a: _value(p, named, a) for a in ws.shapes["person"].attributes if a != "status"}
    new["email_key"] = case((kept_by_hand(p, "email"), p.c.email_key), else_=new["email_key"])
    new["status"] = person_status(ws, named, placed)
    settle(ws, "person", joined, named, new, {"old_user_id": ws.correction.c.old_user_id})


def _wanted(ws: Workspace, header: str, wins: str | None) -> ColumnElement[Any]:
    if wins is None:
        return _asked(ws, header, ws.adds)
    return case((_any(and_(ws.adds, ws.cell(header) == wins)), wins), else_=_asked(ws, header, ws.adds))


def placed_in_plan(ws: Workspace) -> CTE:
    """The people of the planned placements, and whether one of these will be active or planned."""
    plan = ws.plans["placement"].c
    return (
        select(plan.user_id, func.bool_or(plan.new_status.in_(LIVE)).label("live")).group_by(plan.user_id).cte("placed")
    )


def person_status(ws: Workspace, named: FromClause, placed: FromClause) -> ColumnElement[Any]:
    """Active while a placement of any owner is active or planned; only file-owned people are judged."""
    p, other, plan = t.person, t.placement.alias("other"), ws.plans["placement"]
    # Two levels down: SQLAlchemy correlates only with the nearest SELECT unless told.
    here = and_(plan.c.user_id == named.c.user_id, plan.c.school_id == other.c.school_id)
    planned = select(plan.c.line).where(here).correlate(named, other).exists()
    elsewhere = exists().where(
        other.c.district == p.c.district, other.c.user_id == p.c.user_id, other.c.status.in_(LIVE), planned.is_(False)
    )
    judged = and_(or_(named.c.asked, named.c.removed), func.coalesce(p.c.owner, "file") == "file")
    return case(
        (judged.is_(False), p.c.status),
        (placed.c.live, "active"),
        (elsewhere, "active"),
        else_="inactive",
    )
