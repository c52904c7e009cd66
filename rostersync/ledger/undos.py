"""Applied attempts that were undone: by whom, why, and what it came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, not_, select

from rostersync.database.conditions import Condition
from rostersync.database.tables import attempt, change, undo
from rostersync.model import Outcome

APPLIED = (Outcome.APPLIED, Outcome.APPLIED_WITH_ERRORS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """`attempt` is the newest attempt that was undone, the applied ones before it were undone with it.

    `counts`: entity → word → records; `left_alone`: reason → records. No cells.
    """

    delivery: str
    attempt: int
    district: str
    counts: Mapping[str, Mapping[str, int]]
    left_alone: Mapping[str, int]
    roster_version: int
    reason: str
    actor: str
    undone_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedAttemptState:
    """An applied attempt that stands. `swept`: its changes are not in the log any more."""

    number: int
    swept: bool


def is_in_effect() -> Condition:
    """Of `intake.attempt`: applied, and not undone since."""
    undone = select(undo.c.attempt).where(undo.c.delivery == attempt.c.delivery, undo.c.attempt >= attempt.c.number)
    return attempt.c.outcome.in_(APPLIED) & not_(undone.exists())


def attempts_in_effect(conn: Connection, delivery_id: str) -> Sequence[AppliedAttemptState]:
    """The delivery's applied attempts that are not undone, newest first."""
    logged = select(func.count()).where(change.c.delivery == delivery_id, change.c.attempt == attempt.c.number)
    swept = (attempt.c.changes > 0) & (logged.scalar_subquery() == 0)
    wanted = select(attempt.c.number, swept.label("swept")).where(attempt.c.delivery == delivery_id, is_in_effect())
    rows = conn.execute(wanted.order_by(attempt.c.number.desc()))
    return [AppliedAttemptState(number=row.number, swept=row.swept) for row in rows]


def record_undo(conn: Connection, made: Undo) -> None:
    """Store an undo, in the transaction that did it."""
    names = Undo.__dataclass_fields__
    conn.execute(insert(undo).values({name: getattr(made, name) for name in names}))


def latest_undo(conn: Connection, delivery_id: str) -> Undo | None:
    """The newest undo of this delivery, None when there was none."""
    newest = select(undo).where(undo.c.delivery == delivery_id).order_by(undo.c.attempt.desc()).limit(1)
    row = conn.execute(newest).mappings().first()
    return Undo(**row) if row else None
