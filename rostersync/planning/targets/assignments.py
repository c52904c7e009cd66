"""What placements and enrollments shall be: dated assignments, and what ends with a person or a class."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
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
    literal,
    null,
    or_,
    select,
    true,
    union_all,
)

from rostersync.configuration.dictionary import Column
from rostersync.database import tables as t
from rostersync.database.conditions import Condition
from rostersync.model import Owner, RecordStatus
from rostersync.planning.predicates import LIVE, contradicts_hand, kept_by_hand, known_as
from rostersync.planning.targets.new_values import (
    Values,
    any_of,
    as_known,
    asked_by,
    file_may_write,
    first_line,
    new_value,
    write_targets,
)
from rostersync.planning.workspace import Workspace


def plan_placements(ws: Workspace) -> None:
    """Everybody named at a school: the dates of their rows without a class are the placement's."""
    placement = t.placement
    undated = and_(ws.adds, ws.cell("classId").is_not(None))
    dated = and_(ws.adds, ws.cell("classId").is_(None))
    named = (
        select(
            ws.cell("userId").label("user_id"),
            ws.cell("schoolId").label("school_id"),
            first_line(ws, ws.adds),
            any_of(or_(dated, undated)).label("asked"),
            any_of(ws.does("REMOVE-USER")).label("removed"),
            any_of(dated).label("dated"),
            *(asked_by(ws, c.header, ws.adds).label(c.attribute) for c in ws.dictionary.of("placement")),
            *(
                func.any_value(ws.day(c.header)).filter(dated).label(c.attribute)
                for c in ws.dictionary.of("assignment")
            ),
        )
        .where(ws.names_person)
        .group_by(ws.cell("userId"), ws.cell("schoolId"))
        .cte("named_placement")
    )
    joined, current = as_known(ws, named)
    joined = joined.outerjoin(
        placement,
        and_(
            placement.c.district == ws.district,
            placement.c.user_id == current,
            placement.c.school_id == named.c.school_id,
        ),
    )
    new: dict[str, ColumnElement[Any]] = {
        c.attribute or "": new_value(placement, named, c.attribute or "") for c in ws.dictionary.of("placement")
    }
    new |= _dates(ws, placement, named)
    new["status"] = _status(ws, placement, named, new)
    write_targets(ws, "placement", joined, named, new, {})


def plan_enrollments(ws: Workspace) -> None:
    """Everybody named in a class, and whoever's enrollment ends with a person or a class that is removed."""
    enrollment = t.enrollment
    parts = union_all(_asked_enrollments(ws), _ended_with_placement(ws), _ended_with_class(ws)).subquery("parts")
    named = (
        select(
            parts.c.user_id,
            parts.c.class_id,
            func.max(parts.c.school_id).label("school_id"),
            func.coalesce(func.min(parts.c.line).filter(parts.c.asked), func.min(parts.c.line)).label("line"),
            func.bool_or(parts.c.asked).label("asked"),
            func.bool_or(parts.c.removed).label("removed"),
            func.bool_or(parts.c.asked).label("dated"),
            func.bool_or(parts.c.primary_teacher).label("primary_teacher"),
            *(func.max(parts.c[c.attribute or ""]).label(c.attribute) for c in ws.dictionary.of("assignment")),
        )
        .group_by(parts.c.user_id, parts.c.class_id)
        .cte("named_enrollment")
    )
    joined, current = as_known(ws, named)
    joined = joined.outerjoin(
        enrollment,
        and_(
            enrollment.c.district == ws.district,
            enrollment.c.user_id == current,
            enrollment.c.class_id == named.c.class_id,
        ),
    )
    new: dict[str, ColumnElement[Any]] = {"primary_teacher": new_value(enrollment, named, "primary_teacher")}
    new |= _dates(ws, enrollment, named)
    new["status"] = _status(ws, enrollment, named, new)
    write_targets(ws, "enrollment", joined, named, new, {"school_id": named.c.school_id})


