"""How many active file-owned records there are: what mass changes are compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table, and_, func, literal, select, union_all

from rostersync.database import tables as t
from rostersync.database.conditions import Condition
from rostersync.model import Owner
from rostersync.planning.predicates import LIVE
from rostersync.planning.rules.endings import CLASSES, ENROLLMENTS, PEOPLE
from rostersync.planning.workspace import Workspace

_TABLES = {PEOPLE: t.person, CLASSES: t.class_, ENROLLMENTS: t.enrollment}


def count_active(ws: Workspace, up_to: Mapping[str, int | None]) -> Mapping[str, int]:
    """entity → active file-owned records of the district, counted no further than `up_to` says (None: all)."""
    counts: dict[str, Any] = {}
    for entity, most in up_to.items():
        some = select(literal(1)).where(_is_active(ws, _TABLES[entity])).limit(most).subquery()
        counts[entity] = select(func.count()).select_from(some).scalar_subquery()
    return dict(zip(counts, ws.conn.execute(select(*counts.values())).one(), strict=True))


def _is_active(ws: Workspace, record: Table) -> Condition:
    return and_(record.c.district == ws.district, record.c.owner == Owner.FILE, record.c.status.in_(LIVE))


def count_active_at(ws: Workspace, schools: Sequence[str]) -> Mapping[tuple[str, str], int]:
    """(entity, school) → active file-owned records there."""
    placement, class_, enrollment = t.placement, t.class_, t.enrollment
    taught = enrollment.join(
        class_, and_(class_.c.district == enrollment.c.district, class_.c.class_id == enrollment.c.class_id)
    )
    parts = [
        select(literal(name).label("entity"), school, func.count().label("number"))
        .select_from(source)
        .where(_is_active(ws, record), school.in_(schools))
        .group_by(school)
        for name, record, source, school in (
            (PEOPLE, placement, placement, placement.c.school_id),
            (CLASSES, class_, class_, class_.c.school_id),
            (ENROLLMENTS, enrollment, taught, class_.c.school_id),
        )
    ]
    return {(row[0], row[1]): row[2] for row in ws.conn.execute(union_all(*parts))}
