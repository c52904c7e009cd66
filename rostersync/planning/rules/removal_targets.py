"""Roster rules about what a removal names: it must be there, and be the files' own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, case, exists, func, literal, not_, or_, select

from rostersync.database import tables as t
from rostersync.database.conditions import Condition
from rostersync.model import Owner, RecordStatus, Severity
from rostersync.planning.predicates import (
    LIVE,
    FindingSelect,
    class_of,
    enrollment_of,
    person_of,
    placement_of,
    school_of,
)
from rostersync.planning.rules.removed_person import names_another
from rostersync.planning.rules.unknown_ids import has_similar
from rostersync.planning.workspace import Workspace, row_finding_columns


def _owner_code(owner: ColumnElement[Any], source_code: str) -> ColumnElement[Any]:
    return case((owner == Owner.SOURCE, source_code), else_="owned-manually").label("code")


def _refusal(ws: Workspace, column: str, owner: ColumnElement[Any], source_code: str) -> tuple[ColumnElement[Any], ...]:
    line, col, _, severity, detail = row_finding_columns(ws, column, "", Severity.ROW)
    return (line, col, _owner_code(owner, source_code), severity, detail)


def removals_of_people(ws: Workspace) -> Iterator[FindingSelect]:
    """`action-target-unknown`, `person-owned-by-source`, `owned-manually`: what ends must be there, and the file's.

    Example: `REMOVE-USER,0100,u9` - u9 has no placement at 0100: the row, userId, what was looked for.
    Example: `REMOVE-ENROLLMENT,0100,u1,…,c7` - u1's enrollment in c7 is the source's: the row, userId.
    """
    at_known_school = exists().where(school_of(ws))
    twin = exists().where(ws.unknown_id.c.user_id == ws.cell("userId"), ws.unknown_id.c.twin.is_not(None))
    not_a_twin = not_(twin)
    for action, record, match, column in (
        ("REMOVE-USER", t.placement, placement_of(ws), "userId"),
        ("REMOVE-ENROLLMENT", t.enrollment, enrollment_of(ws), "classId"),
    ):
        joined = ws.stage.outerjoin(record, match).outerjoin(t.person, person_of(ws))
        asked = and_(ws.does(action), at_known_school, not_a_twin, not_(names_another(ws)))
        if record is t.enrollment:
            asked = and_(asked, not_(_class_elsewhere(ws)), not_(has_similar(ws, "classId")))
        yield (
            select(*_refusal(ws, "userId", func.coalesce(record.c.owner, t.person.c.owner), "person-owned-by-source"))
            .select_from(joined)
            .where(asked, _not_the_files(record))
        )
        target = literal("placement" if record is t.placement else "enrollment")
        missing = and_(record.c.user_id.is_(None), t.person.c.owner.is_distinct_from(Owner.SOURCE))
        yield (
            select(*row_finding_columns(ws, column, "action-target-unknown", Severity.ROW, target=target))
            .select_from(joined)
            .where(asked, missing)
        )


def _not_the_files(record: Table) -> Condition:
    none_of_source = and_(record.c.user_id.is_(None), t.person.c.owner == Owner.SOURCE)
    return or_(record.c.owner != Owner.FILE, none_of_source)


def _class_elsewhere(ws: Workspace) -> Condition:
    other = t.class_.alias("other_class")
    same = and_(other.c.district == ws.district, other.c.class_id == ws.cell("classId"))
    return exists().where(same, other.c.school_id != ws.cell("schoolId"))


def removals_of_classes(ws: Workspace) -> Iterator[FindingSelect]:
    """`action-target-unknown`, `class-owned-by-source`, `owned-manually`: a class of the file's alone.

    Example: `REMOVE-CLASS,0100,,…,c7` - a student is enrolled in c7: the row, classId.
    """
    joined = ws.stage.outerjoin(t.class_, class_of(ws))
    asked = and_(ws.does("REMOVE-CLASS"), exists().where(school_of(ws)))
    here = t.class_.c.school_id == ws.cell("schoolId")
    target = literal("class")
    yield (
        select(*row_finding_columns(ws, "classId", "action-target-unknown", Severity.ROW, target=target))
        .select_from(joined)
        .where(asked, t.class_.c.class_id.is_(None), not_(has_similar(ws, "classId")))
    )
    yield (
        select(*_refusal(ws, "classId", t.class_.c.owner, "class-owned-by-source"))
        .select_from(joined)
        .where(asked, here, t.class_.c.owner != Owner.FILE)
    )
    enrollment = t.enrollment.c
    others = (
        select(func.max(enrollment.owner))
        .where(
            enrollment.district == ws.district,
            enrollment.class_id == t.class_.c.class_id,
            enrollment.owner != Owner.FILE,
            enrollment.status.in_(LIVE),
        )
        .scalar_subquery()
    )
    yield (
        select(*_refusal(ws, "classId", others, "class-owned-by-source"))
        .select_from(joined)
        .where(
            asked, here, t.class_.c.owner == Owner.FILE, t.class_.c.status == RecordStatus.ACTIVE, others.is_not(None)
        )
    )
