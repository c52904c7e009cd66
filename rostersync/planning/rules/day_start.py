"""How many active file-owned records there were before the attempts of a day, district and schools.

Removals of several files are judged together: against those who were active when the day began, not against a number
that shrinks, or grows, with every file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, Text, and_, cast, func, literal, null, select, tuple_, union_all
from sqlalchemy.dialects.postgresql import distinct_on

from rostersync.database import tables as t
from rostersync.model import AppliedAttempt, Owner
from rostersync.planning.rules.endings import NAMES, PEOPLE, Where, school_of_record
from rostersync.planning.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class DayChange:
    """Of the records whose status the attempts changed: how many were active before, and are (not) active now."""

    were: int = 0
    are: int = 0
    are_not: int = 0

    def active_before(self, now: int) -> int:
        """From the number that is active now; where there was nobody before, everybody who was active since."""
        return now - self.are + self.were or now + self.are_not


def count_day_changes(ws: Workspace, together: Sequence[AppliedAttempt]) -> Mapping[Where, DayChange]:
    """What those attempts, approved or not, did to the number of active records."""
    if not together:
        return {}
    touched = union_all(*(_touched(ws, name, together) for name in NAMES)).cte("touched")
    numbers = (
        func.count().filter(touched.c.was),
        func.count().filter(touched.c.now),
        func.count().filter(touched.c.now.is_(False)),
    )
    at_schools = select(touched.c.entity, touched.c.school, *numbers).group_by(touched.c.entity, touched.c.school)
    in_district = select(touched.c.entity, cast(null(), Text), *numbers).where(touched.c.entity != PEOPLE)
    rows = ws.conn.execute(union_all(at_schools, in_district.group_by(touched.c.entity)))
    return {(row[0], row[1]): DayChange(were=row[2], are=row[3], are_not=row[4]) for row in rows}


def _touched(ws: Workspace, name: str, together: Sequence[AppliedAttempt]) -> Select[*tuple[Any, ...]]:
    """Each record whose status they changed, as it was before the first of these changes and as it is now."""
    change, shape = t.change.c, ws.shapes[name]
    before, after = change.before["status"].astext, change.after["status"].astext
    mine = tuple_(change.delivery, change.attempt).in_([(one.delivery, one.number) for one in together])
    first = (
        select(change.key, before.label("status"))
        .where(change.district == ws.district, change.entity == name, mine)
        .where(before.is_distinct_from(after))
        .ext(distinct_on(change.key))
        .order_by(change.key, change.id)
        .subquery(f"first_{name}")
    )
    record = shape.table.c
    school, joined = school_of_record(ws, shape, first, first.c.key)
    return select(
        literal(NAMES[name]).label("entity"),
        (cast(null(), Text) if school is None else school).label("school"),
        func.coalesce(first.c.status.in_(shape.live), False).label("was"),
        func.coalesce(and_(record.owner == Owner.FILE, record.status.in_(shape.live)), False).label("now"),
    ).select_from(joined)
