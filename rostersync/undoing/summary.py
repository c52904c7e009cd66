"""What an undo comes to: in numbers, and what it leaves, record by record, with who has changed the record since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, and_, func, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on

from rostersync.database import tables as t
from rostersync.model import NotRestored, NotRestoredReason
from rostersync.undoing.workspace import UndoWorkspace


def count_records(undo: UndoWorkspace) -> Mapping[str, Mapping[str, int]]:
    """entity → restored, deactivated, left → records; one that is put back in part counts as restored and as left."""
    left = undo.left.c
    keys = select(left.entity, left.k1, left.k2).distinct().subquery()
    rows = undo.conn.execute(select(keys.c.entity, func.count().label("records")).group_by(keys.c.entity))
    alone = {row.entity: row.records for row in rows}
    return {name: _counted(undo, name) | {"left": alone.get(name, 0)} for name in undo.ws.shapes}


def _counted(undo: UndoWorkspace, name: str) -> dict[str, int]:
    action = undo.ws.plans[name].c.action
    restored, deactivated = (func.count().filter(action == word) for word in ("updated", "removed"))
    row = undo.conn.execute(select(restored.label("restored"), deactivated.label("deactivated"))).one()
    return {"restored": row.restored, "deactivated": row.deactivated}


def list_left(undo: UndoWorkspace) -> tuple[NotRestored, ...]:
    """By entity and key."""
    left, later = undo.left.c, _changed_later(undo).subquery("later")
    same = and_(left.entity == later.c.entity, left.k1 == later.c.k1, func.coalesce(left.k2, "") == later.c.k2)
    rows = select(undo.left, later.c.delivery, later.c.actor, later.c.at).outerjoin(later, same)
    return tuple(
        NotRestored(
            entity=row.entity,
            key=(row.k1,) if row.k2 is None else (row.k1, row.k2),
            field=row.field,
            reason=NotRestoredReason(row.reason),
            since_delivery=row.delivery,
            since_actor=row.actor,
            since_at=row.at,
        )
        for row in undo.conn.execute(rows.order_by(left.entity, left.k1, left.k2, left.field))
    )


def _changed_later(undo: UndoWorkspace) -> Select[*tuple[Any, ...]]:
    """The last change of each left record after the attempts' own."""
    logged, left = t.change.c, undo.left.c
    newest = select(func.max(undo.traced.c.change)).scalar_subquery()
    first, second = logged.key[1], func.coalesce(logged.key[2], "")
    noted = select(left.entity, left.k1, func.coalesce(left.k2, ""))
    return (
        select(logged.entity, first.label("k1"), second.label("k2"), logged.delivery, logged.actor, logged.at)
        .ext(distinct_on(logged.entity, first, second))
        .where(logged.district == undo.ws.district, logged.id > newest, tuple_(logged.entity, first, second).in_(noted))
        .order_by(logged.entity, first, second, logged.id.desc())
    )
