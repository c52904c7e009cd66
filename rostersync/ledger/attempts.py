"""Each judgement of a delivery that came to something is a numbered attempt with its own rows and counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    Select,
    and_,
    exists,
    func,
    insert,
    literal,
    not_,
    or_,
    select,
    tuple_,
)

from rostersync.database.conditions import Condition
from rostersync.database.tables import attempt, change, decision, delivery, run_delivery
from rostersync.ledger.deliveries import Conditions
from rostersync.ledger.undos import APPLIED, is_in_effect
from rostersync.model import AppliedAttempt, Choice, Counts, Evaluation, Outcome, RowCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A stored attempt, without its findings. `findings`: how many it has had (None: not known).

    `left_out`: how many rows an approval left out of it.
    """

    delivery: str
    number: int
    outcome: Outcome
    rows: RowCounts
    counts: Counts
    by_school: dict[str, Counts]
    changes: int
    ended_at: datetime
    findings: int | None
    left_out: int


def _attempt(row: Row[Any]) -> Attempt:
    return Attempt(
        delivery=row.delivery,
        number=row.number,
        outcome=Outcome(row.outcome),
        rows=RowCounts(**row.rows),
        counts=row.counts,
        by_school=row.by_school,
        changes=row.changes,
        ended_at=row.ended_at,
        findings=row.findings,
        left_out=row.left_out,
    )


def record_attempt(
    conn: Connection,
    *,
    code: str,
    delivery_id: str,
    number: int,
    evaluation: Evaluation,
    conditions: Conditions,
    roster_version: int,
    actor: str,
    ended_at: datetime,
    forced_reason: str | None = None,
    left_out_lines: Iterable[int] = (),
) -> None:
    """Store what an attempt came to, in the transaction that did it. `left_out_lines`: see `left_out_lines`."""
    conn.execute(
        insert(attempt).values(
            delivery=delivery_id,
            number=number,
            district=code,
            outcome=evaluation.outcome,
            rows=asdict(evaluation.rows),
            counts=_as_json(evaluation.counts),
            by_school={school: _as_json(counts) for school, counts in evaluation.by_school.items()},
            changes=evaluation.changes,
            findings=len(evaluation.findings),
            dictionary_version=conditions.dictionary_version,
            code_version=conditions.code_version,
            config_digest=conditions.config_digest,
            roster_version=roster_version,
            forced_reason=forced_reason,
            left_out_lines=sorted(left_out_lines),
            actor=actor,
            ended_at=ended_at,
        )
    )


def _as_json(counts: Counts) -> dict[str, dict[str, int]]:
    return {entity: dict(buckets) for entity, buckets in counts.items()}


def _attempts(delivery_id: str) -> Select[Any]:
    """Without the lines that were left out, of which there may be very many: only their number."""
    columns = [column for column in attempt.c if column is not attempt.c.left_out_lines]
    left_out = func.cardinality(attempt.c.left_out_lines).label("left_out")
    return select(*columns, left_out).where(attempt.c.delivery == delivery_id)


def left_out_lines(conn: Connection, delivery_id: str) -> frozenset[int]:
    """Lines of the file that an approval left out and that stay so: those of the delivery's latest attempt."""
    latest = select(attempt.c.left_out_lines).where(attempt.c.delivery == delivery_id)
    return frozenset(conn.execute(latest.order_by(attempt.c.number.desc()).limit(1)).scalar() or ())


def latest_attempt(conn: Connection, delivery_id: str) -> Attempt | None:
    """The delivery's attempt with the highest number, whatever it came to."""
    row = conn.execute(_attempts(delivery_id).order_by(attempt.c.number.desc()).limit(1)).first()
    return _attempt(row) if row else None


def latest_held(conn: Connection, delivery_id: str) -> Attempt | None:
    """The delivery's latest attempt that waits, or waited, for a person; None when none ever did."""
    held = _attempts(delivery_id).where(attempt.c.outcome == Outcome.HELD)
    row = conn.execute(held.order_by(attempt.c.number.desc()).limit(1)).first()
    return _attempt(row) if row else None


def attempt_of(conn: Connection, delivery_id: str, number: int) -> Attempt | None:
    """The attempt of this number, or None."""
    row = conn.execute(_attempts(delivery_id).where(attempt.c.number == number)).first()
    return _attempt(row) if row else None


def latest_applied(conn: Connection, code: str) -> tuple[str, datetime] | None:
    """The content that the roster got last, not undone since, and its modification time; None when there is none."""
    row = conn.execute(applied_last(code).add_columns(delivery.c.modified_at)).first()
    return (row.id, row.modified_at) if row else None


def applied_last(code: str) -> Select[tuple[str]]:
    """The id of the delivery whose content the roster got last, not undone since."""
    return (
        select(delivery.c.id)
        .join(attempt, attempt.c.delivery == delivery.c.id)
        .where(delivery.c.district == code, is_in_effect())
        .order_by(attempt.c.roster_version.desc(), attempt.c.ended_at.desc(), delivery.c.sequence.desc())
        .limit(1)
    )


def applied_together(conn: Connection, code: str, *, since: datetime, delivery_id: str) -> list[AppliedAttempt]:
    """The district's applied attempts since this moment, and of what came in one look with this delivery.

    Only what changed something and was not undone. A delivery that was applied before has no look of its own any more.
    """
    mine, other, earlier = run_delivery.alias("mine"), run_delivery.alias("other"), attempt.alias("earlier")
    same_look = exists().where(
        mine.c.delivery == delivery_id,
        other.c.delivery == attempt.c.delivery,
        tuple_(mine.c.dag_id, mine.c.run_id, mine.c.district)
        == tuple_(other.c.dag_id, other.c.run_id, other.c.district),
        attempt.c.number > other.c.attempts,
        not_(exists().where(earlier.c.delivery == delivery_id, earlier.c.outcome.in_(APPLIED))),
    )
    wanted = select(attempt.c.delivery, attempt.c.number, _approved().label("approved")).where(
        attempt.c.district == code, attempt.c.changes > 0, is_in_effect(), or_(attempt.c.ended_at >= since, same_look)
    )
    return [AppliedAttempt(**row) for row in conn.execute(wanted).mappings()]


def _approved() -> Condition:
    """Of `intake.attempt`: the attempt before it waited for a person, who approved it."""
    before = attempt.alias("before")
    last = select(func.max(before.c.number)).where(
        before.c.delivery == attempt.c.delivery, before.c.number < attempt.c.number
    )
    return exists().where(
        decision.c.delivery == attempt.c.delivery,
        decision.c.attempt == last.correlate(attempt).scalar_subquery(),
        decision.c.choice != Choice.DISCARD,
    )


def was_applied(conn: Connection, delivery_id: str) -> bool:
    """Whether any attempt of this delivery was ever applied."""
    return conn.execute(_attempts(delivery_id).where(attempt.c.outcome.in_(APPLIED)).limit(1)).first() is not None


def keys_touched_since(conn: Connection, delivery_id: str) -> int:
    """How many of the keys this delivery changed were changed by somebody else afterwards."""
    later = change.alias()
    same = and_(later.c.district == change.c.district, later.c.entity == change.c.entity, later.c.key == change.c.key)
    after = and_(later.c.id > change.c.id, func.coalesce(later.c.delivery, "") != delivery_id)
    touched = select(change.c.entity, change.c.key).where(
        change.c.delivery == delivery_id, select(literal(1)).where(same, after).exists()
    )
    return conn.execute(select(func.count()).select_from(touched.distinct().subquery())).scalar_one()
