"""Fencing: whoever claims a delivery last may commit; every older copy of the task commits nothing."""

from __future__ import annotations

from sqlalchemy import Connection, func, select, update

from rostersync.errors import LostClaim
from rostersync.tables import delivery


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
