"""A plan of now beside plans kept in `intake.plan`: what is not in them, and what newer deliveries have changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    and_,
    exists,
    func,
    not_,
    or_,
    select,
    tuple_,
    union,
    union_all,
)
from sqlalchemy.dialects.postgresql import array

from rostersync.database import tables as t
from rostersync.planning.workspace import Workspace
from rostersync.planning.workspace_tables import EntityShape

_HEADERS = {"school_id": "schoolId", "user_id": "userId", "class_id": "classId"}


def plan_key(ws: Workspace, shape: EntityShape) -> ColumnElement[Any]:
    """The key of a planned record as change log and kept plans have it."""
    plan = ws.plans[shape.name].c
    return _array([plan[k] for k in shape.keys])


def _array(parts: list[ColumnElement[Any]]) -> ColumnElement[Any]:
    return array(parts, type_=Text)


def changes_not_in_plan(ws: Workspace, delivery: str, attempt: int) -> int:
    """How many changes of this plan are not in the plan that was kept for this attempt, by entity, key and action."""
    kept = t.plan.c
    counts = []
    for name, shape in ws.shapes.items():
        plan = ws.plans[name].c
        there = exists().where(
            kept.delivery == delivery,
            kept.attempt == attempt,
            kept.entity == name,
            kept.key == plan_key(ws, shape),
            kept.action == plan.action,
        )
        counts.append(select(func.count()).where(plan.action != "unchanged", not_(there)).scalar_subquery())
    return sum(ws.conn.execute(select(*counts)).one())


def fully_replaced_deliveries(ws: Workspace, held: Mapping[str, int]) -> list[str]:
    """Of these deliveries (each with its attempt) those whose every kept key this plan names, changed or not."""
    if not held:
        return []
    kept = t.plan.c
    mine = tuple_(kept.delivery, kept.attempt).in_(list(held.items()))
    left = []
    for name, shape in ws.shapes.items():
        unchanged = _array([ws.unchanged.c[_HEADERS[k]] for k in shape.keys])
        unnamed = (not_(exists().where(key == kept.key)) for key in (plan_key(ws, shape), unchanged))
        left.append(select(kept.delivery).where(mine, kept.entity == name, *unnamed))
    open_ = set(ws.conn.scalars(union_all(*left)))
    return [delivery for delivery in held if delivery not in open_]


def lines_overtaken_since(ws: Workspace, sequence: int, since: int) -> frozenset[int]:
    """Lines of accepted rows that name a record which this plan would change though a later delivery has since.

    `sequence`: where the plan's delivery stands in the order of arrival; `since`: the roster's version when the plan
    was first made.
    """
    lines = [part for shape in ws.shapes.values() for part in _lines(ws, shape, sequence, since)]
    return frozenset(ws.conn.scalars(union(*lines)))


def _lines(ws: Workspace, shape: EntityShape, sequence: int, since: int) -> Iterator[Select[tuple[int]]]:
    plan = ws.plans[shape.name]
    later = _later(ws, shape.name, sequence, since)
    touched: ColumnElement[bool] = plan_key(ws, shape).in_(later)
    if "old_user_id" in plan.c:
        touched = or_(touched, _array([plan.c.old_user_id]).in_(later))
    hit = and_(plan.c.action != "unchanged", touched)
    named = and_(ws.accepted, *(ws.cell(_HEADERS[k]) == plan.c[k] for k in shape.keys))
    yield select(ws.stage.c.line).join(plan, named).where(hit)
    yield select(plan.c.line).where(hit)


def _later(ws: Workspace, entity: str, sequence: int, since: int) -> Select[Any]:
    change, attempt = t.change.c, t.attempt.c
    made_by = and_(attempt.delivery == change.delivery, attempt.number == change.attempt)
    return (
        select(change.key)
        .join(t.attempt, made_by)
        .join(t.delivery, t.delivery.c.id == change.delivery)
        .where(change.district == ws.district, change.entity == entity)
        .where(t.delivery.c.sequence > sequence, attempt.roster_version > since)
    )
