"""Claims that fall with the row that was to give their value up: a column shifted by a row is one long chain of them.

Ada asks for the address of Ben, who asks for another one: that is well as long as Ben's rows are accepted. Each person
rejected may let one more fall, who lets one more fall: as many rounds as there are people, too many to repeat a
statement for each. So the claims that rely on somebody are fetched once, and followed here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Column, Connection, MetaData, Table, Text

from rostersync.planning.workspace import create_temporary
from rostersync.planning.workspace_tables import temporary

_metadata = MetaData()
_FALLEN = temporary(_metadata, "fallen_claim", Column("user_id", Text), Column("header", Text), Column("held_by", Text))


class Reliance(NamedTuple):
    """`claimant` (a typed userId) gets the value under `header` from `holder` only while rows of `releaser` (the
    userId by which the file names the holder) are accepted.
    """

    claimant: str
    header: str
    holder: str
    releaser: str


class FallenClaim(NamedTuple):
    """`claimant` does not get the value under `header`: `holder` keeps it."""

    claimant: str
    header: str
    holder: str


def fallen_with(rejected: Iterable[str], reliances: Iterable[Reliance]) -> list[FallenClaim]:
    """What falls with these rejected people, each in the round in which they fall: what they would lose in a later
    one is not looked at any more, as all their rows are rejected by then.
    """
    by_releaser: dict[str, list[Reliance]] = {}
    for reliance in reliances:
        by_releaser.setdefault(reliance.releaser, []).append(reliance)
    gone = set(rejected)
    newly: Collection[str] = gone
    fallen: dict[tuple[str, str], str] = {}
    while newly:
        hit = [r for user in newly for r in by_releaser.get(user, ()) if r.claimant not in gone]
        for reliance in hit:
            key = (reliance.claimant, reliance.header)
            fallen[key] = min(reliance.holder, fallen.get(key, reliance.holder))
        newly = {reliance.claimant for reliance in hit}
        gone |= newly
    return [FallenClaim(claimant, header, holder) for (claimant, header), holder in fallen.items()]


def fallen_table(conn: Connection, fallen: Sequence[FallenClaim]) -> Table:
    """A temporary table of these: user_id, header, held_by."""
    create_temporary(conn, _metadata)
    driver = conn.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {_FALLEN.name} FROM STDIN") as copy:  # type: ignore[union-attr]  # a live psycopg connection
        for claim in fallen:
            copy.write_row(claim)
    return _FALLEN
