"""What each entity named in the file is now, and what it shall be: one `plan` table per entity.

The wanted values of all accepted rows of one key are equal or blank (rule `row-conflict`), so any of them
is the one that was typed. Only `file`-owned records change; a field edited by hand on one of them stays.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    and_,
    case,
    exists,
    false,
    func,
    insert,
    literal,
    not_,
    or_,
    select,
)

from rostersync.database import tables as t
from rostersync.planning.predicates import LIVE, kept_by_hand
from rostersync.planning.targets.assignments import plan_enrollments, plan_placements
from rostersync.planning.targets.new_values import any_of, as_known, asked_by, file_may_write, new_value, settle
from rostersync.planning.workspace import Workspace


def plan_entities(ws: Workspace) -> None:
    """Fill the plan tables; people last, because their status follows from their placements."""
    for fill in (_schools, _classes, plan_placements, plan_enrollments, _people):
        fill(ws)


def _schools(ws: Workspace) -> None:
    s = t.school
    named = (
        select(
            ws.cell("schoolId").label("school_id"),
            func.min(ws.stage.c.line).label("line"),
            any_of(ws.adds).label("asked"),
            false().label("removed"),
            asked_by(ws, "schoolName", ws.adds).label("name"),
        )
        .where(ws.accepted)
        .group_by(ws.cell("schoolId"))
        .cte("named_school")
    )
    joined = named.outerjoin(s, and_(s.c.district == ws.district, s.c.school_id == named.c.school_id))
    name = func.coalesce(s.c.name, named.c.name, named.c.school_id)
    if ws.context.school_creation:
        name = func.coalesce(new_value(s, named, "name"), named.c.school_id)
    status = case((file_may_write(s, named), "active"), else_=s.c.status)
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
            any_of(asks).label("asked"),
            any_of(removes).label("removed"),
            asked_by(ws, "schoolId", asks).label("school_id"),
            *(asked_by(ws, col.header, asks).label(col.attribute) for col in ws.dictionary.of("class")),
        )
        .where(or_(asks, removes, ws.does("REMOVE-ENROLLMENT")))
        .group_by(ws.cell("classId"))
        .cte("named_class")
    )
    joined = named.outerjoin(c, and_(c.c.district == ws.district, c.c.class_id == named.c.class_id))
    new = {a: new_value(c, named, a) for a in ws.shapes["class"].attributes if a not in ("status", "school_id")}
    new["school_id"] = func.coalesce(c.c.school_id, named.c.school_id)
    removed = and_(named.c.removed, c.c.owner == "file")
    new["status"] = case((removed, "inactive"), (file_may_write(c, named), "active"), else_=c.c.status)
    settle(ws, "class", joined, named, new, {})


def _people(ws: Workspace) -> None:
    p = t.person
    columns = ws.dictionary.of("person")
    named = (
        select(
            ws.cell("userId").label("user_id"),
            func.min(ws.stage.c.line).label("line"),
            any_of(ws.adds).label("asked"),
            any_of(ws.does("REMOVE-USER")).label("removed"),
            func.any_value(ws.stage.c.email_key).filter(ws.adds).label("email_key"),
            *(_wanted(ws, c.header, c.wins).label(c.attribute) for c in columns),
        )
        .where(ws.names_person)
        .group_by(ws.cell("userId"))
        .cte("named_person")
    )
    joined, current = as_known(ws, named)
    joined = joined.outerjoin(p, and_(p.c.district == ws.district, p.c.user_id == current))
    placed = placed_in_plan(ws)
    joined = joined.outerjoin(placed, placed.c.user_id == named.c.user_id)
    new = {a: new_value(p, named, a) for a in ws.shapes["person"].attributes if a != "status"}
    new["email_key"] = case((kept_by_hand(p, "email"), p.c.email_key), else_=new["email_key"])
    new["status"] = person_status(ws, named, placed)
    settle(ws, "person", joined, named, new, {"old_user_id": ws.correction.c.old_user_id})


def _wanted(ws: Workspace, header: str, wins: str | None) -> ColumnElement[Any]:
    if wins is None:
        return asked_by(ws, header, ws.adds)
    return case((any_of(and_(ws.adds, ws.cell(header) == wins)), wins), else_=asked_by(ws, header, ws.adds))


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
