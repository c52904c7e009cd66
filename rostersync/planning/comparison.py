"""What *differs* means: a row asks for another value than the stored one. Said once, for every rule and remark.

Rules, remarks about kept records, and the rows that are set apart as unchanged all ask it. If two of them disagreed, a
row would be passed over in silence. A condition made here is never NULL where the record is there.

    the cell                                asks for
    filled                                  its value
    blank                                   nothing: the stored value is kept
    blank, startDate or endDate             no limit, when the file has the column
    blank, primaryTeacher                   No, also when the file does not have the column
    userEmail                               its comparison key: case and the spelling of domains do not count
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, FromClause, Table, Text, and_, cast, func, literal, null, or_

from rostersync.configuration.dictionary import Column, Entity
from rostersync.database.conditions import Condition
from rostersync.planning.workspace import Workspace


def cell_of(ws: Workspace, rows: Table, header: str) -> ColumnElement[Any]:
    """The cell of `rows` (`delivered` or `stage`); NULL when the file has no such column."""
    return rows.c[header] if header in ws.present else cast(null(), Text)


def cell_differs(ws: Workspace, rows: Table, record: FromClause, column: Column) -> Condition:
    """The row asks for another value in this column than the record has."""
    stored, cell = record.c[column.attribute or ""], cell_of(ws, rows, column.header)
    if column.entity == "enrollment":
        return stored.is_distinct_from(func.coalesce(cell == "Yes", False))
    if column.entity == "assignment":
        # As text, because a row that was rejected for its date has no day; stored days have this one form.
        return cell.is_distinct_from(cast(stored, Text)) if column.header in ws.present else literal(False)
    if column.kind == "email":
        stored, cell = record.c.email_key, rows.c.email_key
    return and_(cell.is_not(None), cell.is_distinct_from(stored))


def any_differs(ws: Workspace, rows: Table, record: FromClause, entity: Entity) -> Condition:
    """The row asks for another value in some column of the entity; `assignment`: in one of the dates."""
    return or_(literal(False), *(cell_differs(ws, rows, record, column) for column in ws.dictionary.of(entity)))
