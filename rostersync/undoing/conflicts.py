"""What may not be put back: addresses and IDs that are another's by now, and what would leave something half gone.

Everything that is left may leave more behind (a placement needs its active person, a class is kept by those enrolled
in it), so it is judged until nothing changes. Each round only gives up something that was to be put back.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import ColumnElement, Select, Table, and_, exists, func, not_, or_, select, tuple_, union_all, update

from rostersync.database import tables as t
from rostersync.model import LeftReason
from rostersync.planning.predicates import LIVE
from rostersync.planning.rules.unique_attributes import UNIQUE, Unique
from rostersync.undoing.claim_chains import follow_claims
from rostersync.undoing.workspace import Undoing, unit_with


def settle(u: Undoing) -> None:
    """Leave what cannot be put back; end people who are placed nowhere any more."""
    _settle(u)
    if _end_unplaced(u):
        _settle(u)


def _settle(u: Undoing) -> None:
    while True:
        ids, claims = _ids_taken(u), sum(_claims_taken(u, unique) for unique in UNIQUE)
        dependents = sum(_leave_dependents(u))
        if not ids + claims + dependents:
            return
        if not ids + dependents:
            _follow_claims(u)


def _follow_claims(u: Undoing) -> None:
    """Only values were left: no other rule has anything to say until somebody's status is concerned.

    The round in which it is, is gone on with where it stands, so that all is left in the order of the rules.
    """
    stopped_at = follow_claims(u, {unique: _others(u, unique) for unique in UNIQUE})
    if stopped_at is None:
        return
    _returns_taken(u, stopped_at)
    for unique in UNIQUE[UNIQUE.index(stopped_at) + 1 :]:
        _claims_taken(u, unique)
    sum(_leave_dependents(u))


def _leave_dependents(u: Undoing) -> Iterator[int]:
    """How many were left, rule by rule, because of what they hang on or what hangs on them."""
    yield _people_placed(u)
    yield _people_unplaced(u)
    yield _without_parent(u, "class", "school", "school_id")
    for name, parents in (("placement", ("person", "school")), ("enrollment", ("person", "class"))):
        for parent in parents:
            yield _without_parent(u, name, parent, u.ws.shapes[parent].keys[0])
    yield _placements_in_use(u)
    yield _classes_in_use(u)
    yield _schools_in_use(u)


def _comes_back(u: Undoing, name: str) -> ColumnElement[bool]:
    plan, live = u.ws.plans[name].c, u.ws.shapes[name].live
    return and_(plan.old_status.not_in(live), plan.new_status.in_(live))


def _ends(u: Undoing, name: str) -> ColumnElement[bool]:
    plan, live = u.ws.plans[name].c, u.ws.shapes[name].live
    return and_(plan.old_status.in_(live), plan.new_status.not_in(live))


def _leave_status(u: Undoing, name: str, hit: ColumnElement[bool], reason: LeftReason) -> int:
    return u.leave(name, hit, unit_with(u.ws.shapes[name], "status"), reason)


def _ids_taken(u: Undoing) -> int:
    """Somebody else has the old ID, or is to get it back too."""
    plan, p = u.ws.plans["person"], t.person.alias("holder")
    twin = plan.alias("twin")
    held = exists().where(p.c.district == u.ws.district, p.c.user_id == plan.c.old_user_id)
    wanted = exists().where(twin.c.old_user_id == plan.c.old_user_id, twin.c.user_id < plan.c.user_id)
    hit = and_(plan.c.old_user_id.is_not(None), or_(held, wanted))
    return u.leave("person", hit, ("user_id",), LeftReason.TAKEN)


def _claims_taken(u: Undoing, unique: Unique) -> int:
    """An address or secondary ID that comes back, or whose person does, while another active person has it."""
    plan, attribute = u.ws.plans["person"].c, unique.attribute
    other = and_(_claimed(u, unique), plan[f"new_{attribute}"].is_distinct_from(plan[f"old_{attribute}"]))
    left = u.leave("person", other, unit_with(u.ws.shapes["person"], attribute), LeftReason.TAKEN)
    return left + _returns_taken(u, unique)


def _returns_taken(u: Undoing, unique: Unique) -> int:
    """People who come back with the value that they have, while another active person has it."""
    plan, attribute = u.ws.plans["person"].c, unique.attribute
    same = plan[f"new_{attribute}"].is_not_distinct_from(plan[f"old_{attribute}"])
    again = and_(_claimed(u, unique), same, plan.old_status != "active")
    return _leave_status(u, "person", again, LeftReason.TAKEN)


def _claimed(u: Undoing, unique: Unique) -> ColumnElement[bool]:
    plan = u.ws.plans["person"].c
    return and_(plan.new_status == "active", plan[f"new_{unique.attribute}"].is_not(None), _others(u, unique))


def _others(u: Undoing, unique: Unique) -> ColumnElement[bool]:
    """Another active person will have the value, in the roster as it shall be.

    Sets that are looked up, not a search for every row: a whole district may be undone.
    """
    plan, p = u.ws.plans["person"], t.person.alias("holder")
    value, twin = plan.c[f"new_{unique.attribute}"], plan.alias("twin").c
    same = twin[f"new_{unique.attribute}"]
    several = select(same).where(twin.new_status == "active", same.is_not(None)).group_by(same)
    held = p.c[unique.active]
    known = select(plan.alias("known").c.user_id)
    here = select(held).where(p.c.district == u.ws.district, held.is_not(None), p.c.user_id.not_in(known))
    taken = or_(value.in_(several.having(func.count() > 1)), value.in_(here))
    return or_(taken, value.in_(_elsewhere(plan, unique))) if unique.everywhere else taken


def _elsewhere(plan: Table, unique: Unique) -> Select[tuple[str]]:
    """Of the values that come back those that people of other districts have."""
    wanted = plan.alias("wanted").c
    new, old = wanted[f"new_{unique.attribute}"], wanted[f"old_{unique.attribute}"]
    comes_back = and_(wanted.new_status == "active", or_(new.is_distinct_from(old), wanted.old_status != "active"))
    asked = select(func.array_agg(new)).where(comes_back).scalar_subquery()
    return select(func.roster.taken_elsewhere(asked).column_valued("key"))


def _placed(u: Undoing) -> Select[tuple[str]]:
    """userIds with an active or planned placement, as it shall be."""
    plan, p = u.ws.plans["placement"], t.placement
    people = select(u.ws.plans["person"].c.user_id)
    planned = exists().where(plan.c.user_id == p.c.user_id, plan.c.school_id == p.c.school_id)
    others = select(p.c.user_id).where(
        p.c.district == u.ws.district, p.c.user_id.in_(people), p.c.status.in_(LIVE), not_(planned)
    )
    every = union_all(select(plan.c.user_id).where(plan.c.new_status.in_(LIVE)), others).subquery("placed")
    return select(every.c.user_id)


def _enrolled(u: Undoing) -> Select[tuple[str, str]]:
    """(userId, classId) of active or planned enrollments, as they shall be, of the people and classes concerned."""
    plan, e = u.ws.plans["enrollment"], t.enrollment
    people, classes = (
        select(u.ws.plans[name].c[f"{key}_id"]) for name, key in (("person", "user"), ("class", "class"))
    )
    concerned = or_(e.c.user_id.in_(people), e.c.class_id.in_(classes))
    planned = exists().where(plan.c.user_id == e.c.user_id, plan.c.class_id == e.c.class_id)
    others = select(e.c.user_id, e.c.class_id).where(
        e.c.district == u.ws.district, concerned, e.c.status.in_(LIVE), not_(planned)
    )
    mine = select(plan.c.user_id, plan.c.class_id).where(plan.c.new_status.in_(LIVE))
    every = union_all(mine, others).subquery("enrolled")
    return select(every.c.user_id, every.c.class_id)


def _people_placed(u: Undoing) -> int:
    plan = u.ws.plans["person"].c
    return _leave_status(u, "person", and_(_ends(u, "person"), plan.user_id.in_(_placed(u))), LeftReason.IN_USE)


def _people_unplaced(u: Undoing) -> int:
    plan = u.ws.plans["person"].c
    nowhere = and_(_comes_back(u, "person"), plan.user_id.not_in(_placed(u)))
    return _leave_status(u, "person", nowhere, LeftReason.INACTIVE)


def _without_parent(u: Undoing, name: str, parent: str, key: str) -> int:
    """What comes back needs an active person, class or school."""
    plan, over = u.ws.plans[name].c, u.ws.plans[parent].c
    mine = plan[key] if key in plan else plan[f"new_{key}"]
    gone = select(over[key]).where(over.new_status != "active")
    return _leave_status(u, name, and_(_comes_back(u, name), mine.in_(gone)), LeftReason.INACTIVE)


def _placements_in_use(u: Undoing) -> int:
    """Who teaches a class of the school stays placed there."""
    plan, c = u.ws.plans["placement"].c, t.class_.c
    enrolled = _enrolled(u).subquery("teaching")
    there = select(enrolled.c.user_id, c.school_id).where(
        c.district == u.ws.district, c.class_id == enrolled.c.class_id
    )
    used = tuple_(plan.user_id, plan.school_id).in_(there)
    return _leave_status(u, "placement", and_(_ends(u, "placement"), used), LeftReason.IN_USE)


def _classes_in_use(u: Undoing) -> int:
    enrolled = _enrolled(u).subquery("taught")
    used = u.ws.plans["class"].c.class_id.in_(select(enrolled.c.class_id))
    return _leave_status(u, "class", and_(_ends(u, "class"), used), LeftReason.IN_USE)


def _schools_in_use(u: Undoing) -> int:
    """A school that an attempt created stays while somebody is placed there, or a class is there."""
    plan, placement, p = u.ws.plans["school"].c, u.ws.plans["placement"].c, t.placement.c
    class_, c = u.ws.plans["class"].c, t.class_.c
    planned = exists().where(placement.user_id == p.user_id, placement.school_id == p.school_id)
    others = select(p.school_id).where(p.district == u.ws.district, p.status.in_(LIVE), not_(planned))
    known = exists().where(class_.class_id == c.class_id)
    uses = union_all(
        select(placement.school_id).where(placement.new_status.in_(LIVE)),
        others,
        select(class_.new_school_id).where(class_.new_status == "active"),
        select(c.school_id).where(c.district == u.ws.district, c.status == "active", not_(known)),
    ).subquery("uses")
    used = plan.school_id.in_(select(uses.c[0]))
    return _leave_status(u, "school", and_(_ends(u, "school"), used), LeftReason.IN_USE)


def _end_unplaced(u: Undoing) -> int:
    """The file's people whose last placement ends are deactivated, as everywhere. How many they are."""
    plan = u.ws.plans["person"]
    ended = select(u.ws.plans["placement"].c.user_id).where(_ends(u, "placement"))
    hit = and_(
        plan.c.owner == "file",
        plan.c.new_status == "active",
        plan.c.user_id.in_(ended),
        plan.c.user_id.not_in(_placed(u)),
    )
    return u.conn.execute(update(plan).values(new_status="inactive").where(hit)).rowcount
