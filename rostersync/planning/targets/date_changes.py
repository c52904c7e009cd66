"""What a new day does to dated assignments: starts them, ends them, and deactivates who is placed nowhere any more.

Only what the files own is looked at, and status only goes forward: what was removed by a file stays removed, whatever
its dates say. Whether a person is still placed is judged as in the plan of a file.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Table,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    true,
)

from rostersync.database import tables as t
from rostersync.database.conditions import Condition
from rostersync.model import DateChanges, Owner, RecordStatus
from rostersync.planning.predicates import LIVE
from rostersync.planning.targets.entities import person_status, placed_in_plan
from rostersync.planning.targets.new_values import write_targets
from rostersync.planning.workspace import PlanContext, Workspace

_ASSIGNMENTS = {"placement": t.placement, "enrollment": t.enrollment}


def is_due(conn: Connection, context: PlanContext) -> bool:
    """Whether the day changes anything in the district: cheap, for all the days on which it does not."""
    due = [exists().where(*_starts_or_ends(context, table)) for table in _ASSIGNMENTS.values()]
    return bool(conn.scalar(select(or_(*due, exists().where(*_placed_nowhere(context))))))


def plan_date_changes(ws: Workspace) -> DateChanges:
    """Fill the plan tables of an empty workspace; how many assignments start and end, and people are deactivated."""
    for name, table in _ASSIGNMENTS.items():
        _assignments(ws, name, table)
    _people(ws)
    return DateChanges(
        started=_count(ws, "updated", *_ASSIGNMENTS),
        ended=_count(ws, "removed", *_ASSIGNMENTS),
        deactivated=_count(ws, "removed", "person"),
    )


def _ends(context: PlanContext, table: Table) -> Condition:
    """Its last day is over; an enrollment ends with the placement, too."""
    over = table.c.end_date < literal(context.today)
    return and_(table.c.status.in_(LIVE), or_(over, _placement_over(context)) if table is t.enrollment else over)


def _placement_over(context: PlanContext) -> Condition:
    """The person's placement at the school of the class is the files' and has ended, or its last day is over."""
    enrollment, taught, placed = t.enrollment.c, t.class_.alias("taught").c, t.placement.alias("placed").c
    there = (
        placed.district == enrollment.district,
        placed.user_id == enrollment.user_id,
        placed.school_id == taught.school_id,
        placed.owner == Owner.FILE,
    )
    over = or_(placed.status.not_in(LIVE), placed.end_date < literal(context.today))
    return exists().where(taught.district == enrollment.district, taught.class_id == enrollment.class_id, *there, over)


def _starts(context: PlanContext, table: Table) -> Condition:
    """Its first day has come, or was taken away by hand."""
    return and_(
        table.c.status == RecordStatus.PLANNED, or_(table.c.start_date.is_(None), table.c.start_date <= context.today)
    )


def _starts_or_ends(context: PlanContext, table: Table) -> tuple[ColumnElement[bool], ...]:
    own = (table.c.district == context.district, table.c.owner == Owner.FILE)
    return (*own, or_(_ends(context, table), _starts(context, table)))


def _placed_nowhere(context: PlanContext) -> tuple[ColumnElement[bool], ...]:
    person, placement = t.person.c, t.placement.c
    somewhere = exists().where(
        placement.district == person.district, placement.user_id == person.user_id, placement.status.in_(LIVE)
    )
    return (
        person.district == context.district,
        person.owner == Owner.FILE,
        person.status == RecordStatus.ACTIVE,
        not_(somewhere),
    )


def _assignments(ws: Workspace, name: str, table: Table) -> None:
    shape = ws.shapes[name]
    named = (
        select(*(table.c[k] for k in shape.keys), *_of_nobody())
        .where(*_starts_or_ends(ws.context, table))
        .cte(f"passing_{name}")
    )
    joined = named.join(table, and_(table.c.district == ws.district, *(table.c[k] == named.c[k] for k in shape.keys)))
    new: dict[str, ColumnElement[Any]] = {a: table.c[a] for a in shape.attributes}
    new["status"] = case((_ends(ws.context, table), RecordStatus.ENDED), else_=RecordStatus.ACTIVE)
    extra = {column: null() for column in shape.extra}
    write_targets(ws, name, joined, named, new, extra)


def _of_nobody() -> tuple[ColumnElement[Any], ...]:
    """No line of a file names the record, and yet something is asked of it."""
    return cast(null(), BigInteger).label("line"), true().label("asked"), false().label("removed")


def _people(ws: Workspace) -> None:
    person, plan = t.person, ws.plans["placement"].c
    ended = select(plan.user_id).where(plan.new_status.not_in(LIVE))
    own = (person.c.district == ws.district, person.c.owner == Owner.FILE, person.c.status == RecordStatus.ACTIVE)
    named = (
        select(person.c.user_id, *_of_nobody())
        .where(*own, or_(person.c.user_id.in_(ended), and_(*_placed_nowhere(ws.context))))
        .cte("passing_person")
    )
    placed = placed_in_plan(ws)
    joined = named.join(person, and_(person.c.district == ws.district, person.c.user_id == named.c.user_id))
    joined = joined.outerjoin(placed, placed.c.user_id == named.c.user_id)
    new: dict[str, ColumnElement[Any]] = {a: person.c[a] for a in ws.shapes["person"].attributes}
    new["status"] = person_status(ws, named, placed)
    write_targets(ws, "person", joined, named, new, {"old_user_id": null()})


def _count(ws: Workspace, action: str, *entities: str) -> int:
    plans = (ws.plans[name] for name in entities)
    counts = [select(func.count()).where(plan.c.action == action).scalar_subquery() for plan in plans]
    return sum(ws.conn.execute(select(*counts)).one())
