"""Remarks about what the plan does or leaves: judged once the plan is made, told at the first line that asks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Table,
    and_,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
    true,
    union,
)

from rostersync.configuration.dictionary import Column
from rostersync.database import tables as t
from rostersync.database.conditions import Condition
from rostersync.model import Owner, RecordStatus, Severity
from rostersync.planning.comparison import cell_differs
from rostersync.planning.predicates import LIVE, FindingSelect, contradicts_hand, kept_by_hand, known_as, school_of
from rostersync.planning.rules.folded_rows import class_parts
from rostersync.planning.workspace import Workspace, finding_columns, row_finding_columns

DATED = ("placement", "enrollment")
KEPT = (
    ("person", "userId", Owner.MANUAL, "owned-manually"),
    ("class", "classId", Owner.SOURCE, "class-owned-by-source"),
    ("class", "classId", Owner.MANUAL, "owned-manually"),
    ("placement", "schoolId", Owner.MANUAL, "owned-manually"),
    ("enrollment", "primaryTeacher", Owner.MANUAL, "owned-manually"),
)
"""Entity, column named, owner, code: whose records stay as they are although a row asks for other values."""


def note_remarks(ws: Workspace) -> None:
    """Note every remark of the roster rules about accepted rows."""
    for rule in _RULES:
        for found in rule(ws):
            ws.record_findings(found)


def _reactivated(ws: Workspace) -> Iterator[FindingSelect]:
    """`reactivated`: a person, class, school, placement or enrollment that had ended is active again.

    Example: `,0100,u1,Teacher,…` - u1 was removed in June: the line that asks for it, the entity's ID column.
    """
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
        yield select(plan.line, *finding_columns(column, "reactivated", Severity.REMARK, entity=literal(entity))).where(
            back
        )


def _person_was_active(ws: Workspace, user_id: ColumnElement[Any]) -> Condition:
    """A reactivated person is told once, not again for each of their assignments."""
    person = ws.plans["person"].c
    return not_(exists().where(person.user_id == user_id, person.old_status == RecordStatus.INACTIVE))


def _person_changes(ws: Workspace) -> Iterator[FindingSelect]:
    """`id-corrected`, `email-changed`, `role-raised`: what a file changes of a person that somebody should see.

    Example: `,0100,u1,Administrator,…` - u1 was a Teacher: the line that asks for it, userRole.
    """
    plan = ws.plans["person"].c
    known = plan.old_status.is_not(None)
    renamed = plan.old_user_id.is_not(None)
    yield select(plan.line, *finding_columns("userId", "id-corrected", Severity.REMARK, old=plan.old_user_id)).where(
        renamed
    )
    mail = and_(known, plan.old_email_key.is_distinct_from(plan.new_email_key))
    yield select(plan.line, *finding_columns("userEmail", "email-changed", Severity.REMARK)).where(mail)
    raised = and_(known, plan.old_role == "Teacher", plan.new_role == "Administrator")
    yield select(plan.line, *finding_columns("userRole", "role-raised", Severity.REMARK)).where(raised)


def _both_roles(ws: Workspace) -> Iterator[FindingSelect]:
    """`role-both`: accepted rows of one person give both roles, and Administrator wins.

    Example: `,0100,u1,Teacher,… beside ,0200,u1,Administrator,…` - the Teacher row, userRole.
    """
    for column in ws.dictionary.columns:
        if column.wins:
            cell = ws.cell(column.header)
            winners = select(ws.cell("userId")).where(ws.adds, cell == column.wins)
            others = select(
                *row_finding_columns(ws, column.header, "role-both", Severity.REMARK, role=literal(column.wins))
            )
            yield others.where(ws.adds, cell != column.wins, ws.cell("userId").in_(winners))


def _kept_records(ws: Workspace) -> Iterator[FindingSelect]:
    """`owned-manually`, `class-owned-by-source`: other values leave records of others as they are.

    Example: `,0100,u1,…,c7,Math` - c7 is the source's, and called Reading: the row, classId.
    """
    parts = _parts(ws)
    for entity, column, owner, code in KEPT:
        record = ws.shapes[entity].table
        other = or_(literal(False), *(asks for _, asks in _other_cells(ws, entity, record)))
        rows = select(*row_finding_columns(ws, column, code, Severity.REMARK)).select_from(_with_record(ws, entity))
        yield rows.where(parts[entity], record.c.owner == owner, other)


def _school_names(ws: Workspace) -> Iterator[FindingSelect]:
    """`school-name-differs`: the school is called something else in the roster; told once for each school and name.

    Example: `,0100,u1,…,Elm St` - 0100 is Elm Street: the first such line, schoolName.
    """
    if "schoolName" not in ws.present:
        return
    other = and_(ws.adds, ws.cell("schoolName") != t.school.c.name)
    if ws.context.school_creation:
        other = and_(other, t.school.c.owner != Owner.FILE)
    first = select(func.min(ws.stage.c.line), *finding_columns("schoolName", "school-name-differs", Severity.REMARK))
    joined = ws.stage.join(t.school, school_of(ws))
    yield first.select_from(joined).where(other).group_by(ws.cell("schoolId"), ws.cell("schoolName"))


def _past_dates(ws: Workspace) -> Iterator[FindingSelect]:
    """`date-past`: a row asks for an assignment whose last day is over, or an enrollment whose placement is.

    Example: `,0100,u1,…,2026-06-30` - today is in November: the line that asks for it, endDate.
    """
    found = []
    for entity in DATED:
        plan, row = ws.plans[entity].c, ws.stage.c
        asked = and_(row.line == plan.line, ws.adds)
        if entity == "enrollment":
            asked = and_(asked, ws.cell("classId") == plan.class_id)
        over = and_(plan.new_status == RecordStatus.ENDED, plan.owner == Owner.FILE, exists().where(asked))
        found.append(select(plan.line, *finding_columns("endDate", "date-past", Severity.REMARK)).where(over))
    both = union(*found).subquery("past")
    yield select(both)


def _second_primaries(ws: Workspace) -> Iterator[FindingSelect]:
    """`primary-second`: the class has a primary teacher already; both are kept.

    Example: `,0100,u1,…,c7,Yes` - u2 is primary teacher of c7: the line that asks for it, primaryTeacher.
    """
    plan, official = ws.plans["enrollment"].c, t.enrollment.alias("official")
    becomes = and_(plan.new_primary_teacher, plan.old_primary_teacher.is_not(True), plan.new_status.in_(LIVE))
    other = exists().where(
        official.c.district == ws.district,
        official.c.class_id == plan.class_id,
        official.c.user_id != plan.user_id,
        official.c.primary_teacher,
        official.c.status.in_(LIVE),
    )
    yield select(plan.line, *finding_columns("primaryTeacher", "primary-second", Severity.REMARK)).where(becomes, other)


def _sticky(ws: Workspace) -> Iterator[FindingSelect]:
    """`field-sticky`: a field of a file record that was edited by hand keeps the hand's value.

    Example: `,0100,u1,…,Ben,…` - the first name was set by hand to Benjamin: the row, userFirstName.
    """
    for entity, rows in _parts(ws).items():
        record = ws.shapes[entity].table
        edited = and_(
            record.c.district == ws.district, record.c.owner == Owner.FILE, func.cardinality(record.c.sticky) > 0
        )
        if not ws.conn.scalar(select(exists().where(edited))):
            continue
        for column, asks in _other_cells(ws, entity, record):
            name = column.attribute or ""
            kept = kept_by_hand(record, name)
            if column.entity == "assignment":
                kept = or_(kept, contradicts_hand(record, name, ws.day(column.header)))
            select_finding = select(*row_finding_columns(ws, column.header, "field-sticky", Severity.REMARK))
            yield select_finding.select_from(_with_record(ws, entity)).where(rows, edited, kept, asks)


def _other_cells(ws: Workspace, entity: str, record: Table) -> Iterator[tuple[Column, ColumnElement[Any]]]:
    """The file's columns that speak of this entity, and when a cell asks for another value than the stored one."""
    for column in ws.dictionary.of(entity):  # type: ignore[arg-type]  # entity is an Entity literal
        if column.header in ws.present:
            yield column, cell_differs(ws, ws.stage, record, column)
    for column in ws.dictionary.of("assignment") if entity in DATED else ():
        if column.header in ws.present:
            # A row that names a class gives the dates of the enrollment.
            speaks = ws.cell("classId").is_(None) if entity == "placement" else true()
            yield column, and_(speaks, cell_differs(ws, ws.stage, record, column))


