"""Field by field: what an attempt wrote and what is still so gets the value from before; what was created, ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, case, cast, func, insert, literal, not_, or_, select, tuple_, update

from rostersync.database.conditions import Condition
from rostersync.model import NotRestoredReason, Owner, RecordStatus
from rostersync.planning.predicates import kept_by_hand
from rostersync.planning.workspace_tables import EntityShape
from rostersync.undoing.workspace import UndoWorkspace, keys_of, units_of

ENDED = {
    "school": RecordStatus.INACTIVE,
    "person": RecordStatus.INACTIVE,
    "class": RecordStatus.INACTIVE,
    "placement": RecordStatus.ENDED,
    "enrollment": RecordStatus.ENDED,
}
"""What becomes of a record that an attempt created."""


def restore(undo: UndoWorkspace, attempt: int) -> None:
    """Take one attempt back in the plan tables. Attempts come newest first: each finds what the later ones left."""
    concerned = set(undo.conn.scalars(select(undo.traced.c.entity).where(undo.traced.c.attempt == attempt).distinct()))
    for shape in (item for name, item in undo.ws.shapes.items() if name in concerned):
        _note_left(undo, shape, attempt)
        _put_back(undo, shape, attempt)
        _end_created(undo, shape, attempt)
    _give_ids_back(undo, attempt)


class _Fields:
    """The conditions of one unit of fields, over a traced change, its plan row and its record."""

    def __init__(self, undo: UndoWorkspace, shape: EntityShape, unit: Sequence[str]) -> None:
        plan, traced, self.unit = undo.ws.plans[shape.name], undo.traced, unit
        self.live = shape.live
        before = {a: _value(traced.c.before, shape, a) for a in unit}
        self.before = before
        now = {a: plan.c[f"new_{a}"] for a in unit}
        after = {a: _value(traced.c.after, shape, a) for a in unit}
        self.changed = or_(*(before[a].is_distinct_from(after[a]) for a in unit))
        self.untouched = and_(*(self._same(a, now[a], after[a]) for a in unit))
        self.back_already = and_(*(now[a].is_not_distinct_from(before[a]) for a in unit))
        self.by_hand = or_(*(kept_by_hand(shape.table, a) for a in unit))
        left = undo.left.c
        mine = and_(left.entity == shape.name, or_(left.field == name_of(unit), left.field.is_(None)))
        first, second = keys_of(shape, plan)
        # A set of keys that is looked up, not a search for every row: an undo may leave a lot.
        noted = select(left.k1, func.coalesce(left.k2, "")).where(mine)
        self.left = tuple_(first, func.coalesce(second, "")).in_(noted)

    def _same(self, attribute: str, now: ColumnElement[Any], then: ColumnElement[Any]) -> Condition:
        """Unchanged; that the day of a planned assignment has come is no change of it."""
        same = now.is_not_distinct_from(then)
        if attribute != "status":
            return same
        return or_(same, and_(now.in_(self.live), then.in_(self.live)))

    @property
    def restorable(self) -> Condition:
        return and_(self.changed, self.untouched, not_(self.by_hand), not_(self.left))


def name_of(unit: Sequence[str]) -> str:
    """Under which name a unit of fields is listed: email, status, or the only field."""
    return "status" if "status" in unit else unit[0]


def _value(image: ColumnElement[Any], shape: EntityShape, attribute: str) -> ColumnElement[Any]:
    return cast(image[attribute].astext, shape.table.c[attribute].type)


def _about(undo: UndoWorkspace, shape: EntityShape, attempt: int, *actions: str) -> Condition:
    """A traced change of this attempt, the plan row it is about and its record; only of what the file owns."""
    plan, record = undo.ws.plans[shape.name], shape.table
    same = (plan.c[key] == record.c[key] for key in shape.keys)
    mine = and_(undo.traced.c.attempt == attempt, undo.traced.c.action.in_(actions), plan.c.owner == Owner.FILE)
    return and_(mine, undo.traced_keys(shape, plan), record.c.district == undo.ws.district, *same)


def _note_left(undo: UndoWorkspace, shape: EntityShape, attempt: int) -> None:
    """Fields that somebody has changed since, or keeps by hand."""
    about = _about(undo, shape, attempt, "updated", "removed")
    for unit in units_of(shape):
        fields = _Fields(undo, shape, unit)
        touched = and_(fields.changed, not_(fields.back_already), not_(fields.left))
        reason = case((fields.by_hand, NotRestoredReason.BY_HAND.value), else_=NotRestoredReason.CHANGED.value)
        hit = and_(about, touched, or_(not_(fields.untouched), fields.by_hand))
        _insert_left(undo, shape, name_of(unit), reason, hit)


def _insert_left(
    undo: UndoWorkspace, shape: EntityShape, field: str | None, reason: Any, hit: ColumnElement[bool]
) -> None:
    plan = undo.ws.plans[shape.name]
    rows = select(literal(shape.name), *keys_of(shape, plan), literal(field, Text), reason).where(hit)
    undo.conn.execute(insert(undo.left).from_select(list(undo.left.c.keys()), rows))


def _put_back(undo: UndoWorkspace, shape: EntityShape, attempt: int) -> None:
    plan = undo.ws.plans[shape.name]
    values: dict[str, Any] = {}
    for unit in units_of(shape):
        fields = _Fields(undo, shape, unit)
        values |= {f"new_{a}": case((fields.restorable, fields.before[a]), else_=plan.c[f"new_{a}"]) for a in unit}
    undo.conn.execute(update(plan).values(values).where(_about(undo, shape, attempt, "updated", "removed")))


def _end_created(undo: UndoWorkspace, shape: EntityShape, attempt: int) -> None:
    """A created record ends, unless it has ended since; what others have written into it stays, and is listed."""
    plan, about = undo.ws.plans[shape.name], _about(undo, shape, attempt, "created")
    for unit in ([a for a in unit if a != "status"] for unit in units_of(shape) if unit != ("status",)):
        fields = _Fields(undo, shape, unit)
        hit = and_(about, not_(fields.untouched), not_(fields.left))
        _insert_left(undo, shape, name_of(unit), literal(NotRestoredReason.CHANGED.value), hit)
    status = _Fields(undo, shape, ("status",))
    ends = and_(about, plan.c.new_status.in_(shape.live), not_(status.left))
    undo.conn.execute(update(plan).values(new_status=ENDED[shape.name]).where(ends))


def _give_ids_back(undo: UndoWorkspace, attempt: int) -> None:
    """A corrected ID goes back to the old one, unless it was corrected again since."""
    shape, plan, traced = undo.ws.shapes["person"], undo.ws.plans["person"], undo.traced.c
    old = traced.before["user_id"].astext
    about = and_(_about(undo, shape, attempt, "updated", "removed"), old != traced.then_id)
    mine = func.coalesce(plan.c.old_user_id, plan.c.user_id) == traced.then_id
    _insert_left(undo, shape, "user_id", literal(NotRestoredReason.CHANGED.value), and_(about, not_(mine)))
    undo.conn.execute(update(plan).values(old_user_id=old).where(about, mine))
