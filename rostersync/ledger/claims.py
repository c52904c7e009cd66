"""Fencing: whoever claims a delivery last may commit; every older copy of the task commits nothing.

Whoever works on a delivery notes the id of this work in `open_work`. Work that ends, well or with an error, takes its
id away; a task that was killed cannot, and the next try of its run finds the id: that is how kills are counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce

from sqlalchemy import ARRAY, ColumnElement, Connection, Text, and_, case, func, literal, select, update

from rostersync.database.conditions import Condition
from rostersync.database.tables import delivery
from rostersync.exceptions import LostClaim


def claim(conn: Connection, id_: str, actor: str) -> int:
    """Take a delivery over and return the token that `check_claim` wants to see before the commit."""
    statement = (
        update(delivery)
        .where(delivery.c.id == id_)
        .values(claim_token=delivery.c.claim_token + 1, claimed_by=actor, claimed_at=func.now())
        .returning(delivery.c.claim_token)
    )
    token: int = conn.execute(statement).scalar_one()
    return token


def check_claim(conn: Connection, id_: str, token: int) -> None:
    """Hold the delivery's row until the commit. Raises LostClaim when another task took it over since."""
    held = conn.execute(select(delivery.c.claim_token).where(delivery.c.id == id_).with_for_update()).scalar_one()
    if held != token:
        raise LostClaim(f"Delivery {id_} was taken over by another task.")


def open_work(conn: Connection, id_: str, run: str) -> Sequence[str]:
    """The ids of this run's works on the delivery that have not said how they ended, oldest first.

    Empty when the database was away since: they may have failed without a chance to say so. What another run left open
    does not count: its task may still be alive.
    """
    noted = conn.execute(select(delivery.c.open_work).where(delivery.c.id == id_, _of_run(run))).scalar()
    return tuple(noted or ())


def begin_work(
    conn: Connection, id_: str, run: str, work: str, *, ended: Iterable[str] = (), anew: bool = False
) -> None:
    """Before a claim: a task of the run begins a work of this id on a delivery.

    `ended`: works of before that came to an end, as is known from elsewhere. `anew` forgets all of them, and so does
    another run.
    """
    none = literal([], ARRAY(Text))
    earlier: ColumnElement[Sequence[str]] = none if anew else case((_of_run(run), delivery.c.open_work), else_=none)
    still_open = reduce(func.array_remove, ended, earlier)
    values = {"worked_on_by": run, "open_work": func.array_append(still_open, work)}
    conn.execute(update(delivery).where(delivery.c.id == id_).values(values))


def _of_run(run: str) -> Condition:
    return and_(delivery.c.worked_on_by == run, delivery.c.claimed_at > func.pg_postmaster_start_time())


def end_work(conn: Connection, id_: str, work: str) -> None:
    """A work on a delivery came to an end, if only to an error; what others do there stays open."""
    left = func.array_remove(delivery.c.open_work, work)
    conn.execute(update(delivery).where(delivery.c.id == id_).values(open_work=left))


def is_worked_on(conn: Connection, id_: str, *, beside: str) -> bool:
    """Whether another work than `beside` is open on this delivery: a task is alive, or was killed."""
    noted = conn.execute(select(delivery.c.open_work).where(delivery.c.id == id_)).scalar_one()
    return any(work != beside for work in noted)
