"""The change log read back: which IDs were corrected, and what has happened to a record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, false, func, or_, select, true

from rostersync.database.tables import change, class_, person, school, undo
from rostersync.model import Correction


def corrections(conn: Connection, code: str, *, of_delivery: str | None = None) -> list[Correction]:
    """Every userId of the district that was corrected, in order; with a delivery: since its first change."""
    c = change.c
    old = c.before["user_id"].astext
    wanted = select(c.id, old.label("old"), c.key[1].label("new"))
    wanted = wanted.where(c.district == code, c.entity == "person", old != c.key[1]).order_by(c.id)
    if of_delivery is not None:
        first = conn.scalar(select(func.min(c.id)).where(c.delivery == of_delivery))
        wanted = wanted.where(c.id >= (first or 0))
    return [Correction(change=row.id, old=row.old, new=row.new) for row in conn.execute(wanted)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """A change as the log has it. `reason`: of an undo. Images are personal data."""

    id: int
    entity: str
    key: tuple[str, ...]
    action: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    delivery: str | None
    attempt: int | None
    line: int | None
    actor: str
    at: datetime
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """An ID while one person had it: from this change of the log, up to another."""

    id: str
    since: int = 0
    until: int | None = None


def lives(known: Sequence[Correction], id_: str) -> list[list[Stretch]]:
    """Everybody who ever had this ID, each with all the IDs they had, oldest first."""
    open_: dict[str, list[Stretch]] = {}
    free_since: dict[str, int] = {}
    every: list[list[Stretch]] = []
    for each in known:
        life = open_.pop(each.old, None) or [Stretch(id=each.old, since=free_since.get(each.old, 0))]
        life[-1] = replace(life[-1], until=each.change)
        life.append(Stretch(id=each.new, since=each.change))
        every = [other for other in every if other is not life] + [life]
        open_[each.new], free_since[each.old] = life, each.change
    found = [life for life in every if any(stretch.id == id_ for stretch in life)]
    if id_ not in open_:
        found.append([Stretch(id=id_, since=free_since.get(id_, 0))])
    return found


def changes_of_person(conn: Connection, code: str, life: Sequence[Stretch]) -> list[Logged]:
    """What has happened to a person and their placements and enrollments, under whatever ID, oldest first."""
    c = change.c
    under = [
        and_(c.key[1] == each.id, c.id >= each.since, true() if each.until is None else c.id < each.until)
        for each in life
    ]
    return _logged(conn, code, and_(c.entity.in_(("person", "placement", "enrollment")), or_(false(), *under)))


def changes_of_class(conn: Connection, code: str, class_id: str) -> list[Logged]:
    """What has happened to a class and its enrollments, oldest first."""
    c = change.c
    own = and_(c.entity == "class", c.key[1] == class_id)
    return _logged(conn, code, or_(own, and_(c.entity == "enrollment", c.key[2] == class_id)))


def changes_of_school(conn: Connection, code: str, school_id: str) -> list[Logged]:
    """What has happened to a school itself, oldest first."""
    return _logged(conn, code, and_(change.c.entity == "school", change.c.key[1] == school_id))


def _logged(conn: Connection, code: str, condition: ColumnElement[bool]) -> list[Logged]:
    c = change.c
    why = select(undo.c.reason).where(undo.c.delivery == c.delivery, undo.c.attempt == c.attempt, c.action == "undone")
    columns = (c.id, c.entity, c.key, c.action, c.before, c.after, c.delivery, c.attempt, c.line, c.actor, c.at)
    wanted = select(*columns, why.scalar_subquery().label("reason")).where(c.district == code, condition)
    return [
        Logged(**(dict(row) | {"key": tuple(row["key"])})) for row in conn.execute(wanted.order_by(c.id)).mappings()
    ]


def records_named(conn: Connection, code: str, id_: str) -> list[str]:
    """Which of person, class and school the roster has under this ID now."""
    tables = {"person": person.c.user_id, "class": class_.c.class_id, "school": school.c.school_id}
    found = {
        name: conn.scalar(select(exists().where(key == id_, key.table.c.district == code)))
        for name, key in tables.items()
    }
    return [name for name, there in found.items() if there]
