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
from rostersync.model import Correction, LeftReason
from rostersync.planning.workspace_tables import EntityShape
from rostersync.undoing.workspace import Undoing

_LOGGED = ("created", "updated", "removed")
_OF_PEOPLE = ("person", "placement", "enrollment")


def trace(u: Undoing, attempts: Sequence[int], corrections: Sequence[Correction]) -> None:
    """Fill `traced` with the changes of these attempts, each under the present ID of its person.

    `corrections`: every corrected ID of the district since the first of them, in order.
    """
    for number in attempts:
        last = u.conn.scalar(select(func.max(t.change.c.id)).where(*_of_attempt(u, number))) or 0
        moved = ids_now(each for each in corrections if each.change > last)
        u.conn.execute(insert(u.traced).from_select(list(u.traced.c.keys()), _traced(u, number, moved)))
    u.ws.analyze(u.traced)


def ids_now(corrections: Iterable[Correction]) -> dict[str, str]:
    """Then → now, of everybody whose ID was corrected since: one after the other, in their order."""
    now: dict[str, str] = {}
    then: dict[str, str] = {}
    for each in corrections:
        origin = then.pop(each.old, each.old)
        if origin == each.old and each.old in now:
            # Somebody who got this ID after the one we follow had given it up.
            continue
        now[origin], then[each.new] = each.new, origin
    return {origin: id_ for origin, id_ in now.items() if origin != id_}


def _of_attempt(u: Undoing, number: int) -> tuple[Any, ...]:
    c = t.change.c
    mine = (c.district == u.ws.district, c.delivery == u.delivery, c.attempt == number)
    return (*mine, c.action.in_(_LOGGED))


def _traced(u: Undoing, number: int, moved: Mapping[str, str]) -> Select[*tuple[Any, ...]]:
    c = t.change.c
    known, first = select(t.change), c.key[1]
    if moved:
        ids = value_rows(column("then_id", Text), column("now_id", Text), name="moved").data(list(moved.items()))
        mine = and_(ids.c.then_id == c.key[1], c.entity.in_(_OF_PEOPLE))
        known, first = select(t.change).outerjoin(ids, mine), func.coalesce(ids.c.now_id, c.key[1])
    columns = (c.id, c.attempt, c.entity, first, c.key[2], c.key[1], c.action, c.before, c.after, c.line)
    return known.with_only_columns(*columns, maintain_column_froms=True).where(*_of_attempt(u, number))


def load_present(u: Undoing) -> None:
    """Fill the plan tables with what the roster holds now of the traced records, and of what they hang on."""
    named = {
        "placement": [_named(u, "placement", u.traced.c.k1, u.traced.c.k2, own=True)],
        "enrollment": [_named(u, "enrollment", u.traced.c.k1, u.traced.c.k2, own=True)],
        "person": [_named(u, name, u.traced.c.k1, own=name == "person") for name in _OF_PEOPLE],
        "class": [_named(u, "class", u.traced.c.k1, own=True), _named(u, "enrollment", u.traced.c.k2)],
    }
    for name, keys in named.items():
        _load(u, u.ws.shapes[name], keys)
    _load(u, u.ws.shapes["school"], [*_schools(u)])
    for name in u.ws.shapes:
        u.ws.analyze(u.ws.plans[name])
        _note_missing(u, u.ws.shapes[name])


def _named(u: Undoing, entity: str, *keys: Any, own: bool = False) -> Select[*tuple[Any, ...]]:
    named = [key.label(f"k{number}") for number, key in enumerate(keys, start=1)]
    return select(*named, case((literal(own), u.traced.c.line)).label("line")).where(u.traced.c.entity == entity)


def _schools(u: Undoing) -> Iterator[Select[*tuple[Any, ...]]]:
    yield _named(u, "school", u.traced.c.k1, own=True)
    yield _named(u, "placement", u.traced.c.k2)
    yield select(u.ws.plans["class"].c.old_school_id.label("k1"), cast(null(), BigInteger).label("line"))


def _load(u: Undoing, shape: EntityShape, named: Sequence[Select[*tuple[Any, ...]]]) -> None:
    plan, record = u.ws.plans[shape.name], shape.table
    every = union_all(*named).subquery("every")
    parts = [every.c[f"k{number}"] for number, _ in enumerate(shape.keys, start=1)]
    keys = select(*parts, func.min(every.c.line).label("line")).group_by(*parts).subquery("keys")
    same = [record.c[key] == keys.c[f"k{number}"] for number, key in enumerate(shape.keys, start=1)]
    given: dict[str, Any] = {k: record.c[k] for k in shape.keys} | {"line": keys.c.line, "owner": record.c.owner}
    given |= {f"{age}_{a}": record.c[a] for a in shape.attributes for age in ("old", "new")}
    rows = select(*given.values()).select_from(keys.join(record, and_(record.c.district == u.ws.district, *same)))
    u.conn.execute(insert(plan).from_select(list(given), rows.order_by(*(record.c[k] for k in shape.keys))))


def _note_missing(u: Undoing, shape: EntityShape) -> None:
    """Records that are not there under their key any more, and those that the file does not own any more."""
    plan = u.ws.plans[shape.name]
    there = exists().where(u.traced_keys(shape, plan))
    rows = select(literal(shape.name), u.traced.c.k1, u.traced.c.k2, cast(null(), Text), literal(LeftReason.GONE.value))
    gone = rows.where(u.traced.c.entity == shape.name, not_(there)).distinct()
    u.conn.execute(insert(u.left).from_select(list(u.left.c.keys()), gone))
    mine = exists().where(u.traced_keys(shape, plan))
    u.note(shape.name, and_(plan.c.owner != "file", mine), None, LeftReason.OWNER)
