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
from rostersync.model import Owner, RecordStatus
from rostersync.planning.predicates import LIVE, kept_by_hand
from rostersync.planning.targets.assignments import plan_enrollments, plan_placements
from rostersync.planning.targets.new_values import (
    any_of,
    as_known,
    asked_by,
    file_may_write,
    first_line,
    new_value,
    write_targets,
)
from rostersync.planning.workspace import Workspace


def plan_entities(ws: Workspace) -> None:
    """Fill the plan tables; people last, because their status follows from their placements."""
    for fill in (_schools, _classes, plan_placements, plan_enrollments, _people):
        fill(ws)


def _schools(ws: Workspace) -> None:
    school = t.school
    named = (
        select(
            ws.cell("schoolId").label("school_id"),
            first_line(ws, ws.adds),
            any_of(ws.adds).label("asked"),
            false().label("removed"),
            asked_by(ws, "schoolName", ws.adds).label("name"),
        )
        .where(ws.accepted)
        .group_by(ws.cell("schoolId"))
        .cte("named_school")
    )
    joined = named.outerjoin(school, and_(school.c.district == ws.district, school.c.school_id == named.c.school_id))
    name = func.coalesce(school.c.name, named.c.name, named.c.school_id)
    if ws.context.school_creation:
        name = func.coalesce(new_value(school, named, "name"), named.c.school_id)
    status = case((file_may_write(school, named), RecordStatus.ACTIVE), else_=school.c.status)
    write_targets(ws, "school", joined, named, {"name": name, "status": status}, {})
    _unchanged_schools(ws)


def _unchanged_schools(ws: Workspace) -> None:
    """Schools that only quiet rows name stand in the plan too: a rejected row may name them as well."""
    plan, unchanged, school = ws.plans["school"], ws.unchanged.c, t.school.c
    rows = (
        select(unchanged.schoolId, func.min(unchanged.line), func.min(school.owner), literal("unchanged"))
        .select_from(
            ws.unchanged.join(t.school, and_(school.district == ws.district, school.school_id == unchanged.schoolId))
        )
        .where(not_(exists().where(plan.c.school_id == unchanged.schoolId)))
        .group_by(unchanged.schoolId)
    )
    ws.conn.execute(insert(plan).from_select(["school_id", "line", "owner", "action"], rows))


def _classes(ws: Workspace) -> None:
    class_ = t.class_
    asks = and_(ws.adds, ws.names_class)
    removes = ws.does("REMOVE-CLASS")
    named = (
        select(
            ws.cell("classId").label("class_id"),
            first_line(ws, asks),
            any_of(asks).label("asked"),
            any_of(removes).label("removed"),
            asked_by(ws, "schoolId", asks).label("school_id"),
            *(asked_by(ws, col.header, asks).label(col.attribute) for col in ws.dictionary.of("class")),
        )
        .where(or_(asks, removes, ws.does("REMOVE-ENROLLMENT")))
        .group_by(ws.cell("classId"))
        .cte("named_class")
    )
    joined = named.outerjoin(class_, and_(class_.c.district == ws.district, class_.c.class_id == named.c.class_id))
    new = {a: new_value(class_, named, a) for a in ws.shapes["class"].attributes if a not in ("status", "school_id")}
    new["school_id"] = func.coalesce(class_.c.school_id, named.c.school_id)
    removed = and_(named.c.removed, class_.c.owner == Owner.FILE)
    new["status"] = case(
        (removed, RecordStatus.INACTIVE), (file_may_write(class_, named), RecordStatus.ACTIVE), else_=class_.c.status
    )
    write_targets(ws, "class", joined, named, new, {})


def _people(ws: Workspace) -> None:
    person = t.person
    columns = ws.dictionary.of("person")
    named = (
        select(
            ws.cell("userId").label("user_id"),
            first_line(ws, ws.adds),
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
    joined = joined.outerjoin(person, and_(person.c.district == ws.district, person.c.user_id == current))
    placed = placed_in_plan(ws)
    joined = joined.outerjoin(placed, placed.c.user_id == named.c.user_id)
    new = {a: new_value(person, named, a) for a in ws.shapes["person"].attributes if a != "status"}
    new["email_key"] = case((kept_by_hand(person, "email"), person.c.email_key), else_=new["email_key"])
    new["status"] = person_status(ws, named, placed)
    write_targets(ws, "person", joined, named, new, {"old_user_id": ws.correction.c.old_user_id})


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
    person, other, plan = t.person, t.placement.alias("other"), ws.plans["placement"]
    # Two levels down: SQLAlchemy correlates only with the nearest SELECT unless told.
    here = and_(plan.c.user_id == named.c.user_id, plan.c.school_id == other.c.school_id)
    planned = select(plan.c.line).where(here).correlate(named, other).exists()
    elsewhere = exists().where(
        other.c.district == person.c.district,
        other.c.user_id == person.c.user_id,
        other.c.status.in_(LIVE),
        planned.is_(False),
    )
    judged = and_(or_(named.c.asked, named.c.removed), func.coalesce(person.c.owner, Owner.FILE) == Owner.FILE)
    return case(
        (judged.is_(False), person.c.status),
        (placed.c.live, RecordStatus.ACTIVE),
        (elsewhere, RecordStatus.ACTIVE),
        else_=RecordStatus.INACTIVE,
    )
