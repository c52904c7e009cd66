"""What an undo comes to: in numbers, and what it leaves, record by record, with who has changed the record since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, and_, func, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on

from rostersync.database import tables as t
from rostersync.model import Left, LeftReason
from rostersync.undoing.workspace import Undoing


def count_records(u: Undoing) -> Mapping[str, Mapping[str, int]]:
    """entity → restored, deactivated, left → records; one that is put back in part counts as restored and as left."""
    left = u.left.c
    keys = select(left.entity, left.k1, left.k2).distinct().subquery()
    rows = u.conn.execute(select(keys.c.entity, func.count().label("records")).group_by(keys.c.entity))
    alone = {row.entity: row.records for row in rows}
    return {name: _counted(u, name) | {"left": alone.get(name, 0)} for name in u.ws.shapes}


def _counted(u: Undoing, name: str) -> dict[str, int]:
    action = u.ws.plans[name].c.action
    restored, deactivated = (func.count().filter(action == word) for word in ("updated", "removed"))
    row = u.conn.execute(select(restored.label("restored"), deactivated.label("deactivated"))).one()
    return {"restored": row.restored, "deactivated": row.deactivated}


def list_left(u: Undoing) -> tuple[Left, ...]:
    """By entity and key."""
    left, later = u.left.c, _changed_later(u).subquery("later")
    same = and_(left.entity == later.c.entity, left.k1 == later.c.k1, func.coalesce(left.k2, "") == later.c.k2)
    rows = select(u.left, later.c.delivery, later.c.actor, later.c.at).outerjoin(later, same)
    return tuple(
        Left(
            entity=row.entity,
            key=(row.k1,) if row.k2 is None else (row.k1, row.k2),
            field=row.field,
            reason=LeftReason(row.reason),
            since_delivery=row.delivery,
            since_actor=row.actor,
            since_at=row.at,
        )
        for row in u.conn.execute(rows.order_by(left.entity, left.k1, left.k2, left.field))
    )


def _changed_later(u: Undoing) -> Select[*tuple[Any, ...]]:
    """The last change of each left record after the attempts' own."""
    c, left = t.change.c, u.left.c
    newest = select(func.max(u.traced.c.change)).scalar_subquery()
    first, second = c.key[1], func.coalesce(c.key[2], "")
    noted = select(left.entity, left.k1, func.coalesce(left.k2, ""))
    return (
        select(c.entity, first.label("k1"), second.label("k2"), c.delivery, c.actor, c.at)
        .ext(distinct_on(c.entity, first, second))
        .where(c.district == u.ws.district, c.id > newest, tuple_(c.entity, first, second).in_(noted))
        .order_by(c.entity, first, second, c.id.desc())
    )
