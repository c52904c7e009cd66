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
    Text,
    and_,
    case,
    cast,
    delete,
    exists,
    func,
    insert,
    literal,
    not_,
    or_,
    select,
)

from rostersync.database import tables as t
from rostersync.planning.workspace import Workspace

Condition = ColumnElement[bool]


def set_quiet_apart(ws: Workspace) -> None:
    """Fill `quiet`, and `stage` with the other rows; where nothing is the file's yet, `stage` is `delivered` itself."""
    placed = select(t.placement.c.user_id).where(t.placement.c.district == ws.district, _own(t.placement))
    if not ws.conn.scalar(select(placed.exists())):
        ws.stage = ws.delivered
        return
    ws.conn.execute(insert(ws.quiet).from_select(list(ws.quiet.c.keys()), _agreeing(ws)))
    ws.analyze(ws.quiet)
    quiet = exists().where(ws.quiet.c.line == ws.delivered.c.line)
    ws.conn.execute(insert(ws.stage).from_select(list(ws.stage.c.keys()), select(ws.delivered).where(not_(quiet))))
    for header in ("userId", "classId"):
        if header in ws.present:
            ws.conn.execute(_speak_up(ws, header))
    ws.analyze(ws.stage)


def _speak_up(ws: Workspace, header: str) -> Insert:
    """Rows stop being quiet when a staged row about the same person or class asks for something."""
    d, s, q = ws.delivered, ws.stage, ws.quiet
    named = select(s.c[header]).where(s.c[header].is_not(None))
    loud = delete(q).where(q.c[header].in_(named)).returning(q.c.line).cte("loud")
    return insert(s).from_select(list(s.c.keys()), select(d).where(d.c.line.in_(select(loud.c.line))))


def _agreeing(ws: Workspace) -> Select[*tuple[Any, ...]]:
    """Outer joins, and the comparison apart from them: so the planner expects as many rows as there are."""
    d, keys = ws.delivered.c, ("schoolId", "userId", "classId")
    compared = select(d.line, *(_cell(ws, key).label(key) for key in keys), _agrees(ws).label("agrees"))
    rows = compared.select_from(_joined(ws)).cte("compared").prefix_with("MATERIALIZED")
    return select(rows.c.line, *(rows.c[key] for key in keys)).where(rows.c.agrees)


def _agrees(ws: Workspace) -> Condition:
    d, class_ = ws.delivered.c, _cell(ws, "classId")
    return and_(
        and_(d.status == "accepted", _cell(ws, "action").is_(None)),
        and_(t.school.c.status == "active", _says(ws, t.school, "school")),
        and_(_own(t.person), t.person.c.status == "active", _says(ws, t.person, "person"), _same_address(ws)),
        and_(_own(t.placement), _in_force(ws, t.placement), _says(ws, t.placement, "placement")),
        or_(class_.is_not(None), _same_days(ws, t.placement)),
        or_(class_.is_(None), and_(_class_agrees(ws), _enrollment_agrees(ws))),
    )


def _joined(ws: Workspace) -> FromClause:
    s, p, pl, c, e = t.school.c, t.person.c, t.placement.c, t.class_.c, t.enrollment.c
    school, user, class_ = (_cell(ws, h) for h in ("schoolId", "userId", "classId"))
    return (
        ws.delivered.outerjoin(t.school, and_(s.district == ws.district, s.school_id == school))
        .outerjoin(t.person, and_(p.district == ws.district, p.user_id == user))
        .outerjoin(t.placement, and_(pl.district == ws.district, pl.user_id == user, pl.school_id == school))
        .outerjoin(t.class_, and_(c.district == ws.district, c.class_id == class_))
        .outerjoin(t.enrollment, and_(e.district == ws.district, e.user_id == user, e.class_id == class_))
    )


def _cell(ws: Workspace, header: str) -> ColumnElement[Any]:
    return ws.delivered.c[header] if header in ws.present else cast(None, Text)


def _own(record: Table) -> Condition:
    return record.c.owner == "file"


def _says(ws: Workspace, record: Table, entity: str) -> Condition:
    """Every filled cell of the entity's columns is the stored value; a blank one keeps it."""
    columns = [c for c in ws.dictionary.of(entity) if c.header in ws.present]  # type: ignore[arg-type]  # an Entity literal
    return and_(
        literal(True),
        *(
            func.coalesce(_cell(ws, c.header) == record.c[c.attribute or ""], _cell(ws, c.header).is_(None))
            for c in columns
        ),
    )


def _same_address(ws: Workspace) -> Condition:
    key = ws.delivered.c.email_key
    return func.coalesce(key == t.person.c.email_key, key.is_(None))


def _class_agrees(ws: Workspace) -> Condition:
    here = t.class_.c.school_id == _cell(ws, "schoolId")
    return and_(t.class_.c.status == "active", here, _says(ws, t.class_, "class"))


def _enrollment_agrees(ws: Workspace) -> Condition:
    primary = t.enrollment.c.primary_teacher == func.coalesce(_cell(ws, "primaryTeacher") == "Yes", False)
    return and_(_own(t.enrollment), primary, _in_force(ws, t.enrollment), _same_days(ws, t.enrollment))


def _in_force(ws: Workspace, record: Table) -> Condition:
    """The stored status is what the stored dates make of it today, and the assignment is not over."""
    today, start, end = literal(ws.context.today), record.c.start_date, record.c.end_date
    return and_(func.coalesce(end >= today, True), record.c.status == case((start > today, "planned"), else_="active"))


def _same_days(ws: Workspace, record: Table) -> Condition:
    """The dates of a row that speaks of them are the stored ones: blank in a present column says "no limit"."""
    columns = [c for c in ws.dictionary.of("assignment") if c.header in ws.present]
    stored = [cast(record.c[c.attribute or ""], Text) for c in columns]
    cells = [_cell(ws, c.header) for c in columns]
    return and_(literal(True), *(c.is_not_distinct_from(s) for c, s in zip(cells, stored, strict=True)))
