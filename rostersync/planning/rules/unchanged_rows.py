"""Rows that say only what the roster says already: named, counted as unchanged, and judged no further.

On most nights nearly every row is one of these, and all rules and the plan then look at the few others. A row is quiet
when its school and class are active, everything else it names is active and the file's own, and each filled cell is
the stored value; and when no other row of the file that is not quiet names its person or its class.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Insert,
    Select,
    Table,
    and_,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    not_,
    or_,
    select,
)

from rostersync.configuration.dictionary import Entity
from rostersync.database import tables as t
from rostersync.database.conditions import Condition
from rostersync.model import Owner, RecordStatus, RowStatus
from rostersync.planning.comparison import any_differs, cell_of
from rostersync.planning.workspace import Workspace


def set_unchanged_rows_apart(ws: Workspace) -> None:
    """Fill `unchanged`, and `stage` with the other rows. Where the file owns nothing yet, `stage` is `delivered`."""
    placed = select(t.placement.c.user_id).where(t.placement.c.district == ws.district, _own(t.placement))
    if not ws.conn.scalar(select(placed.exists())):
        ws.stage = ws.delivered
        return
    ws.conn.execute(insert(ws.unchanged).from_select(list(ws.unchanged.c.keys()), _agreeing(ws)))
    ws.analyze(ws.unchanged)
    unchanged = exists().where(ws.unchanged.c.line == ws.delivered.c.line)
    ws.conn.execute(insert(ws.stage).from_select(list(ws.stage.c.keys()), select(ws.delivered).where(not_(unchanged))))
    for header in ("userId", "classId"):
        if header in ws.present:
            ws.conn.execute(_restage_rows_sharing_a_key(ws, header))
    ws.analyze(ws.stage)


def _restage_rows_sharing_a_key(ws: Workspace, header: str) -> Insert:
    """Rows stop being quiet when a staged row about the same person or class asks for something."""
    delivered, stage, unchanged = ws.delivered, ws.stage, ws.unchanged
    named = select(stage.c[header]).where(stage.c[header].is_not(None))
    loud = delete(unchanged).where(unchanged.c[header].in_(named)).returning(unchanged.c.line).cte("loud")
    return insert(stage).from_select(
        list(stage.c.keys()), select(delivered).where(delivered.c.line.in_(select(loud.c.line)))
    )


def _agreeing(ws: Workspace) -> Select[*tuple[Any, ...]]:
    """Outer joins, and the comparison apart from them: so the planner expects as many rows as there are."""
    delivered, keys = ws.delivered.c, ("schoolId", "userId", "classId")
    compared = select(delivered.line, *(_cell(ws, key).label(key) for key in keys), _agrees(ws).label("agrees"))
    rows = compared.select_from(_joined(ws)).cte("compared").prefix_with("MATERIALIZED")
    return select(rows.c.line, *(rows.c[key] for key in keys)).where(rows.c.agrees)


def _agrees(ws: Workspace) -> Condition:
    class_ = _cell(ws, "classId")
    return and_(
        and_(ws.delivered.c.status == RowStatus.ACCEPTED, _cell(ws, "action").is_(None)),
        and_(t.school.c.status == RecordStatus.ACTIVE, _says_the_same(ws, t.school, "school")),
        and_(_own(t.person), t.person.c.status == RecordStatus.ACTIVE, _says_the_same(ws, t.person, "person")),
        and_(_own(t.placement), _in_force(ws, t.placement), _says_the_same(ws, t.placement, "placement")),
        or_(class_.is_not(None), _says_the_same(ws, t.placement, "assignment")),
        or_(class_.is_(None), and_(_class_agrees(ws), _enrollment_agrees(ws))),
    )


def _cell(ws: Workspace, header: str) -> ColumnElement[Any]:
    return cell_of(ws, ws.delivered, header)


def _says_the_same(ws: Workspace, record: Table, entity: Entity) -> Condition:
    return not_(any_differs(ws, ws.delivered, record, entity))


def _joined(ws: Workspace) -> FromClause:
    schools, people, placements, classes, enrollments = (
        t.school.c,
        t.person.c,
        t.placement.c,
        t.class_.c,
        t.enrollment.c,
    )
    school, user, class_ = (_cell(ws, h) for h in ("schoolId", "userId", "classId"))
    return (
        ws.delivered.outerjoin(t.school, and_(schools.district == ws.district, schools.school_id == school))
        .outerjoin(t.person, and_(people.district == ws.district, people.user_id == user))
        .outerjoin(
            t.placement,
            and_(placements.district == ws.district, placements.user_id == user, placements.school_id == school),
        )
        .outerjoin(t.class_, and_(classes.district == ws.district, classes.class_id == class_))
        .outerjoin(
            t.enrollment,
            and_(enrollments.district == ws.district, enrollments.user_id == user, enrollments.class_id == class_),
        )
    )


def _own(record: Table) -> Condition:
    return record.c.owner == Owner.FILE


def _class_agrees(ws: Workspace) -> Condition:
    here = t.class_.c.school_id == _cell(ws, "schoolId")
    return and_(t.class_.c.status == RecordStatus.ACTIVE, here, _says_the_same(ws, t.class_, "class"))


def _enrollment_agrees(ws: Workspace) -> Condition:
    same = (_says_the_same(ws, t.enrollment, part) for part in ("enrollment", "assignment"))
    return and_(_own(t.enrollment), _in_force(ws, t.enrollment), *same)


def _in_force(ws: Workspace, record: Table) -> Condition:
    """The stored status is what the stored dates make of it today, and the assignment is not over."""
    today, start, end = literal(ws.context.today), record.c.start_date, record.c.end_date
    return and_(
        func.coalesce(end >= today, True),
        record.c.status == case((start > today, RecordStatus.PLANNED), else_=RecordStatus.ACTIVE),
    )
