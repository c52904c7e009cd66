"""Which records a row speaks of, and what holds for them: the words that rules and targets are said in."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, Text, and_, case, exists, func, literal, or_

from rostersync.database import tables as t
from rostersync.database.conditions import Condition
from rostersync.model import Owner, RecordStatus
from rostersync.planning.workspace import Workspace

FindingSelect = Select[*tuple[Any, ...]]
LIVE = (RecordStatus.ACTIVE, RecordStatus.PLANNED)


def person_of(ws: Workspace) -> Condition:
    """The row's person is this one, by exact userId."""
    return and_(t.person.c.district == ws.district, t.person.c.user_id == ws.cell("userId"))


def same_person(ws: Workspace) -> Condition:
    """The row's e-mail, first and last name are this person's."""
    person = t.person.c
    return and_(
        person.district == ws.district,
        person.email_key == ws.stage.c.email_key,
        person.first_name == ws.cell("userFirstName"),
        person.last_name == ws.cell("userLastName"),
    )


def school_of(ws: Workspace) -> Condition:
    """The row's school."""
    return and_(t.school.c.district == ws.district, t.school.c.school_id == ws.cell("schoolId"))


def class_of(ws: Workspace) -> Condition:
    """The row's class."""
    return and_(t.class_.c.district == ws.district, t.class_.c.class_id == ws.cell("classId"))


def placement_of(ws: Workspace) -> Condition:
    """The row's person at the row's school."""
    return and_(
        t.placement.c.district == ws.district,
        t.placement.c.user_id == ws.cell("userId"),
        t.placement.c.school_id == ws.cell("schoolId"),
    )


def enrollment_of(ws: Workspace) -> Condition:
    """The row's person in the row's class."""
    return and_(
        t.enrollment.c.district == ws.district,
        t.enrollment.c.user_id == ws.cell("userId"),
        t.enrollment.c.class_id == ws.cell("classId"),
    )


def handed_over() -> Condition:
    """A source person who still has something file-owned was a file's person before."""
    person = t.person.c
    owns = [
        exists().where(x.c.district == person.district, x.c.user_id == person.user_id, x.c.owner == Owner.FILE)
        for x in (t.placement.alias("own_placement"), t.enrollment.alias("own_enrollment"))
    ]
    return and_(person.owner == Owner.SOURCE, or_(*owns))


def kept_by_hand(record: FromClause, attribute: str) -> Condition:
    """A hand edit of this field stays until it is released."""
    return func.coalesce(literal(attribute, Text) == func.any(record.c.sticky), False)


def contradicts_hand(record: FromClause, attribute: str, day: ColumnElement[Any]) -> Condition:
    """The assignment's other date was set by hand, and this day is on the wrong side of it."""
    starts = attribute == "start_date"
    other = record.c["end_date" if starts else "start_date"]
    wrong = day > other if starts else day < other
    return func.coalesce(and_(kept_by_hand(record, other.name), wrong), False)


def known_as(correction: FromClause, typed: ColumnElement[Any]) -> ColumnElement[Any]:
    """The ID under which the roster knows a typed one. Not COALESCE: PostgreSQL holds that it might tell of rows that
    row-level security hides, and would not look it up by an index.
    """
    return case((correction.c.old_user_id.is_not(None), correction.c.old_user_id), else_=typed)
