"""What each run saw in the inboxes and which deliveries it works on: everything a re-run needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, all_, and_, func, literal, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from rostersync.database.conditions import Condition
from rostersync.database.tables import arrival, attempt, delivery, run_delivery, run_districts
from rostersync.ledger.undos import is_in_effect
from rostersync.model import DeliveryState, Outcome, RemoteFile

FAILED_RUNS = 2
"""After so many runs that ended with an error at it, a delivery is tried after the others."""


NEAR_NAME = "near_name"
"""The outcome of an arrival that is not read, because its name is only near the expected one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One look at one file of an inbox (`seen` is None when the inbox held none)."""

    seen: RemoteFile | None
    delivery: str | None
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDelivery:
    """A delivery a run works on; `outcome` is None until the run has settled it.

    `attempts`: how many the delivery had seen when the run took it. `tried_last`: it comes after all others,
    because it failed in earlier runs, and does not stop the run when it fails again.
    """

    delivery: str
    outcome: Outcome | None
    attempts: int = 0
    tried_last: bool = False


def lock_run(conn: Connection, dag_id: str, run_id: str, code: str) -> None:
    """Two copies of one task take turns until the transaction ends: only the first finds nothing done yet."""
    name = f"rostersync/run/{dag_id}/{run_id}/{code}"
    conn.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


def districts_of_run(
    conn: Connection, dag_id: str, run_id: str, offered: Sequence[str], shared_inboxes: Sequence[str] = ()
) -> list[str]:
    """The districts of this run in their first order: `offered` counts only when the run has no list yet.

    `shared_inboxes`: the districts whose inbox overlaps another one's.
    """
    row = {"dag_id": dag_id, "run_id": run_id, "districts": list(offered), "shared_inboxes": list(shared_inboxes)}
    conn.execute(insert(run_districts).values(row).on_conflict_do_nothing())
    stored = select(run_districts.c.districts).where(run_districts.c.dag_id == dag_id, run_districts.c.run_id == run_id)
    return list(conn.execute(stored).scalar_one())


def may_share_inbox(conn: Connection, dag_id: str, run_id: str, code: str) -> bool:
    """Whether all districts' inboxes must be compared before this one's is read.

    Not when the run, as it listed its districts, found that this one has its inbox for itself.
    """
    run = and_(run_districts.c.dag_id == dag_id, run_districts.c.run_id == run_id)
    alone = select(literal(1)).where(run, literal(code) != all_(run_districts.c.shared_inboxes))
    return conn.execute(alone).first() is None


def _of_run(dag_id: str, run_id: str, code: str) -> Condition:
    return and_(run_delivery.c.dag_id == dag_id, run_delivery.c.run_id == run_id, run_delivery.c.district == code)


def deliveries_of_run(conn: Connection, dag_id: str, run_id: str, code: str) -> list[RunDelivery]:
    """What this run took from this district, in order; empty when it landed nothing yet."""
    wanted = select(run_delivery.c.delivery, run_delivery.c.outcome).where(_of_run(dag_id, run_id, code))
    return [
        RunDelivery(delivery=row.delivery, outcome=Outcome(row.outcome) if row.outcome else None)
        for row in conn.execute(wanted.order_by(run_delivery.c.position))
    ]


def outcome_of(conn: Connection, dag_id: str, run_id: str, code: str, id_: str) -> Outcome | None:
    """How this run ended with this delivery, None while it has not."""
    wanted = select(run_delivery.c.outcome).where(_of_run(dag_id, run_id, code), run_delivery.c.delivery == id_)
    stored = conn.execute(wanted).scalar()
    return Outcome(stored) if stored else None


def assign(conn: Connection, dag_id: str, run_id: str, code: str, taken: Sequence[RunDelivery]) -> None:
    """Enter a run's deliveries in order, all at once: a run has either looked or it has not."""
    rows = [
        {
            "dag_id": dag_id,
            "run_id": run_id,
            "district": code,
            "position": position,
            "delivery": taken_delivery.delivery,
            "outcome": taken_delivery.outcome,
            "attempts": taken_delivery.attempts,
            "tried_last": taken_delivery.tried_last,
        }
        for position, taken_delivery in enumerate(taken)
    ]
    if rows:
        conn.execute(insert(run_delivery), rows)


def attempts_when_taken(conn: Connection, dag_id: str, run_id: str, code: str, id_: str) -> int | None:
    """How many attempts the delivery had seen when this run took it; None when it never did."""
    wanted = select(run_delivery.c.attempts).where(_of_run(dag_id, run_id, code), run_delivery.c.delivery == id_)
    return conn.execute(wanted).scalar()


def deliveries_tried_last(conn: Connection, dag_id: str, run_id: str, code: str) -> frozenset[str]:
    """The deliveries that this run tries after all others."""
    wanted = select(run_delivery.c.delivery).where(_of_run(dag_id, run_id, code), run_delivery.c.tried_last)
    return frozenset(conn.scalars(wanted))


def note_failed_run(conn: Connection, dag_id: str, run_id: str, code: str, id_: str) -> None:
    """Note that a run ended with an error at this delivery, whatever the next try of it comes to."""
    mine = (_of_run(dag_id, run_id, code), run_delivery.c.delivery == id_)
    conn.execute(update(run_delivery).where(*mine).values(failed=True))


