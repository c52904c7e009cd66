"""Held deliveries: which wait for a person, what was decided about them, and by whom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, insert, select, update

from rostersync.database.tables import attempt, decision, delivery, plan
from rostersync.ledger.deliveries import Delivery, delivery_of
from rostersync.model import Change, Choice, DeliveryState, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A held delivery and the attempt whose plan waits; `first`: nobody was asked about this delivery before."""

    delivery: str
    district: str
    attempt: int
    roster_version: int
    held_at: datetime
    first: bool
    sequence: int

    @property
    def review(self) -> str:
        """The id of the review that asks about it: the delivery's, or of its own when the delivery waits again."""
        return self.delivery if self.first else f"{self.delivery}-attempt-{self.attempt}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a person (or the calendar) decided; `attempt` names the plan they saw in `intake.plan`."""

    delivery: str
    attempt: int
    district: str
    choice: Choice
    schools: tuple[str, ...] = ()
    reason: str | None = None
    actor: str
    decided_at: datetime


def _waiting(condition: ColumnElement[bool]) -> Select[Any]:
    """The newest held attempt of each delivery that is held."""
    held = attempt.c.outcome == Outcome.HELD
    newest = func.max(attempt.c.number).filter(held).over(partition_by=attempt.c.delivery)
    oldest = func.min(attempt.c.number).filter(held).over(partition_by=attempt.c.delivery)
    rows = (
        select(attempt, newest.label("newest"), oldest.label("oldest"), delivery.c.sequence)
        .join(delivery, delivery.c.id == attempt.c.delivery)
        .where(delivery.c.state == DeliveryState.HELD, condition)
        .subquery()
    )
    return select(rows).where(rows.c.number == rows.c.newest).order_by(rows.c.sequence)


def _found(conn: Connection, condition: ColumnElement[bool]) -> list[Waiting]:
    return [
        Waiting(
            delivery=row.delivery,
            district=row.district,
            attempt=row.number,
            roster_version=row.roster_version,
            held_at=row.ended_at,
            first=row.number == row.oldest,
            sequence=row.sequence,
        )
        for row in conn.execute(_waiting(condition))
    ]


def waiting(conn: Connection, code: str | None = None) -> list[Waiting]:
    """Every held delivery, of one district or of all, in arrival sequence."""
    return _found(conn, delivery.c.district == code if code else delivery.c.id.is_not(None))


def waiting_of(conn: Connection, id_: str) -> Waiting | None:
    """The plan of this delivery that waits; None when it is not held."""
    return next(iter(_found(conn, delivery.c.id == id_)), None)


def district_of(conn: Connection, id_: str) -> str | None:
    """Whose delivery it is; None when there is none of this id."""
    return conn.execute(select(delivery.c.district).where(delivery.c.id == id_)).scalar()


def lock_delivery(conn: Connection, code: str, id_: str) -> Delivery:
    """The delivery, its row held until the transaction ends."""
    conn.execute(select(delivery.c.id).where(delivery.c.id == id_).with_for_update())
    return delivery_of(conn, code, id_)


def kept_changes(conn: Connection, id_: str, attempt: int) -> Iterator[Change]:
    """What the plan kept for this attempt would change, by entity and key."""
    wanted = select(plan).where(plan.c.delivery == id_, plan.c.attempt == attempt)
    for row in conn.execute(wanted.order_by(plan.c.entity, plan.c.key)):
        yield Change(
            entity=row.entity,
            key=tuple(row.key),
            action=row.action,
            line=row.line,
            before=row.before,
            after=row.after,
        )


def record_decision(conn: Connection, made: Decision) -> None:
    """Store a decision. The caller holds the delivery's row, and nothing was decided about this attempt before."""
    conn.execute(
        insert(decision).values(
            delivery=made.delivery,
            attempt=made.attempt,
            district=made.district,
            choice=made.choice,
            schools=list(made.schools),
            reason=made.reason,
            actor=made.actor,
            decided_at=made.decided_at,
        )
    )


def mark_decided(conn: Connection, ids: Sequence[str], state: DeliveryState, *, by: str, at: datetime) -> None:
    """These deliveries wait no longer: how that ended, who ended it, and when."""
    values = {"state": state, "decided_by": by, "decided_at": at}
    conn.execute(update(delivery).where(delivery.c.id.in_(ids)).values(values))
