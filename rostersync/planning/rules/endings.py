"""How many active file-owned records end by a plan, and by the attempts that count together with it.

A record ends when the plan removes it; a date that a file sets or brings forward to one of the next days ends it as
well, and a placement takes the person's enrollments at its school with it. Several files of one day must not do
together what one of them may not do alone: what earlier attempts ended counts again, each record once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Date,
    FromClause,
    Select,
    Text,
    and_,
    case,
    cast,
    distinct,
    exists,
    false,
    func,
    literal,
    null,
    or_,
    select,
    true,
    tuple_,
    union_all,
)

from rostersync.database import tables as t
from rostersync.database.conditions import Condition
from rostersync.model import AppliedAttempt, Owner, RecordStatus
from rostersync.planning.predicates import LIVE, known_as
from rostersync.planning.workspace import EntityShape, Workspace

PEOPLE, CLASSES, ENROLLMENTS = "people", "classes", "enrollments"
NAMES = {"person": PEOPLE, "placement": PEOPLE, "class": CLASSES, "enrollment": ENROLLMENTS}
"""Entities that can end, as the mail names them. At a school, staff are its placements."""

Where = tuple[str, str | None]
"""The name of an entity and a school, or None for the whole district."""
Ended = Select[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endings:
    """Distinct records that end: `at_once`; `in_all` with those made to end soon; `by_plan`: some by this plan."""

    at_once: int
    in_all: int
    by_plan: bool


def count_endings(ws: Workspace, together: Sequence[AppliedAttempt], within_days: int) -> Mapping[Where, Endings]:
    """What ends by the plan, and ended by the attempts of `together` that nobody approved, district and schools."""
    last_day = ws.context.today + timedelta(days=within_days)
    counted = [attempt for attempt in together if not attempt.approved]
    ended = union_all(*_removed(ws), *_removed_before(ws, counted), *_ending_soon(ws, counted, last_day)).cte("ended")
    record = distinct(tuple_(ended.c.first_key, ended.c.second_key))
    numbers = (
        func.count(record).filter(ended.c.soon.is_(False)),
        func.count(record),
        func.bool_or(ended.c.by_plan),
    )
    at_schools = select(ended.c.entity, ended.c.school, *numbers).group_by(ended.c.entity, ended.c.school)
    in_district = select(ended.c.entity, cast(null(), Text), *numbers).where(ended.c.entity != PEOPLE)
    rows = ws.conn.execute(union_all(at_schools, in_district.group_by(ended.c.entity)))
    return {(row[0], row[1]): Endings(at_once=row[2], in_all=row[3], by_plan=row[4]) for row in rows}


def _ended(entity: str, school: Any, *keys: Any, soon: bool = False, by_plan: Any = None) -> Ended:
    """One row for a record that ends, by the plan unless said otherwise; `school` None: a person of the district."""
    first_key, second_key = (*keys, literal("", Text))[:2]
    return select(
        literal(NAMES[entity]).label("entity"),
        (cast(null(), Text) if school is None else school).label("school"),
        first_key.label("first_key"),
        second_key.label("second_key"),
        literal(soon).label("soon"),
        (true() if by_plan is None else by_plan).label("by_plan"),
    )


def _removed(ws: Workspace) -> Iterator[Ended]:
    """What the plan removes."""
    person, placement, class_, enrollment = (ws.plans[name].c for name in NAMES)
    yield _ended("person", None, person.user_id).where(person.action == "removed")
    yield _ended("placement", placement.school_id, placement.user_id).where(placement.action == "removed")
    yield _ended("class", class_.old_school_id, class_.class_id).where(class_.action == "removed")
    yield _ended("enrollment", enrollment.school_id, enrollment.user_id, enrollment.class_id).where(
        enrollment.action == "removed"
    )


def _removed_before(ws: Workspace, counted: Sequence[AppliedAttempt]) -> Iterator[Ended]:
    """What those attempts removed and is not active again, nor will be by the plan."""
    change = t.change.c
    for name in NAMES if counted else ():
        shape, plan = ws.shapes[name], ws.plans[name].c
        keys = {key: change.key[number] for number, key in enumerate(shape.keys, 1)}
        school, joined = school_of_record(ws, shape, t.change, change.key)
        joined = joined.outerjoin(ws.plans[name], and_(*(plan[key] == value for key, value in keys.items())))
        status = func.coalesce(plan.new_status, shape.table.c.status, literal(RecordStatus.ENDED))
        over = and_(change.action == "removed", status.not_in(shape.live))
        record = (change.key[1], change.key[2]) if name == "enrollment" else (change.key[1],)
        row = _ended(name, school, *record, by_plan=false())
        yield row.select_from(joined).where(_logged(ws, counted, name), over)


def school_of_record(
    ws: Workspace, shape: EntityShape, logged: FromClause, key: Any
) -> tuple[ColumnElement[Any] | None, FromClause]:
    """Changed records (`key`: as the change log has it) joined with those of the roster, and the school they are at."""
    record = shape.table
    same = and_(record.c.district == ws.district, *(record.c[name] == key[n] for n, name in enumerate(shape.keys, 1)))
    joined = logged.outerjoin(record, same)
    if shape.name != "enrollment":
        return {"placement": key[2], "class": record.c.get("school_id")}.get(shape.name), joined
    class_ = t.class_.alias("class_of_record")
    return class_.c.school_id, joined.join(class_, _is(ws, class_, class_id=key[2]))


def _is(ws: Workspace, record: Any, **keys: ColumnElement[Any]) -> Condition:
    return and_(record.c.district == ws.district, *(record.c[name] == value for name, value in keys.items()))


def _logged(ws: Workspace, attempts: Sequence[AppliedAttempt], entity: str) -> Condition:
    """Changes of this entity by one of these attempts."""
    change = t.change.c
    mine = tuple_(change.delivery, change.attempt).in_([(one.delivery, one.number) for one in attempts])
    return and_(change.district == ws.district, change.entity == entity, mine)


def _ending_soon(ws: Workspace, counted: Sequence[AppliedAttempt], last_day: date) -> Iterator[Ended]:
    """What files make end until the last day: placements, people left without one, and enrollments."""
    placed = union_all(*_made_to_end(ws, "placement", counted, last_day)).cte("placement_soon")
    taught = union_all(*_made_to_end(ws, "enrollment", counted, last_day)).cte("enrollment_soon")
    yield _ended("placement", placed.c.other, placed.c.user_id, soon=True, by_plan=placed.c.by_plan)
    yield _people_left(ws, placed, last_day)
    class_, enrollment = t.class_.alias("class_soon"), t.enrollment.alias("enrollment_with")
    row = _ended(
        "enrollment", class_.c.school_id, taught.c.user_id, taught.c.other, soon=True, by_plan=taught.c.by_plan
    )
    yield row.select_from(taught.join(class_, _is(ws, class_, class_id=taught.c.other)))
    at_school = placed.join(class_, _is(ws, class_, school_id=placed.c.other)).join(
        enrollment, _is(ws, enrollment, user_id=placed.c.user_id, class_id=class_.c.class_id)
    )
    mine = and_(enrollment.c.owner == Owner.FILE, enrollment.c.status.in_(LIVE))
    later = or_(enrollment.c.end_date.is_(None), enrollment.c.end_date > placed.c.end_date)
    row = _ended(
        "enrollment", class_.c.school_id, placed.c.user_id, class_.c.class_id, soon=True, by_plan=placed.c.by_plan
    )
    yield row.select_from(at_school).where(mine, later)


def _made_to_end(
    ws: Workspace, entity: str, counted: Sequence[AppliedAttempt], last_day: date
) -> Iterator[Select[*tuple[Any, ...]]]:
    """Active assignments whose last day a file sets, or brings forward, to a day until then.

    `user_id` is the person's ID in the roster, `other` the school or the class.
    """
    plan, shape = ws.plans[entity].c, ws.shapes[entity]
    other, until = shape.keys[1], literal(last_day)
    active = and_(plan.owner == Owner.FILE, plan.old_status.in_(LIVE), plan.new_status.in_(LIVE))
    sooner = or_(plan.old_end_date.is_(None), plan.new_end_date < plan.old_end_date)
    user_id = known_as(ws.correction, plan.user_id)
    joined = ws.plans[entity].outerjoin(ws.correction, ws.correction.c.user_id == plan.user_id)
    columns = (user_id.label("user_id"), plan[other].label("other"), plan.new_end_date.label("end_date"))
    yield (
        select(*columns, true().label("by_plan")).select_from(joined).where(active, sooner, plan.new_end_date <= until)
    )
    if counted:
        yield _made_to_end_before(ws, entity, counted, until)


def _made_to_end_before(
    ws: Workspace, entity: str, counted: Sequence[AppliedAttempt], until: ColumnElement[Any]
) -> Select[*tuple[Any, ...]]:
    """The same by earlier attempts, as far as the plan leaves it so."""
    change, shape = t.change.c, ws.shapes[entity]
    record, plan, other = shape.table, ws.plans[entity], shape.keys[1]
    keys = {"user_id": change.key[1], other: change.key[2]}
    before, after = (cast(image["end_date"].astext, Date) for image in (change.before, change.after))
    sooner = and_(change.before["status"].astext.in_(LIVE), or_(before.is_(None), after < before), after <= until)
    planned = plan.c.user_id.is_not(None)
    end = case((planned, plan.c.new_end_date), else_=record.c.end_date)
    status = case((planned, plan.c.new_status), else_=record.c.status)
    joined = t.change.join(record, _is(ws, record, **keys))
    joined = joined.outerjoin(plan, and_(*(plan.c[name] == value for name, value in keys.items())))
    still = and_(record.c.owner == Owner.FILE, status.in_(LIVE), end <= until)
    columns = (change.key[1], change.key[2], end, false())
    return select(*columns).select_from(joined).where(_logged(ws, counted, entity), sooner, still)


def _people_left(ws: Workspace, placed: CTE, last_day: date) -> Ended:
    """Active people whose every placement will be over by then."""
    plan, person, other = ws.plans["placement"], t.person.alias("person_soon"), t.placement.alias("other_placement")
    until = literal(last_day)
    joined = plan.outerjoin(ws.correction, ws.correction.c.user_id == plan.c.user_id)
    columns = (plan.c.school_id, plan.c.new_status.label("status"), plan.c.new_end_date.label("end_date"))
    user_id = known_as(ws.correction, plan.c.user_id).label("user_id")
    planned = select(user_id, *columns).select_from(joined).cte("planned_placement")

    def stays(assigned: Any) -> Condition:
        longer = or_(assigned.c.end_date.is_(None), assigned.c.end_date > until)
        return and_(assigned.c.user_id == person.c.user_id, assigned.c.status.in_(LIVE), longer)

    also = planned.alias("also_planned")
    unplanned = ~exists().where(also.c.user_id == other.c.user_id, also.c.school_id == other.c.school_id)
    row = _ended("person", None, person.c.user_id, soon=True, by_plan=placed.c.by_plan)
    return row.select_from(placed.join(person, _is(ws, person, user_id=placed.c.user_id))).where(
        person.c.owner == Owner.FILE,
        person.c.status == RecordStatus.ACTIVE,
        ~exists().where(stays(planned)),
        ~exists().where(other.c.district == ws.district, stays(other), unplanned),
    )
