"""Classes of the files that a plan renames, moves to another school, or leaves without their primary teacher."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, not_, or_, select, true, union

from rostersync.database import tables as t
from rostersync.database.conditions import Condition
from rostersync.model import Owner, RecordStatus
from rostersync.planning.predicates import LIVE, known_as
from rostersync.planning.workspace import Workspace


def count_changed_classes(ws: Workspace, *, at_least: int) -> int:
    """How many distinct active classes; an upper bound instead, where even that is below `at_least`."""
    most = select(_count(ws, "class", _renamed(ws)) + _count(ws, "enrollment", _loses_mark(ws)))
    bound = ws.conn.scalar(most) or 0
    if bound < max(at_least, 1):
        return bound
    changed = union(select(ws.plans["class"].c.class_id).where(_renamed(ws)), _without_primary(ws)).subquery()
    return ws.conn.scalar(select(func.count()).select_from(changed)) or 0


def _count(ws: Workspace, entity: str, condition: ColumnElement[bool]) -> Any:
    return select(func.count()).select_from(ws.plans[entity]).where(condition).scalar_subquery()


def _renamed(ws: Workspace) -> Condition:
    """Another name or school; a display name that had been blank is no other one."""
    plan = ws.plans["class"].c
    other = or_(
        plan.old_name != plan.new_name,
        plan.old_display_name != plan.new_display_name,
        plan.old_school_id != plan.new_school_id,
    )
    return and_(
        plan.owner == Owner.FILE, plan.old_status == RecordStatus.ACTIVE, plan.new_status == RecordStatus.ACTIVE, other
    )


def _loses_mark(ws: Workspace) -> Condition:
    """Enrollments of a primary teacher that end, or are a primary teacher's no more."""
    plan = ws.plans["enrollment"].c
    stays = and_(plan.new_status.in_(LIVE), plan.new_primary_teacher)
    return and_(plan.old_status.in_(LIVE), plan.old_primary_teacher, not_(stays))


def _without_primary(ws: Workspace) -> Select[tuple[str]]:
    """Active classes that lose a primary teacher and will have no other."""
    plan, class_, removed = ws.plans["enrollment"], t.class_, ws.plans["class"].c
    gone = exists().where(removed.class_id == plan.c.class_id, removed.new_status != RecordStatus.ACTIVE)
    mine = and_(class_.c.district == ws.district, class_.c.class_id == plan.c.class_id)
    return (
        select(plan.c.class_id)
        .join(class_, mine)
        .where(_loses_mark(ws), class_.c.owner == Owner.FILE, class_.c.status == RecordStatus.ACTIVE)
        .where(not_(gone), not_(_named_primary(ws)), not_(_other_primary(ws)))
    )


def _named_primary(ws: Workspace) -> Condition:
    """Another enrollment of the plan makes, or keeps, somebody the class's primary teacher."""
    plan, other = ws.plans["enrollment"], ws.plans["enrollment"].alias("named_primary")
    return exists().where(
        other.c.class_id == plan.c.class_id, other.c.new_status.in_(LIVE), other.c.new_primary_teacher
    )


def _other_primary(ws: Workspace) -> Condition:
    """The class has another primary teacher, whom the plan does not name."""
    plan, stored = ws.plans["enrollment"], t.enrollment.alias("stored_primary")
    named = ws.plans["enrollment"].alias("named_enrollment")
    joined = named.outerjoin(ws.correction, ws.correction.c.user_id == named.c.user_id)
    in_plan = (
        select(true())
        .select_from(joined)
        .where(known_as(ws.correction, named.c.user_id) == stored.c.user_id, named.c.class_id == stored.c.class_id)
        .correlate(stored)
        .exists()
    )
    return exists().where(
        stored.c.district == ws.district,
        stored.c.class_id == plan.c.class_id,
        stored.c.primary_teacher,
        stored.c.status.in_(LIVE),
        not_(in_plan),
    )
