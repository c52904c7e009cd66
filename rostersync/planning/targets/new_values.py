"""What a file's rows make of a record's stored values. Only `file`-owned records change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import CTE, ColumnElement, FromClause, Table, and_, case, false, func, insert, or_, select

from rostersync.database.conditions import Condition
from rostersync.model import Owner
from rostersync.planning.predicates import kept_by_hand, known_as
from rostersync.planning.workspace import Workspace

Values = Mapping[str, ColumnElement[Any]]


def write_targets(
    ws: Workspace, entity: str, joined: FromClause, named: FromClause, new: Values, extra: Values
) -> None:
    """Write old and new values of the named keys and derive the action from them."""
    shape, plan = ws.shapes[entity], ws.plans[entity]
    record = shape.table.c
    inner = select(
        *(named.c[k] for k in shape.keys),
        *(value.label(name) for name, value in extra.items()),
        named.c.line,
        func.coalesce(record.owner, Owner.FILE).label("owner"),
        or_(named.c.asked, named.c.removed).label("asked"),
        *(record[a].label(f"old_{a}") for a in shape.attributes),
        *(new[a].label(f"new_{a}") for a in shape.attributes),
    ).select_from(joined)
    rows = inner.subquery("rows")
    columns = [c.name for c in plan.c if c.name != "action"]
    ws.conn.execute(
        insert(plan).from_select(
            [*columns, "action"], select(*(rows.c[c] for c in columns), _action(shape.live, shape.attributes, rows))
        )
    )
    ws.analyze(plan)


def _action(live: tuple[str, ...], attributes: tuple[str, ...], rows: FromClause) -> ColumnElement[Any]:
    differs = or_(*(rows.c[f"old_{a}"].is_distinct_from(rows.c[f"new_{a}"]) for a in attributes), _renamed(rows))
    ends = and_(rows.c.old_status.in_(live), rows.c.new_status.not_in(live))
    return case(
        (rows.c.asked.is_(False), "unchanged"),
        (rows.c.old_status.is_(None), "created"),
        (ends, "removed"),
        (differs, "updated"),
        else_="unchanged",
    )


def _renamed(rows: FromClause) -> ColumnElement[Any]:
    return rows.c.old_user_id.is_not(None) if "old_user_id" in rows.c else false()


def asked_by(ws: Workspace, header: str, rows: ColumnElement[Any]) -> ColumnElement[Any]:
    """What those of a key's rows say in this column: they agree, or are blank."""
    return func.any_value(ws.cell(header)).filter(rows)


def first_line(ws: Workspace, asks: ColumnElement[Any]) -> ColumnElement[Any]:
    """`line`: where a key's change is reported: its first row that asks for something, else the first that names it.

    A removal may name the school that another row brings back: what happened is told at the other row.
    """
    line = ws.stage.c.line
    return func.coalesce(func.min(line).filter(asks), func.min(line)).label("line")


def any_of(condition: ColumnElement[Any]) -> ColumnElement[Any]:
    """Whether it holds for some row of a key; never NULL."""
    return func.coalesce(func.bool_or(condition), false())


def file_may_write(record: Table, named: FromClause) -> Condition:
    """The file may write: it asks for something and the record is its own, or new."""
    return and_(named.c.asked, func.coalesce(record.c.owner, Owner.FILE) == Owner.FILE)


def new_value(record: Table, named: FromClause, attribute: str) -> ColumnElement[Any]:
    """The new value of a column whose blank cells keep the stored one."""
    stored = record.c[attribute]
    writes = and_(
        file_may_write(record, named), named.c[attribute].is_not(None), kept_by_hand(record, attribute).is_(False)
    )
    return case((writes, named.c[attribute]), else_=stored)


def as_known(ws: Workspace, named: CTE) -> tuple[FromClause, ColumnElement[Any]]:
    """The named people joined with their corrections, and the ID under which the roster knows them."""
    correction = ws.correction
    joined = named.outerjoin(correction, correction.c.user_id == named.c.user_id)
    return joined, known_as(correction, named.c.user_id)