def _parts(ws: Workspace) -> dict[str, ColumnElement[Any]]:
    """entity → the rows that ask something of it. A school's name is asked for only where files make schools."""
    named = and_(ws.adds, ws.names_class)
    parts = {"person": ws.adds, "placement": ws.adds, "class": named, "enrollment": named}
    return parts | ({"school": ws.adds} if ws.context.school_creation else {})


def _with_record(ws: Workspace, entity: str) -> FromClause:
    """The rows joined with their records of this entity."""
    corrected = ws.stage.outerjoin(ws.correction, ws.correction.c.user_id == ws.cell("userId"))
    return corrected.join(ws.shapes[entity].table, _record_of(ws, entity))


def _record_of(ws: Workspace, entity: str) -> Condition:
    """The row's record of this entity, under the ID that a corrected one had before."""
    record = ws.shapes[entity].table.c
    keys: dict[str, ColumnElement[Any]] = {"user_id": known_as(ws.correction, ws.cell("userId"))}
    keys |= {"school_id": ws.cell("schoolId"), "class_id": ws.cell("classId")}
    return and_(record.district == ws.district, *(record[k] == keys[k] for k in ws.shapes[entity].keys))


_RULES = (
    class_parts,
    _both_roles,
    _reactivated,
    _person_changes,
    _kept_records,
    _school_names,
    _past_dates,
    _second_primaries,
    _sticky,
)
