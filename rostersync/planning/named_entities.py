"""Which entities a row of the file names, and how many distinct ones the file names or ends altogether.

The second is asked of the rows as they were delivered, whatever became of each of them: what the counts are held
against.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Table, Text, and_, cast, func, literal, not_, null, or_, select, union

from rostersync.planning.workspace import Workspace

Cell = Callable[[str], ColumnElement[Any]]
"""A row's cell by its header."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedEntity:
    """How rows name one kind of entity: the headers of its key and, in `rows`, which rows do. `plan`: where it stands.

    `placement` is a person at a school: what the staff of a school are counted by.
    """

    name: str
    headers: tuple[str, ...]
    plan: Table
    plan_keys: tuple[str, ...]
    rows: ColumnElement[Any]


def named_entities(ws: Workspace, cell: Cell) -> Iterator[NamedEntity]:
    """School, staff, placement, class and enrollment, as rows with these cells name them."""
    action = cell("action")
    adds = or_(action.is_(None), action.not_in(list(ws.dictionary.actions)))
    class_cells = or_(*(cell(h).is_not(None) for h in ws.dictionary.class_group.opens))
    opened = and_(adds, class_cells)
    user, class_, both = (action == word for word in ("REMOVE-USER", "REMOVE-CLASS", "REMOVE-ENROLLMENT"))
    for name, plan, headers, rows in (
        ("school", "school", ("schoolId",), literal(True)),
        ("staff", "person", ("userId",), or_(adds, user, both)),
        ("placement", "placement", ("userId", "schoolId"), or_(adds, user, both)),
        ("class", "class", ("classId",), or_(opened, class_, both)),
        ("enrollment", "enrollment", ("userId", "classId"), or_(opened, both)),
    ):
        yield NamedEntity(name=name, headers=headers, plan=ws.plans[plan], plan_keys=ws.shapes[plan].keys, rows=rows)


def count_distinct(ws: Workspace) -> dict[str, int]:
    """entity → how many distinct ones the rows name, or the plan ends. An unusable key is one of its own."""
    return {named.name: _distinct(ws, named) for named in named_entities(ws, _delivered(ws))}


def _delivered(ws: Workspace) -> Cell:
    return lambda header: ws.delivered.c[header] if header in ws.present else cast(null(), Text)


def _distinct(ws: Workspace, named: NamedEntity) -> int:
    cells = [_delivered(ws)(header) for header in named.headers]
    usable = and_(*(cell.is_not(None) for cell in cells))
    keys = union(
        select(*cells).select_from(ws.delivered).where(named.rows, usable),
        select(*(named.plan.c[key] for key in named.plan_keys)),
    ).subquery("keys")
    unusable = select(func.count()).select_from(ws.delivered).where(named.rows, not_(usable))
    whole = select(func.count()).select_from(keys).scalar_subquery() + unusable.scalar_subquery()
    return int(ws.conn.execute(select(whole)).scalar_one())
