"""Values that stay with somebody because somebody before stays: followed from person to person in one go.

Ada does not get her old address back, so that she keeps Ben's, so that he keeps that of the next one. Every rule about
everything that is to be undone would have to be asked once for each of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from sqlalchemy import Column, ColumnElement, Connection, MetaData, Table, Text, and_, or_, select

from rostersync.model import NotRestoredReason, RecordStatus
from rostersync.planning.rules.unique_attributes import UNIQUE, Unique
from rostersync.planning.workspace import create_temporary
from rostersync.planning.workspace_tables import temporary
from rostersync.undoing.workspace import UndoWorkspace, unit_with

_metadata = MetaData()
_KEEPER = temporary(_metadata, "undo_keeper", Column("user_id", Text), Column("attribute", Text))


class Claim(NamedTuple):
    """Somebody who shall be active and have `value`, and does not now: they have `held`, or `comes_back`, or both.

    `taken`: another will have the value, as things stand.
    """

    user_id: str
    value: str
    held: str | None
    comes_back: bool
    taken: bool


def follow_claims(undo: UndoWorkspace, taken: Mapping[Unique, ColumnElement[bool]]) -> Unique | None:
    """Leave values round by round, until nothing changes or until somebody's status may be concerned.

    Of which value that is, is given: there the round is to be gone on with. `taken`: another will have it.
    """
    left, stopped_at = _followed({unique: rounds_of(_claims(undo, unique, taken[unique])) for unique in UNIQUE})
    if left:
        keepers = _keepers(undo.conn, left)
        for unique in UNIQUE:
            mine = select(keepers.c.user_id).where(keepers.c.attribute == unique.attribute)
            hit = undo.ws.plans["person"].c.user_id.in_(mine)
            undo.leave("person", hit, unit_with(undo.ws.shapes["person"], unique.attribute), NotRestoredReason.TAKEN)
    return stopped_at


def _followed(
    chains: Mapping[Unique, Iterator[tuple[list[Claim], bool]]],
) -> tuple[list[tuple[str, str]], Unique | None]:
    """(userId, attribute) of the values that are left, in the rounds before a status may be concerned."""
    left: list[tuple[str, str]] = []
    running = dict(chains)
    while running:
        for unique in tuple(running):
            hit, with_status = next(running[unique], ([], False))
            left += [(claim.user_id, unique.attribute) for claim in hit]
            if with_status:
                return left, unique
            if not hit:
                del running[unique]
    return left, None


def rounds_of(claims: Iterable[Claim]) -> Iterator[tuple[list[Claim], bool]]:
    """Who is left with what they have, round by round; and whether somebody may thereby not come back at all."""
    changing: dict[str, list[Claim]] = {}
    returning: set[str] = set()
    hit: list[Claim] = []
    for claim in claims:
        if claim.value == claim.held:
            returning.add(claim.value)
            continue
        changing.setdefault(claim.value, []).append(claim)
        if claim.taken:
            hit.append(claim)
    gone: set[str] = set()
    while hit:
        gone.update(claim.user_id for claim in hit)
        kept = dict.fromkeys(claim.held for claim in hit if claim.held is not None)
        yield hit, any(claim.comes_back for claim in hit) or not returning.isdisjoint(kept)
        hit = [claim for value in kept for claim in changing.get(value, ()) if claim.user_id not in gone]


def _claims(undo: UndoWorkspace, unique: Unique, taken: ColumnElement[bool]) -> Iterator[Claim]:
    plan = undo.ws.plans["person"].c
    value, held, comes_back = plan[f"new_{unique.attribute}"], plan[f"old_{unique.attribute}"], plan.old_status
    rows = select(
        plan.user_id, value.label("value"), held.label("held"), comes_back != RecordStatus.ACTIVE, taken.label("taken")
    )
    asks = or_(value.is_distinct_from(held), comes_back != RecordStatus.ACTIVE)
    for user_id, wanted, present, back, other in undo.conn.execute(
        rows.where(and_(plan.new_status == RecordStatus.ACTIVE, value.is_not(None), asks))
    ):
        yield Claim(user_id, wanted, present, comes_back=back, taken=bool(other))


def _keepers(conn: Connection, left: Iterable[tuple[str, str]]) -> Table:
    """A temporary table of these: user_id, attribute."""
    create_temporary(conn, _metadata)
    driver = conn.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {_KEEPER.name} FROM STDIN") as copy:  # type: ignore[union-attr]  # a live psycopg connection
        for row in left:
            copy.write_row(row)
    return _KEEPER
