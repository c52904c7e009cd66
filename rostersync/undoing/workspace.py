"""The temporary tables of an undo, beside the plan tables that it shares with the plan of a file.

`traced` holds the changes of the attempts under the keys that their records have now; `left` what stays as it is, and
why. In the plan tables `old_…` is what the roster holds now and `new_…` what it shall hold; `plan_person.old_user_id`
is the ID a person shall get back (until `finish` turns it round, for the apply).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    MetaData,
    Table,
    Text,
    insert,
    literal,
    null,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

from rostersync.database.conditions import Condition
from rostersync.model import NotRestoredReason
from rostersync.planning.workspace import PlanContext, Workspace, create_temporary, execute_rowcount
from rostersync.planning.workspace_tables import EntityShape, temporary

_metadata = MetaData()
_TRACED = temporary(
    _metadata,
    "undo_traced",
    Column("change", BigInteger),
    Column("attempt", Integer),
    Column("entity", Text),
    Column("k1", Text),
    Column("k2", Text),
    Column("then_id", Text),
    Column("action", Text),
    Column("before", JSONB),
    Column("after", JSONB),
    Column("line", BigInteger),
)
_LEFT = temporary(
    _metadata,
    "undo_left",
    Column("entity", Text),
    Column("k1", Text),
    Column("k2", Text),
    Column("field", Text),
    Column("reason", Text),
)

UNITS = (("email", "email_key"), ("start_date", "end_date", "status"))
"""Fields that make sense only together: they are restored together, or left together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoWorkspace:
    """One undo on one connection, under the district's lock."""

    ws: Workspace
    delivery: str
    traced: Table = field(default_factory=lambda: _TRACED)
    left: Table = field(default_factory=lambda: _LEFT)

    @property
    def conn(self) -> Connection:
        return self.ws.conn

    def traced_keys(self, shape: EntityShape, rows: FromClause) -> Condition:
        """A traced change is about this row of the entity's plan or table."""
        parts = zip((self.traced.c.k1, self.traced.c.k2), shape.keys, strict=False)
        same = [traced == rows.c[key] for traced, key in parts]
        return (self.traced.c.entity == shape.name) & same[0] & (same[1] if same[1:] else literal(True))

    def leave(self, name: str, hit: ColumnElement[bool], unit: Iterable[str], reason: NotRestoredReason) -> int:
        """Planned rows that are hit keep these fields as they are now, and it is noted why. How many they are."""
        plan, unit = self.ws.plans[name], tuple(unit)
        values: dict[str, Any] = {f"new_{a}": plan.c[f"old_{a}"] for a in unit if f"new_{a}" in plan.c}
        self.note(name, hit, unit[-1] if "status" in unit else unit[0], reason)
        if "user_id" in unit:
            values["old_user_id"] = null()
        return execute_rowcount(self.conn, update(plan).values(values).where(hit))

    def note(self, name: str, hit: ColumnElement[bool], field_: str | None, reason: NotRestoredReason) -> int:
        """Note of planned rows that something of theirs is left; None: the whole record."""
        plan, shape = self.ws.plans[name], self.ws.shapes[name]
        rows = select(literal(name), *keys_of(shape, plan), literal(field_, Text), literal(reason.value)).where(hit)
        return execute_rowcount(self.conn, insert(self.left).from_select(list(self.left.c.keys()), rows))


def keys_of(shape: EntityShape, rows: FromClause) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """Both key columns of a record; the second is NULL where there is one only."""
    first, *more = (rows.c[key] for key in shape.keys)
    return first, (more[0] if more else literal(None, Text))


def units_of(shape: EntityShape) -> list[tuple[str, ...]]:
    """The entity's attributes, those together that belong together."""
    together = [unit for unit in UNITS if set(unit) <= set(shape.attributes)]
    single = [(a,) for a in shape.attributes if not any(a in unit for unit in together)]
    return [*together, *single]


def unit_with(shape: EntityShape, attribute: str) -> tuple[str, ...]:
    """The fields that go with this one."""
    return next(unit for unit in units_of(shape) if attribute in unit)


def open_undoing(conn: Connection, context: PlanContext, delivery: str) -> UndoWorkspace:
    """Make the temporary tables, empty. The caller holds the district's lock."""
    ws = Workspace(conn, context, ())
    ws.create()
    create_temporary(conn, _metadata)
    return UndoWorkspace(ws=ws, delivery=delivery)