def _asked_enrollments(ws: Workspace) -> Select[*tuple[Any, ...]]:
    """What rows about the enrollment itself ask; one at a school where the placement is over ends with it."""
    adds = and_(ws.adds, ws.names_class)
    removes = ws.does("REMOVE-ENROLLMENT")
    plan = ws.plans["placement"].c
    over = exists().where(plan.user_id == ws.cell("userId"), plan.school_id == ws.cell("schoolId"), _is_over(ws))
    return select(
        ws.cell("userId").label("user_id"),
        ws.cell("classId").label("class_id"),
        ws.cell("schoolId").label("school_id"),
        ws.stage.c.line,
        adds.label("asked"),
        or_(removes, over).label("removed"),
        case((adds, func.coalesce(ws.cell("primaryTeacher") == "Yes", false()))).label("primary_teacher"),
        *(case((adds, ws.day(c.header))).label(c.attribute) for c in ws.dictionary.of("assignment")),
    ).where(or_(adds, removes))


def _is_over(ws: Workspace) -> Condition:
    """The planned placement is the file's and will not be active or planned."""
    plan = ws.plans["placement"].c
    return and_(plan.owner == Owner.FILE, plan.new_status.not_in(LIVE))


def _cascade(
    ws: Workspace, joined: FromClause, user: ColumnElement[Any], school: ColumnElement[Any], line: ColumnElement[Any]
) -> Select[*tuple[Any, ...]]:
    """Live file-owned enrollments that end because their placement ends, or their class is removed."""
    enrollment = t.enrollment.c
    blank = (cast(null(), enrollment[c.attribute or ""].type) for c in ws.dictionary.of("assignment"))
    ended = select(user, enrollment.class_id, school, line, false(), true(), null(), *blank).select_from(joined)
    return ended.where(enrollment.owner == Owner.FILE, enrollment.status.in_(LIVE))


def _ended_with_placement(ws: Workspace) -> Select[*tuple[Any, ...]]:
    """However the placement ends: by REMOVE-USER, or because a row says that its last day is over."""
    plan, correction, enrollment, class_ = ws.plans["placement"], ws.correction, t.enrollment, t.class_
    mine = and_(enrollment.c.district == ws.district, enrollment.c.user_id == known_as(correction, plan.c.user_id))
    there = and_(
        class_.c.district == ws.district,
        class_.c.class_id == enrollment.c.class_id,
        class_.c.school_id == plan.c.school_id,
    )
    joined = (
        plan.outerjoin(correction, correction.c.user_id == plan.c.user_id).join(enrollment, mine).join(class_, there)
    )
    # A REMOVE-ENROLLMENT names the placement as well, and asks nothing of it.
    asks = and_(ws.cell("userId") == plan.c.user_id, ws.cell("schoolId") == plan.c.school_id)
    named = exists().where(asks, or_(ws.adds, ws.does("REMOVE-USER")))
    return _cascade(ws, joined, plan.c.user_id, plan.c.school_id, plan.c.line).where(_is_over(ws), named)


def _ended_with_class(ws: Workspace) -> Select[*tuple[Any, ...]]:
    enrollment, class_, correction = t.enrollment, t.class_, ws.correction
    own = and_(class_.c.district == ws.district, class_.c.class_id == ws.cell("classId"), class_.c.owner == Owner.FILE)
    joined = ws.stage.join(class_, own).join(
        enrollment, and_(enrollment.c.district == ws.district, enrollment.c.class_id == class_.c.class_id)
    )
    joined = joined.outerjoin(correction, correction.c.old_user_id == enrollment.c.user_id)
    user = func.coalesce(correction.c.user_id, enrollment.c.user_id)
    return _cascade(ws, joined, user, ws.cell("schoolId"), ws.stage.c.line).where(ws.does("REMOVE-CLASS"))


def _status(ws: Workspace, record: Table, named: FromClause, dates: Values) -> ColumnElement[Any]:
    """planned before, active within, ended after; ended when removed; untouched when not the file's."""
    today = literal(ws.context.today)
    return case(
        (and_(named.c.removed, func.coalesce(record.c.owner, Owner.FILE) == Owner.FILE), RecordStatus.ENDED),
        (file_may_write(record, named).is_(False), record.c.status),
        (dates["end_date"] < today, RecordStatus.ENDED),
        (dates["start_date"] > today, RecordStatus.PLANNED),
        else_=RecordStatus.ACTIVE,
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
    writes = file_may_write(record, named)
    free = {n: and_(writes, kept_by_hand(record, n).is_(False)) for n in ("start_date", "end_date")}
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
    speaks = and_(file_may_write(record, named), named.c.dated, held.is_(False))
    return and_(literal(column.header in ws.present), speaks), named.c[name]
