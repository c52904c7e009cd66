"""Rows that an accepted removal of the same file takes with it, wholly or their class part.

Removals are judged before anything is folded, so that a removal which the roster refuses, or which an approval left
out, takes nothing: the rows it names are then judged like any.

    REMOVE-USER,100,u1      accepted: of every other row of u1 at 100 nothing applies
    REMOVE-CLASS,100,,c1    accepted: a REMOVE-ENROLLMENT in c1 does not apply; of other rows their class part does not
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Subquery, and_, exists, func, literal, or_, select, union, update

from rostersync.database.conditions import Condition
from rostersync.model import RowStatus, Severity
from rostersync.planning.predicates import FindingSelect
from rostersync.planning.workspace import Workspace, row_finding_columns

TAKING = {"REMOVE-USER": ("userId", "schoolId"), "REMOVE-CLASS": ("classId",)}
"""Removal → the cells in which the rows that it takes are like it."""


def takes_others(ws: Workspace) -> Condition:
    """Rows whose action takes other rows with it."""
    return func.coalesce(ws.cell("action").in_(list(TAKING)), False)


def fold_rows(ws: Workspace) -> None:
    """`row-folded`: what accepted removals take is set aside; rows whose class part they take are marked.

    Example: `REMOVE-USER,0100,u1 beside ,0100,u1,Teacher,…` - the second row, nothing of which is applied.
    """
    for word in TAKING:
        wholly = and_(ws.accepted, _wholly(ws, word))
        if ws.record_findings(_remark(ws, word, _accepted(ws, word), "row").where(wholly)):
            ws.conn.execute(update(ws.stage).values(status=RowStatus.FOLDED).where(wholly, _is_taken(ws, word)))
    additions = and_(ws.accepted, ws.cell("action").is_(None))
    ws.conn.execute(update(ws.stage).values(class_part_dropped=True).where(additions, _is_taken(ws, "REMOVE-CLASS")))


def class_parts(ws: Workspace) -> Iterator[FindingSelect]:
    """`row-folded` about the class part of rows that are accepted in the end: of a rejected one it would be no news."""
    removal = _accepted(ws, "REMOVE-CLASS")
    yield _remark(ws, "REMOVE-CLASS", removal, "class").where(ws.accepted, ws.stage.c.class_part_dropped)


def refused_removals(ws: Workspace) -> frozenset[int]:
    """Lines of removals that are not accepted though other rows name what they would have taken."""
    lines = []
    for word, headers in TAKING.items():
        row, other = ws.stage, ws.stage.alias("other")
        same = and_(*(_cell(ws, other, header) == ws.cell(header) for header in headers))
        named = exists().where(same, _cell(ws, other, "action").is_distinct_from(word))
        lines.append(select(row.c.line).where(row.c.status != RowStatus.ACCEPTED, ws.cell("action") == word, named))
    return frozenset(ws.conn.scalars(union(*lines)))


def _cell(ws: Workspace, rows: FromClause, header: str) -> ColumnElement[Any]:
    return rows.c[header] if header in ws.present else ws.cell(header)


def _accepted(ws: Workspace, word: str) -> Subquery:
    """The cells in which rows are taken, and the first line that removes."""
    cells = [ws.cell(header).label(header) for header in TAKING[word]]
    removals = select(*cells, func.min(ws.stage.c.line).label("line")).where(ws.does(word))
    return removals.group_by(*(ws.cell(header) for header in TAKING[word])).subquery("removal")


def _is_taken(ws: Workspace, word: str) -> Condition:
    removal = _accepted(ws, word)
    return exists().select_from(removal).where(_taken_by(ws, word, removal))


def _taken_by(ws: Workspace, word: str, removal: Subquery) -> Condition:
    """Other rows that are like an accepted removal."""
    return and_(
        ws.cell("action").is_distinct_from(word), *(ws.cell(header) == removal.c[header] for header in TAKING[word])
    )


def _wholly(ws: Workspace, word: str) -> Condition:
    """Nothing is left of a row of the person at the school; of the class, only of one that ends an enrollment in it."""
    return or_(literal(word == "REMOVE-USER"), ws.cell("action") == "REMOVE-ENROLLMENT")


def _remark(ws: Workspace, word: str, removal: Subquery, part: str) -> FindingSelect:
    what = {"row": "the row is", "class": "the class part of the row is"}[part]
    facts: dict[str, Any] = {
        "part": literal(part),
        "what": literal(what),
        "by": removal.c.line,
        "action": literal(word),
    }
    joined = ws.stage.join(removal, _taken_by(ws, word, removal))
    return select(*row_finding_columns(ws, None, "row-folded", Severity.REMARK, **facts)).select_from(joined)