def failing(conn: Connection, code: str) -> frozenset[str]:
    """Deliveries of a district that failed for good, or are open though two runs failed at them.

    One run may have failed for a reason that has nothing to do with the delivery: a database that was away.
    """
    runs = select(func.count()).where(run_delivery.c.delivery == delivery.c.id, run_delivery.c.failed)
    again = and_(
        delivery.c.state.in_((DeliveryState.PULLED, DeliveryState.VALIDATED)),
        runs.scalar_subquery() >= FAILED_RUNS,
    )
    wanted = select(delivery.c.id).where(
        delivery.c.district == code, or_(delivery.c.state == DeliveryState.FAILED, again)
    )
    return frozenset(conn.scalars(wanted))


def record_outcome(conn: Connection, dag_id: str, run_id: str, code: str, id_: str, outcome: Outcome | None) -> None:
    """Write how this run ended with this delivery (None: it is open again)."""
    conn.execute(
        update(run_delivery)
        .where(_of_run(dag_id, run_id, code), run_delivery.c.delivery == id_)
        .values(outcome=outcome)
    )


def record_arrivals(
    conn: Connection, dag_id: str, run_id: str, code: str, arrivals: Sequence[Arrival], seen_at: datetime
) -> None:
    """One row per file of this look; names are stored here and shown nowhere."""
    rows = [
        {
            "district": code,
            "dag_id": dag_id,
            "run_id": run_id,
            "name": file_arrival.seen.name if file_arrival.seen else None,
            "size_bytes": file_arrival.seen.size if file_arrival.seen else None,
            "modified_at": file_arrival.seen.modified_at if file_arrival.seen else None,
            "delivery": file_arrival.delivery,
            "outcome": file_arrival.outcome,
            "seen_at": seen_at,
        }
        for file_arrival in arrivals
    ]
    if rows:
        conn.execute(insert(arrival), rows)


def left_in_place(conn: Connection, id_: str, modified_at: datetime) -> bool:
    """Whether these bytes were already seen with this modification time: nobody delivered them anew."""
    seen = select(literal(1)).where(arrival.c.delivery == id_, arrival.c.modified_at == modified_at)
    return conn.execute(seen.limit(1)).first() is not None


def received_at(conn: Connection, id_: str, until: datetime) -> datetime:
    """When a delivery's bytes were put down the last time until then; left in place they are not put down again.

    It is the first look that met them under their name and modification time, else the moment they were landed.
    """
    looks = select(func.min(arrival.c.seen_at).label("at")).where(arrival.c.delivery == id_)
    met = looks.group_by(arrival.c.name, arrival.c.modified_at).subquery("met")
    last = select(func.max(met.c.at)).where(met.c.at <= until).scalar_subquery()
    landed = select(func.coalesce(last, delivery.c.landed_at)).where(delivery.c.id == id_)
    received: datetime = conn.execute(landed).scalar_one()
    return received


def is_overtaken(conn: Connection, code: str, id_: str) -> bool:
    """Whether a content that arrived after this one, or with it but later in order, was applied and not undone.

    Arrivals are ordered by their numbers: the clock of the machine that looked may have jumped back. What was met in
    one place under one modification time arrived once; arrivals that retention has swept were before all others.
    """
    looks = select(arrival.c.delivery, func.min(arrival.c.id).label("number")).where(arrival.c.district == code)
    met = looks.group_by(arrival.c.delivery, arrival.c.name, arrival.c.modified_at).subquery("met")
    last = select(met.c.delivery, func.max(met.c.number).label("number")).group_by(met.c.delivery).cte("last_arrival")
    orders = (
        select(delivery.c.id, func.coalesce(last.c.number, 0).label("number"), delivery.c.sequence)
        .select_from(delivery.outerjoin(last, last.c.delivery == delivery.c.id))
        .where(delivery.c.district == code)
        .cte("arrival_order")
    )
    mine, other = orders.alias("mine"), orders.alias("other")
    later = tuple_(other.c.number, other.c.sequence) > tuple_(mine.c.number, mine.c.sequence)
    applied = select(literal(1)).select_from(mine).join(other, later).join(attempt, attempt.c.delivery == other.c.id)
    return conn.execute(applied.where(mine.c.id == id_, is_in_effect()).limit(1)).first() is not None


def last_looked_at(conn: Connection, code: str) -> datetime | None:
    """The latest moment at which the district's inbox was looked at."""
    moment: datetime | None = conn.scalar(select(func.max(arrival.c.seen_at)).where(arrival.c.district == code))
    return moment


def arrived_anew(conn: Connection, dag_id: str, run_id: str, id_: str) -> bool:
    """Whether these known bytes arrived in this run with a modification time that no earlier look had seen."""
    mine = arrival.alias()
    before = select(literal(1)).where(
        arrival.c.delivery == id_, arrival.c.modified_at == mine.c.modified_at, arrival.c.id < mine.c.id
    )
    fresh = select(literal(1)).where(
        mine.c.delivery == id_, mine.c.dag_id == dag_id, mine.c.run_id == run_id, ~before.exists()
    )
    return conn.execute(fresh.limit(1)).first() is not None
