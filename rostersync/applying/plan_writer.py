"""The plan → the roster. Writes in key order what the plan tables say, and asserts that just that was written.

A plan that waits for a person is kept instead, change by change.

The caller owns the transaction and the district's lock; the ledger, the counts and the mails are its own part of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Table,
    Text,
    and_,
    case,
    func,
    insert,
    literal,
    select,
    text,
    update,
)

from rostersync.database import tables as t
from rostersync.database.json_object import image
from rostersync.exceptions import PlanMismatch
from rostersync.model import Change, Owner, RecordStatus
from rostersync.planning import Plan
from rostersync.planning.stored_plans import plan_key
from rostersync.planning.workspace import EntityShape, Workspace, execute_rowcount

UNDONE = "undone"
"""The action under which the change log has what an undo put back."""
ORDER = ("school", "person", "class", "placement", "enrollment")
"""Parents before children, so that every foreign key finds its row."""


def apply(plan: Plan, *, delivery: str | None, attempt: int | None, actor: str) -> None:
    """Write the plan. Raises PlanMismatch when the database changed another number of rows than planned.

    `delivery` and `attempt` are None when no file asked for it. Unique violations (a race with another district's
    e-mail) surface here, not at the commit.
    """
    ws = plan.workspace
    _rename(ws)
    for entity in ORDER:
        _update(ws, ws.shapes[entity])
        _insert(ws, ws.shapes[entity])
    for entity in ORDER:
        _log(ws, ws.shapes[entity], delivery, attempt, actor)
    ws.conn.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    if plan.changes:
        _bump(ws)


def keep(plan: Plan, *, delivery: str, attempt: int) -> None:
    """Store what a held plan would change, as the change log would have it: what a person sees and decides about."""
    ws = plan.workspace
    for entity in ORDER:
        changes = _changes(ws, ws.shapes[entity], delivery, attempt)
        columns = [t.plan.c[column.name].name for column in changes.selected_columns]
        ws.conn.execute(insert(t.plan).from_select(columns, changes))


def put_back(ws: Workspace, *, delivery: str, attempt: int, actor: str) -> None:
    """Write a plan that only updates, and log it as undone: what an undo does. Raises what `apply` raises."""
    _rename(ws)
    for entity in ORDER:
        _update(ws, ws.shapes[entity], again=False)
    for entity in ORDER:
        _log(ws, ws.shapes[entity], delivery, attempt, actor, action=UNDONE)
    ws.conn.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    if any(_planned(ws, entity, "updated", "removed") for entity in ORDER):
        _bump(ws)


def planned_changes(ws: Workspace) -> Iterator[Change]:
    """Every record that the plan changes, with its images."""
    for entity in ORDER:
        rows = ws.conn.execute(_changes(ws, ws.shapes[entity], "", 0).order_by("key"))
        for row in rows.mappings():
            names = ("entity", "action", "line", "before", "after")
            yield Change(key=tuple(row["key"]), **{name: row[name] for name in names})


def _planned(ws: Workspace, entity: str, *actions: str) -> int:
    plan = ws.plans[entity].c
    return ws.conn.scalar(select(func.count()).where(plan.action.in_(actions))) or 0


def _assert(entity: str, verb: str, planned: int, reported: int) -> None:
    if planned != reported:
        raise PlanMismatch(f"{entity}: {planned} rows were to be {verb}, the database reports {reported}.")


def _rename(ws: Workspace) -> None:
    """Corrected IDs first: placements and enrollments follow by their foreign keys."""
    correction, person = ws.plans["person"], t.person
    hit = and_(person.c.district == ws.district, person.c.user_id == correction.c.old_user_id)
    planned = ws.conn.scalar(select(func.count()).where(correction.c.old_user_id.is_not(None))) or 0
    if planned:
        changed = execute_rowcount(ws.conn, update(person).values(user_id=correction.c.user_id).where(hit))
        _assert("person", "renamed", planned, changed)


def _update(ws: Workspace, shape: EntityShape, *, again: bool = True) -> None:
    """`again`: what is assigned once more counts from now on; else from when it was assigned first."""
    plan, table = ws.plans[shape.name], shape.table
    planned = _planned(ws, shape.name, "updated", "removed")
    if not planned:
        return
    same = and_(table.c.district == ws.district, *(table.c[k] == plan.c[k] for k in shape.keys))
    values: dict[str, Any] = {a: plan.c[f"new_{a}"] for a in shape.attributes} | {"updated_at": func.now()}
    if "assigned_at" in table.c and again:
        revived = and_(plan.c.old_status == RecordStatus.ENDED, plan.c.new_status != RecordStatus.ENDED)
        values["assigned_at"] = case((revived, func.now()), else_=table.c.assigned_at)
    changed = plan.c.action.in_(("updated", "removed"))
    _assert(
        shape.name, "updated", planned, execute_rowcount(ws.conn, update(table).values(values).where(same, changed))
    )


def _insert(ws: Workspace, shape: EntityShape) -> None:
    plan = ws.plans[shape.name]
    planned = _planned(ws, shape.name, "created")
    if not planned:
        return
    columns = ["district", "owner", *shape.keys, *shape.attributes]
    rows = (
        select(literal(ws.district), literal(Owner.FILE, Text), *(plan.c[k] for k in shape.keys), *_new(plan, shape))
        .where(plan.c.action == "created")
        .order_by(*(plan.c[k] for k in shape.keys))
    )
    _assert(shape.name, "created", planned, execute_rowcount(ws.conn, insert(shape.table).from_select(columns, rows)))


def _new(plan: Table, shape: EntityShape) -> list[ColumnElement[Any]]:
    return [plan.c[f"new_{a}"] for a in shape.attributes]


def _image(plan: Table, shape: EntityShape, age: str) -> ColumnElement[Any]:
    columns: dict[str, ColumnElement[Any]] = {a: plan.c[f"{age}_{a}"] for a in shape.attributes}
    if age == "old" and "old_user_id" in plan.c:
        columns["user_id"] = func.coalesce(plan.c.old_user_id, plan.c.user_id)
    return image(columns)


def _log(
    ws: Workspace, shape: EntityShape, delivery: str | None, attempt: int | None, actor: str, action: str | None = None
) -> None:
    changes = _changes(ws, shape, delivery, attempt, action).add_columns(literal(actor).label("actor"))
    columns = [t.change.c[column.name].name for column in changes.selected_columns]
    ws.conn.execute(insert(t.change).from_select(columns, changes))


def _changes(
    ws: Workspace, shape: EntityShape, delivery: str | None, attempt: int | None, action: str | None = None
) -> Select[*tuple[Any, ...]]:
    """Before- and after-images of every record that is created, updated or removed; `action`: another word for it."""
    plan = ws.plans[shape.name]
    before = case((plan.c.action != "created", _image(plan, shape, "old")))
    return select(
        literal(ws.district).label("district"),
        literal(delivery, Text).label("delivery"),
        literal(attempt, Integer).label("attempt"),
        literal(shape.name).label("entity"),
        plan_key(ws, shape).label("key"),
        literal(action).label("action") if action else plan.c.action,
        before.label("before"),
        _image(plan, shape, "new").label("after"),
        plan.c.line,
    ).where(plan.c.action != "unchanged")


def _bump(ws: Workspace) -> None:
    district = t.district
    ws.conn.execute(
        update(district).values(roster_version=district.c.roster_version + 1).where(district.c.code == ws.district)
    )
