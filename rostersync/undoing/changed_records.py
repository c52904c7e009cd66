"""What the attempts changed, under the keys that the records have now; and what the roster holds of them now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Select,
    Text,
    and_,
    case,
    cast,
    column,
    exists,
    func,
    insert,
    literal,
    not_,
    null,
    select,
    union_all,
)
from sqlalchemy import values as value_rows

from rostersync.database import tables as t
from rostersync.model import Correction, NotRestoredReason, Owner
from rostersync.planning.workspace_tables import EntityShape
from rostersync.undoing.workspace import UndoWorkspace

_LOGGED = ("created", "updated", "removed")
_OF_PEOPLE = ("person", "placement", "enrollment")


def trace_changes(undo: UndoWorkspace, attempts: Sequence[int], corrections: Sequence[Correction]) -> None:
    """Fill `traced` with the changes of these attempts, each under the present ID of its person.

    `corrections`: every corrected ID of the district since the first of them, in order.
    """
    for number in attempts:
        last = undo.conn.scalar(select(func.max(t.change.c.id)).where(*_of_attempt(undo, number))) or 0
        moved = ids_now(correction for correction in corrections if correction.change > last)
        undo.conn.execute(insert(undo.traced).from_select(list(undo.traced.c.keys()), _traced(undo, number, moved)))
    undo.ws.analyze(undo.traced)


def ids_now(corrections: Iterable[Correction]) -> dict[str, str]:
    """Then → now, of everybody whose ID was corrected since: one after the other, in their order."""
    now: dict[str, str] = {}
    then: dict[str, str] = {}
    for correction in corrections:
        origin = then.pop(correction.old, correction.old)
        if origin == correction.old and correction.old in now:
            # Somebody who got this ID after the one we follow had given it up.
            continue
        now[origin], then[correction.new] = correction.new, origin
    return {origin: id_ for origin, id_ in now.items() if origin != id_}


def _of_attempt(undo: UndoWorkspace, number: int) -> tuple[Any, ...]:
    logged = t.change.c
    mine = (logged.district == undo.ws.district, logged.delivery == undo.delivery, logged.attempt == number)
    return (*mine, logged.action.in_(_LOGGED))


def _traced(undo: UndoWorkspace, number: int, moved: Mapping[str, str]) -> Select[*tuple[Any, ...]]:
    logged = t.change.c
    known, first = select(t.change), logged.key[1]
    if moved:
        ids = value_rows(column("then_id", Text), column("now_id", Text), name="moved").data(list(moved.items()))
        mine = and_(ids.c.then_id == logged.key[1], logged.entity.in_(_OF_PEOPLE))
        known, first = select(t.change).outerjoin(ids, mine), func.coalesce(ids.c.now_id, logged.key[1])
    columns = (
        logged.id,
        logged.attempt,
        logged.entity,
        first,
        logged.key[2],
        logged.key[1],
        logged.action,
        logged.before,
        logged.after,
        logged.line,
    )
    return known.with_only_columns(*columns, maintain_column_froms=True).where(*_of_attempt(undo, number))


def load_present(undo: UndoWorkspace) -> None:
    """Fill the plan tables with what the roster holds now of the traced records, and of what they hang on."""
    named = {
        "placement": [_named(undo, "placement", undo.traced.c.k1, undo.traced.c.k2, own=True)],
        "enrollment": [_named(undo, "enrollment", undo.traced.c.k1, undo.traced.c.k2, own=True)],
        "person": [_named(undo, name, undo.traced.c.k1, own=name == "person") for name in _OF_PEOPLE],
        "class": [_named(undo, "class", undo.traced.c.k1, own=True), _named(undo, "enrollment", undo.traced.c.k2)],
    }
    for name, keys in named.items():
        _load(undo, undo.ws.shapes[name], keys)
    _load(undo, undo.ws.shapes["school"], [*_schools(undo)])
    for name in undo.ws.shapes:
        undo.ws.analyze(undo.ws.plans[name])
        _note_missing(undo, undo.ws.shapes[name])


def _named(undo: UndoWorkspace, entity: str, *keys: Any, own: bool = False) -> Select[*tuple[Any, ...]]:
    named = [key.label(f"k{number}") for number, key in enumerate(keys, start=1)]
    return select(*named, case((literal(own), undo.traced.c.line)).label("line")).where(undo.traced.c.entity == entity)


def _schools(undo: UndoWorkspace) -> Iterator[Select[*tuple[Any, ...]]]:
    yield _named(undo, "school", undo.traced.c.k1, own=True)
    yield _named(undo, "placement", undo.traced.c.k2)
    yield select(undo.ws.plans["class"].c.old_school_id.label("k1"), cast(null(), BigInteger).label("line"))


def _load(undo: UndoWorkspace, shape: EntityShape, named: Sequence[Select[*tuple[Any, ...]]]) -> None:
    plan, record = undo.ws.plans[shape.name], shape.table
    every = union_all(*named).subquery("every")
    parts = [every.c[f"k{number}"] for number, _ in enumerate(shape.keys, start=1)]
    keys = select(*parts, func.min(every.c.line).label("line")).group_by(*parts).subquery("keys")
    same = [record.c[key] == keys.c[f"k{number}"] for number, key in enumerate(shape.keys, start=1)]
    given: dict[str, Any] = {k: record.c[k] for k in shape.keys} | {"line": keys.c.line, "owner": record.c.owner}
    given |= {f"{age}_{a}": record.c[a] for a in shape.attributes for age in ("old", "new")}
    rows = select(*given.values()).select_from(keys.join(record, and_(record.c.district == undo.ws.district, *same)))
    undo.conn.execute(insert(plan).from_select(list(given), rows.order_by(*(record.c[k] for k in shape.keys))))


def _note_missing(undo: UndoWorkspace, shape: EntityShape) -> None:
    """Records that are not there under their key any more, and those that the file does not own any more."""
    plan = undo.ws.plans[shape.name]
    there = exists().where(undo.traced_keys(shape, plan))
    rows = select(
        literal(shape.name),
        undo.traced.c.k1,
        undo.traced.c.k2,
        cast(null(), Text),
        literal(NotRestoredReason.GONE.value),
    )
    gone = rows.where(undo.traced.c.entity == shape.name, not_(there)).distinct()
    undo.conn.execute(insert(undo.left).from_select(list(undo.left.c.keys()), gone))
    mine = exists().where(undo.traced_keys(shape, plan))
    undo.note(shape.name, and_(plan.c.owner != Owner.FILE, mine), None, NotRestoredReason.OWNER)
