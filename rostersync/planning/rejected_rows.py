"""Addresses and secondary IDs in rows that are rejected anyway: told now, if they are taken, and not a round later.

    u9,ada@...,grade wrong     ada@... stays u2's: the contact has two cells to correct, not one now and one later

What the correction of the rejected rows may mend by itself is not told: the value of somebody whom another rejected row
names, or who has the same name and may be the same person.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, case, exists, func, not_, or_, select, union_all

from rostersync.database import tables as t
from rostersync.database.conditions import Condition
from rostersync.model import Owner, RecordStatus, Severity
from rostersync.planning.predicates import FindingSelect, person_of
from rostersync.planning.rules.unique_attributes import UNIQUE, Unique
from rostersync.planning.workspace import REJECTED, Workspace, row_finding_columns


def note_taken_values(ws: Workspace) -> None:
    """Note what rejected rows ask for and somebody else has once the plan is carried out. Rejects nothing further."""
    if not ws.conn.scalar(select(exists().where(_asks(ws)))):
        return
    for unique in UNIQUE:
        if unique.header in ws.present:
            for found in (_taken_here(ws, unique), *_taken_elsewhere(ws, unique)):
                ws.record_findings(found)


def _asks(ws: Workspace) -> Condition:
    """Rejected rows that add or update a person whose ID can be used."""
    unknown_id = ws.unknown_id.c
    mistyped = exists().where(unknown_id.user_id == ws.cell("userId"), unknown_id.twin.is_not(None))
    adds = and_(ws.stage.c.status == REJECTED, ws.cell("action").is_(None))
    return and_(adds, ws.cell("userId").is_not(None), not_(mistyped))


def _claims(ws: Workspace, unique: Unique) -> Condition:
    """The row's person, being the files' or new, would get a value that they do not have; nothing is told of it yet."""
    found = ws.rule_findings.alias("told")
    told = exists().where(
        found.c.line == ws.stage.c.line, found.c.column == unique.header, found.c.severity == Severity.ROW
    )
    asked = unique.asked(ws.stage, t.person)
    files = func.coalesce(t.person.c.owner, Owner.FILE) == Owner.FILE
    return and_(_asks(ws), files, asked.is_distinct_from(t.person.c[unique.active]), not_(told))


def _taken_here(ws: Workspace, unique: Unique) -> FindingSelect:
    holder = union_all(*_holders(ws, unique)).subquery("holder")
    first, last = ws.cell("userFirstName"), ws.cell("userLastName")
    another = or_(holder.c.first_name != first, holder.c.last_name != last)
    other = ws.stage.alias("other")
    corrected = exists().where(other.c.status == REJECTED, other.c.userId == holder.c.user_id)
    rows = ws.stage.outerjoin(t.person, person_of(ws)).join(holder, holder.c.value == unique.asked(ws.stage, t.person))
    return (
        select(*row_finding_columns(ws, unique.header, unique.code, Severity.ROW, user_id=holder.c.user_id))
        .select_from(rows)
        .where(_claims(ws, unique), holder.c.user_id != ws.cell("userId"))
        .where(first.is_not(None), last.is_not(None), another, not_(corrected))
    )


def _holders(ws: Workspace, unique: Unique) -> Iterator[FindingSelect]:
    """user_id, first_name, last_name, value: who has what once the plan is carried out."""
    plan, person = ws.plans["person"].c, t.person.c
    value = plan[f"new_{unique.attribute}"]
    names = (plan.new_first_name.label("first_name"), plan.new_last_name.label("last_name"))
    planned = select(plan.user_id, *names, value.label("value"))
    yield planned.where(plan.new_status == RecordStatus.ACTIVE, value.is_not(None))
    untouched = (not_(exists().where(key == person.user_id)) for key in (plan.user_id, plan.old_user_id))
    others = select(person.user_id, person.first_name, person.last_name, person[unique.active].label("value"))
    yield others.where(person.district == ws.district, person[unique.active].is_not(None), *untouched)


def _taken_elsewhere(ws: Workspace, unique: Unique) -> Iterator[FindingSelect]:
    """What people of other districts have; who they are is not asked."""
    if not unique.everywhere:
        return
    rows: FromClause = ws.stage.outerjoin(t.person, person_of(ws))
    asked: ColumnElement[Any] = unique.asked(ws.stage, t.person)
    claims = _claims(ws, unique)
    every = select(func.array_agg(case((claims, asked)))).select_from(rows).scalar_subquery()
    taken = select(func.roster.taken_elsewhere(every).column_valued("key"))
    yield (
        select(*row_finding_columns(ws, unique.header, unique.code, Severity.ROW))
        .select_from(rows)
        .where(claims, asked.in_(taken))
    )
