"""What may not be put back: addresses and IDs that are another's by now, and what would leave something half gone.

Everything that is left may leave more behind (a placement needs its active person, a class is kept by those enrolled
in it), so it is judged until nothing changes. Each round only gives up something that was to be put back.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import ColumnElement, Select, Table, and_, exists, func, not_, or_, select, tuple_, union_all, update

from rostersync.database import tables as t
from rostersync.database.conditions import Condition
from rostersync.model import NotRestoredReason, Owner, RecordStatus
from rostersync.planning.predicates import LIVE
from rostersync.planning.rules.unique_attributes import UNIQUE, Unique
from rostersync.undoing.claim_chains import follow_claims
from rostersync.undoing.workspace import UndoWorkspace, unit_with


def resolve_conflicts(undo: UndoWorkspace) -> None:
    """Leave what cannot be put back; end people who are placed nowhere any more."""
    _resolve_conflicts(undo)
    if _end_unplaced(undo):
        _resolve_conflicts(undo)


def _resolve_conflicts(undo: UndoWorkspace) -> None:
    while True:
        ids, claims = _ids_taken(undo), sum(_claims_taken(undo, unique) for unique in UNIQUE)
        dependents = sum(_leave_dependents(undo))
        if not ids + claims + dependents:
            return
        if not ids + dependents:
            _follow_claims(undo)


def _follow_claims(undo: UndoWorkspace) -> None:
    """Only values were left: no other rule has anything to say until somebody's status is concerned.

    The round in which it is, is gone on with where it stands, so that all is left in the order of the rules.
    """
    stopped_at = follow_claims(undo, {unique: _others(undo, unique) for unique in UNIQUE})
    if stopped_at is None:
        return
    _returns_taken(undo, stopped_at)
    for unique in UNIQUE[UNIQUE.index(stopped_at) + 1 :]:
        _claims_taken(undo, unique)
    sum(_leave_dependents(undo))


def _leave_dependents(undo: UndoWorkspace) -> Iterator[int]:
    """How many were left, rule by rule, because of what they hang on or what hangs on them."""
    yield _people_placed(undo)
    yield _people_unplaced(undo)
    yield _without_parent(undo, "class", "school", "school_id")
    for name, parents in (("placement", ("person", "school")), ("enrollment", ("person", "class"))):
        for parent in parents:
            yield _without_parent(undo, name, parent, undo.ws.shapes[parent].keys[0])
    yield _placements_in_use(undo)
    yield _classes_in_use(undo)
    yield _schools_in_use(undo)


def _comes_back(undo: UndoWorkspace, name: str) -> Condition:
    plan, live = undo.ws.plans[name].c, undo.ws.shapes[name].live
    return and_(plan.old_status.not_in(live), plan.new_status.in_(live))


def _ends(undo: UndoWorkspace, name: str) -> Condition:
    plan, live = undo.ws.plans[name].c, undo.ws.shapes[name].live
    return and_(plan.old_status.in_(live), plan.new_status.not_in(live))


def _leave_status(undo: UndoWorkspace, name: str, hit: ColumnElement[bool], reason: NotRestoredReason) -> int:
    return undo.leave(name, hit, unit_with(undo.ws.shapes[name], "status"), reason)


def _ids_taken(undo: UndoWorkspace) -> int:
    """Somebody else has the old ID, or is to get it back too."""
    plan, holder = undo.ws.plans["person"], t.person.alias("holder")
    twin = plan.alias("twin")
    held = exists().where(holder.c.district == undo.ws.district, holder.c.user_id == plan.c.old_user_id)
    wanted = exists().where(twin.c.old_user_id == plan.c.old_user_id, twin.c.user_id < plan.c.user_id)
    hit = and_(plan.c.old_user_id.is_not(None), or_(held, wanted))
    return undo.leave("person", hit, ("user_id",), NotRestoredReason.TAKEN)


def _claims_taken(undo: UndoWorkspace, unique: Unique) -> int:
    """An address or secondary ID that comes back, or whose person does, while another active person has it."""
    plan, attribute = undo.ws.plans["person"].c, unique.attribute
    other = and_(_claimed(undo, unique), plan[f"new_{attribute}"].is_distinct_from(plan[f"old_{attribute}"]))
    left = undo.leave("person", other, unit_with(undo.ws.shapes["person"], attribute), NotRestoredReason.TAKEN)
    return left + _returns_taken(undo, unique)


def _returns_taken(undo: UndoWorkspace, unique: Unique) -> int:
    """People who come back with the value that they have, while another active person has it."""
    plan, attribute = undo.ws.plans["person"].c, unique.attribute
    same = plan[f"new_{attribute}"].is_not_distinct_from(plan[f"old_{attribute}"])
    again = and_(_claimed(undo, unique), same, plan.old_status != RecordStatus.ACTIVE)
    return _leave_status(undo, "person", again, NotRestoredReason.TAKEN)


def _claimed(undo: UndoWorkspace, unique: Unique) -> Condition:
    plan = undo.ws.plans["person"].c
    return and_(
        plan.new_status == RecordStatus.ACTIVE, plan[f"new_{unique.attribute}"].is_not(None), _others(undo, unique)
    )


def _others(undo: UndoWorkspace, unique: Unique) -> Condition:
    """Another active person will have the value, in the roster as it shall be.

    Sets that are looked up, not a search for every row: a whole district may be undone.
    """
    plan, holder = undo.ws.plans["person"], t.person.alias("holder")
    value, twin = plan.c[f"new_{unique.attribute}"], plan.alias("twin").c
    same = twin[f"new_{unique.attribute}"]
    several = select(same).where(twin.new_status == RecordStatus.ACTIVE, same.is_not(None)).group_by(same)
    held = holder.c[unique.active]
    known = select(plan.alias("known").c.user_id)
    here = select(held).where(holder.c.district == undo.ws.district, held.is_not(None), holder.c.user_id.not_in(known))
    taken = or_(value.in_(several.having(func.count() > 1)), value.in_(here))
    return or_(taken, value.in_(_elsewhere(plan, unique))) if unique.everywhere else taken


def _elsewhere(plan: Table, unique: Unique) -> Select[tuple[str]]:
    """Of the values that come back those that people of other districts have."""
    wanted = plan.alias("wanted").c
    new, old = wanted[f"new_{unique.attribute}"], wanted[f"old_{unique.attribute}"]
    comes_back = and_(
        wanted.new_status == RecordStatus.ACTIVE,
        or_(new.is_distinct_from(old), wanted.old_status != RecordStatus.ACTIVE),
    )
    asked = select(func.array_agg(new)).where(comes_back).scalar_subquery()
    return select(func.roster.taken_elsewhere(asked).column_valued("key"))


def _placed(undo: UndoWorkspace) -> Select[tuple[str]]:
    """userIds with an active or planned placement, as it shall be."""
    plan, placement = undo.ws.plans["placement"], t.placement
    people = select(undo.ws.plans["person"].c.user_id)
    planned = exists().where(plan.c.user_id == placement.c.user_id, plan.c.school_id == placement.c.school_id)
    others = select(placement.c.user_id).where(
        placement.c.district == undo.ws.district,
        placement.c.user_id.in_(people),
        placement.c.status.in_(LIVE),
        not_(planned),
    )
    every = union_all(select(plan.c.user_id).where(plan.c.new_status.in_(LIVE)), others).subquery("placed")
    return select(every.c.user_id)


def _enrolled(undo: UndoWorkspace) -> Select[tuple[str, str]]:
    """(userId, classId) of active or planned enrollments, as they shall be, of the people and classes concerned."""
    plan, enrollment = undo.ws.plans["enrollment"], t.enrollment
    people, classes = (
        select(undo.ws.plans[name].c[f"{key}_id"]) for name, key in (("person", "user"), ("class", "class"))
    )
    concerned = or_(enrollment.c.user_id.in_(people), enrollment.c.class_id.in_(classes))
    planned = exists().where(plan.c.user_id == enrollment.c.user_id, plan.c.class_id == enrollment.c.class_id)
    others = select(enrollment.c.user_id, enrollment.c.class_id).where(
        enrollment.c.district == undo.ws.district, concerned, enrollment.c.status.in_(LIVE), not_(planned)
    )
    mine = select(plan.c.user_id, plan.c.class_id).where(plan.c.new_status.in_(LIVE))
    every = union_all(mine, others).subquery("enrolled")
    return select(every.c.user_id, every.c.class_id)


def _people_placed(undo: UndoWorkspace) -> int:
    plan = undo.ws.plans["person"].c
    return _leave_status(
        undo, "person", and_(_ends(undo, "person"), plan.user_id.in_(_placed(undo))), NotRestoredReason.IN_USE
    )


def _people_unplaced(undo: UndoWorkspace) -> int:
    plan = undo.ws.plans["person"].c
    nowhere = and_(_comes_back(undo, "person"), plan.user_id.not_in(_placed(undo)))
    return _leave_status(undo, "person", nowhere, NotRestoredReason.INACTIVE)


def _without_parent(undo: UndoWorkspace, name: str, parent: str, key: str) -> int:
    """What comes back needs an active person, class or school."""
    plan, over = undo.ws.plans[name].c, undo.ws.plans[parent].c
    mine = plan[key] if key in plan else plan[f"new_{key}"]
    gone = select(over[key]).where(over.new_status != RecordStatus.ACTIVE)
    return _leave_status(undo, name, and_(_comes_back(undo, name), mine.in_(gone)), NotRestoredReason.INACTIVE)


def _placements_in_use(undo: UndoWorkspace) -> int:
    """Who teaches a class of the school stays placed there."""
    plan, class_ = undo.ws.plans["placement"].c, t.class_.c
    enrolled = _enrolled(undo).subquery("teaching")
    there = select(enrolled.c.user_id, class_.school_id).where(
        class_.district == undo.ws.district, class_.class_id == enrolled.c.class_id
    )
    used = tuple_(plan.user_id, plan.school_id).in_(there)
    return _leave_status(undo, "placement", and_(_ends(undo, "placement"), used), NotRestoredReason.IN_USE)


def _classes_in_use(undo: UndoWorkspace) -> int:
    enrolled = _enrolled(undo).subquery("taught")
    used = undo.ws.plans["class"].c.class_id.in_(select(enrolled.c.class_id))
    return _leave_status(undo, "class", and_(_ends(undo, "class"), used), NotRestoredReason.IN_USE)


def _schools_in_use(undo: UndoWorkspace) -> int:
    """A school that an attempt created stays while somebody is placed there, or a class is there."""
    plan, placement, placements = undo.ws.plans["school"].c, undo.ws.plans["placement"].c, t.placement.c
    class_, classes = undo.ws.plans["class"].c, t.class_.c
    planned = exists().where(placement.user_id == placements.user_id, placement.school_id == placements.school_id)
    others = select(placements.school_id).where(
        placements.district == undo.ws.district, placements.status.in_(LIVE), not_(planned)
    )
    known = exists().where(class_.class_id == classes.class_id)
    uses = union_all(
        select(placement.school_id).where(placement.new_status.in_(LIVE)),
        others,
        select(class_.new_school_id).where(class_.new_status == RecordStatus.ACTIVE),
        select(classes.school_id).where(
            classes.district == undo.ws.district, classes.status == RecordStatus.ACTIVE, not_(known)
        ),
    ).subquery("uses")
    used = plan.school_id.in_(select(uses.c[0]))
    return _leave_status(undo, "school", and_(_ends(undo, "school"), used), NotRestoredReason.IN_USE)


def _end_unplaced(undo: UndoWorkspace) -> int:
    """The file's people whose last placement ends are deactivated, as everywhere. How many they are."""
    plan = undo.ws.plans["person"]
    ended = select(undo.ws.plans["placement"].c.user_id).where(_ends(undo, "placement"))
    hit = and_(
        plan.c.owner == Owner.FILE,
        plan.c.new_status == RecordStatus.ACTIVE,
        plan.c.user_id.in_(ended),
        plan.c.user_id.not_in(_placed(undo)),
    )
    return undo.conn.execute(update(plan).values(new_status=RecordStatus.INACTIVE).where(hit)).rowcount
