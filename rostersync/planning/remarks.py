"""Remarks about what the plan does or leaves: judged once the plan is made, told at the first line that asks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Text,
    and_,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
)

from rostersync import tables as t
from rostersync.planning.rules import LIVE, Found, class_of, enrollment_of, person_of, placement_of, school_of
from rostersync.planning.workspace import Workspace, finding, told

DEAD = {"person": "inactive", "class": "inactive", "school": "inactive", "placement": "ended", "enrollment": "ended"}


def note_remarks(ws: Workspace) -> None:
    """Note every remark of the roster rules about accepted rows."""
    for rule in (_reactivated, _person_changes, _kept_records, _school_names, _past_dates, _second_primaries, _sticky):
        for found in rule(ws):
            ws.note(found)


def _reactivated(ws: Workspace) -> Iterator[Found]:
    """A named person, class or school, or an enrollment or placement that had ended, is active again."""
    columns = {
        "person": "userId",
        "class": "classId",
        "school": "schoolId",
        "placement": "schoolId",
        "enrollment": "classId",
    }
    for entity, column in columns.items():
        plan = ws.plans[entity].c
        shape = ws.shapes[entity]
        back = and_(plan.old_status.not_in(shape.live), plan.new_status.in_(shape.live))
        if entity in ("placement", "enrollment"):
            back = and_(back, _person_was_active(ws, plan.user_id))
        yield select(plan.line, *told(column, "reactivated", "remark", entity=literal(entity))).where(back)


def _person_was_active(ws: Workspace, user_id: ColumnElement[Any]) -> ColumnElement[Any]:
    """A reactivated person is told once, not again for each of their assignments."""
    person = ws.plans["person"].c
    return not_(exists().where(person.user_id == user_id, person.old_status == "inactive"))


def _person_changes(ws: Workspace) -> Iterator[Found]:
    plan = ws.plans["person"].c
    known = plan.old_status.is_not(None)
    renamed = plan.old_user_id.is_not(None)
    yield select(plan.line, *told("userId", "id-corrected", "remark", old=plan.old_user_id)).where(renamed)
    mail = and_(known, plan.old_email_key.is_distinct_from(plan.new_email_key))
    yield select(plan.line, *told("userEmail", "email-changed", "remark")).where(mail)
    raised = and_(known, plan.old_role == "Teacher", plan.new_role == "Administrator")
    yield select(plan.line, *told("userRole", "role-raised", "remark")).where(raised)


def _kept_records(ws: Workspace) -> Iterator[Found]:
    """Other values for records that are not the file's leave them as they are."""
    joined = (
        ws.stage.outerjoin(t.person, person_of(ws))
        .outerjoin(t.placement, placement_of(ws))
        .outerjoin(t.class_, class_of(ws))
        .outerjoin(t.enrollment, enrollment_of(ws))
    )
    manual = and_(t.person.c.owner == "manual", _asks_other(ws, t.person, "person"))
    yield select(*finding(ws, "userId", "owned-manually", "remark")).select_from(joined).where(ws.adds, manual)
    class_differs = and_(ws.names_class, _asks_other(ws, t.class_, "class"))
    for owner, code in (("source", "class-owned-by-source"), ("manual", "owned-manually")):
        hit = and_(ws.adds, t.class_.c.owner == owner, class_differs)
        yield select(*finding(ws, "classId", code, "remark")).select_from(joined).where(hit)
    not_source = t.person.c.owner != "source"
    placed = and_(t.placement.c.owner != "file", _asks_other(ws, t.placement, "placement"))
    yield (
        select(*finding(ws, "schoolId", "owned-manually", "remark"))
        .select_from(joined)
        .where(ws.adds, not_source, placed)
    )


def _asks_other(ws: Workspace, record: FromClause, entity: str) -> ColumnElement[Any]:
    asked = []
    for column in ws.dictionary.of(entity):  # type: ignore[arg-type]  # entity is an Entity literal
        cell = ws.stage.c.email_key if column.kind == "email" else ws.cell(column.header)
        stored = record.c.email_key if column.kind == "email" else record.c[column.attribute or ""]
        asked.append(and_(cell.is_not(None), cell.is_distinct_from(stored)))
    return or_(*asked)


def _school_names(ws: Workspace) -> Iterator[Found]:
    if "schoolName" not in ws.present:
        return
    other = and_(ws.adds, ws.cell("schoolName") != t.school.c.name)
    if ws.context.school_creation:
        other = and_(other, t.school.c.owner != "file")
    first = select(func.min(ws.stage.c.line), *told("schoolName", "school-name-differs", "remark"))
    joined = ws.stage.join(t.school, school_of(ws))
    yield first.select_from(joined).where(other).group_by(ws.cell("schoolId"), ws.cell("schoolName"))


def _past_dates(ws: Workspace) -> Iterator[Found]:
    """An assignment whose last day is over: ended, or not started."""
    for entity in ("placement", "enrollment"):
        plan = ws.plans[entity].c
        over = and_(plan.new_status == "ended", plan.new_end_date < literal(ws.context.today), plan.owner == "file")
        asked = exists().where(ws.stage.c.line == plan.line, ws.adds)
        yield select(plan.line, *told("endDate", "date-past", "remark")).where(over, asked)


def _second_primaries(ws: Workspace) -> Iterator[Found]:
    """The class has an official primary teacher already, who stays the official one."""
    plan, e = ws.plans["enrollment"].c, t.enrollment.alias("official")
    becomes = and_(plan.new_primary_teacher, plan.old_primary_teacher.is_not(True), plan.new_status.in_(LIVE))
    other = exists().where(
        e.c.district == ws.district,
        e.c.class_id == plan.class_id,
        e.c.user_id != plan.user_id,
        e.c.primary_teacher,
        e.c.status.in_(LIVE),
    )
    yield select(plan.line, *told("primaryTeacher", "primary-second", "remark")).where(becomes, other)


def _sticky(ws: Workspace) -> Iterator[Found]:
    """A field of a file record that was edited by hand keeps the hand's value."""
    for entity, match in (
        ("person", person_of(ws)),
        ("placement", placement_of(ws)),
        ("class", class_of(ws)),
    ):
        record = ws.shapes[entity].table
        if not ws.conn.scalar(select(exists().where(record.c.district == ws.district, record.c.sticky != []))):
            continue
        for spec in ws.dictionary.of(entity):  # type: ignore[arg-type]  # entity is an Entity literal
            if spec.header not in ws.present:
                continue
            cell = ws.cell(spec.header)
            kept = literal(spec.attribute, Text) == func.any(record.c.sticky)
            hit = and_(
                ws.adds, record.c.owner == "file", kept, cell.is_not(None), cell != record.c[spec.attribute or ""]
            )
            rows = hit if entity != "class" else and_(hit, ws.names_class)
            yield (
                select(*finding(ws, spec.header, "field-sticky", "remark"))
                .select_from(ws.stage.join(record, match))
                .where(rows)
            )
