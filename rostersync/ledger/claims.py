"""Fencing: whoever claims a delivery last may commit; every older copy of the task commits nothing.

A claim is open while somebody works on the delivery. Work that ends, well or with an error, says so; a task that was
killed cannot, and its next try finds the claim open: that is how kills are counted.
"""

from __future__ import annotations

from sqlalchemy import Connection, and_, case, func, select, update

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


def begin_work(conn: Connection, id_: str, run: str, *, anew: bool = False) -> None:
    """Before a claim: the run begins to work on a delivery; `anew` forgets the kills of before.

    A task was killed when the same run finds its own work open, and the database has been up since: had it been away,
    the task may have failed without a chance to say so. Another run's open work may still be alive.
    """
    mine = and_(delivery.c.worked_on_by == run, delivery.c.claimed_at > func.pg_postmaster_start_time())
    kills = case((mine, delivery.c.kills + 1), else_=delivery.c.kills)
    conn.execute(update(delivery).where(delivery.c.id == id_).values(worked_on_by=run, kills=0 if anew else kills))


def end_work(conn: Connection, id_: str) -> None:
    """Whoever worked on a delivery came to an end, if only to an error."""
    conn.execute(update(delivery).where(delivery.c.id == id_).values(worked_on_by=None))
