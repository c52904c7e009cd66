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
    logged = change.c
    old = logged.before["user_id"].astext
    wanted = select(logged.id, old.label("old"), logged.key[1].label("new"))
    wanted = wanted.where(logged.district == code, logged.entity == "person", old != logged.key[1]).order_by(logged.id)
    if of_delivery is not None:
        first = conn.scalar(select(func.min(logged.id)).where(logged.delivery == of_delivery))
        wanted = wanted.where(logged.id >= (first or 0))
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
class IdPeriod:
    """An ID while one person had it: from this change of the log, up to another."""

    id: str
    since: int = 0
    until: int | None = None


def id_periods(known: Sequence[Correction], id_: str) -> list[list[IdPeriod]]:
    """Everybody who ever had this ID, each with all the IDs they had, oldest first."""
    open_: dict[str, list[IdPeriod]] = {}
    free_since: dict[str, int] = {}
    every: list[list[IdPeriod]] = []
    for known_id in known:
        life = open_.pop(known_id.old, None) or [IdPeriod(id=known_id.old, since=free_since.get(known_id.old, 0))]
        life[-1] = replace(life[-1], until=known_id.change)
        life.append(IdPeriod(id=known_id.new, since=known_id.change))
        every = [other for other in every if other is not life] + [life]
        open_[known_id.new], free_since[known_id.old] = life, known_id.change
    found = [life for life in every if any(stretch.id == id_ for stretch in life)]
    if id_ not in open_:
        found.append([IdPeriod(id=id_, since=free_since.get(id_, 0))])
    return found


def changes_of_person(conn: Connection, code: str, life: Sequence[IdPeriod]) -> list[Logged]:
    """What has happened to a person and their placements and enrollments, under whatever ID, oldest first."""
    logged = change.c
    under = [
        and_(
            logged.key[1] == period.id,
            logged.id >= period.since,
            true() if period.until is None else logged.id < period.until,
        )
        for period in life
    ]
    return _logged(conn, code, and_(logged.entity.in_(("person", "placement", "enrollment")), or_(false(), *under)))


def changes_of_class(conn: Connection, code: str, class_id: str) -> list[Logged]:
    """What has happened to a class and its enrollments, oldest first."""
    logged = change.c
    own = and_(logged.entity == "class", logged.key[1] == class_id)
    return _logged(conn, code, or_(own, and_(logged.entity == "enrollment", logged.key[2] == class_id)))


def changes_of_school(conn: Connection, code: str, school_id: str) -> list[Logged]:
    """What has happened to a school itself, oldest first."""
    return _logged(conn, code, and_(change.c.entity == "school", change.c.key[1] == school_id))


def _logged(conn: Connection, code: str, condition: ColumnElement[bool]) -> list[Logged]:
    logged = change.c
    why = select(undo.c.reason).where(
        undo.c.delivery == logged.delivery, undo.c.attempt == logged.attempt, logged.action == "undone"
    )
    columns = (
        logged.id,
        logged.entity,
        logged.key,
        logged.action,
        logged.before,
        logged.after,
        logged.delivery,
        logged.attempt,
        logged.line,
        logged.actor,
        logged.at,
    )
    wanted = select(*columns, why.scalar_subquery().label("reason")).where(logged.district == code, condition)
    return [
        Logged(**(dict(row) | {"key": tuple(row["key"])}))
        for row in conn.execute(wanted.order_by(logged.id)).mappings()
    ]


def records_named(conn: Connection, code: str, id_: str) -> list[str]:
    """Which of person, class and school the roster has under this ID now."""
    tables = {"person": person.c.user_id, "class": class_.c.class_id, "school": school.c.school_id}
    found = {
        name: conn.scalar(select(exists().where(key == id_, key.table.c.district == code)))
        for name, key in tables.items()
    }
    return [name for name, there in found.items() if there]
