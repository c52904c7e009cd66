"""Rows that an approval leaves out: set aside before anything is judged, so that nothing of them is in the plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, and_, any_, bindparam, literal, select, update

from rostersync.database.conditions import Condition
from rostersync.model import RowStatus, Severity
from rostersync.planning.workspace import Workspace, finding_columns

LEFT_OUT = "row-left-out"
SCHOOL_WAITS = "its school was left out of the approval"
CHANGED_SINCE = "a newer file has changed the same record since"
LEFT_OUT_BEFORE = "it was left out when this file was approved"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExcludedRows:
    """Rows to leave out: all of these schools, and single lines whose records a newer delivery has changed.

    `left_out_before`: lines that an earlier approval of the same bytes left out.
    """

    schools: tuple[str, ...] = ()
    lines: frozenset[int] = frozenset()
    left_out_before: frozenset[int] = frozenset()


def exclude_rows(ws: Workspace, aside: ExcludedRows) -> None:
    """Note a remark for each such row and take its acceptance away. Rows with errors stay what they are."""
    delivered = ws.delivered.c
    if aside.left_out_before:
        _leave_out(ws, _among(delivered.line, aside.left_out_before), None, LEFT_OUT_BEFORE)
    if aside.schools:
        _leave_out(ws, delivered.schoolId.in_(aside.schools), "schoolId", SCHOOL_WAITS)
    if aside.lines:
        _leave_out(ws, _among(delivered.line, aside.lines), None, CHANGED_SINCE)


def _among(line: ColumnElement[Any], lines: frozenset[int]) -> Condition:
    """One parameter, however many lines: PostgreSQL takes no more than 65,535 in a statement."""
    return line == any_(bindparam(None, sorted(lines), type_=ARRAY(BigInteger)))


def _leave_out(ws: Workspace, rows: ColumnElement[bool], column: str | None, reason: str) -> None:
    """`row-left-out`: accepted rows of a held school, or of what a newer delivery has changed, are set aside.

    Example: `,0200,u1,Teacher,…` - approved without 0200: the row, schoolId, the reason.
    """
    hit = and_(ws.delivered.c.status == RowStatus.ACCEPTED, rows)
    ws.record_findings(
        select(ws.delivered.c.line, *finding_columns(column, LEFT_OUT, Severity.REMARK, reason=literal(reason))).where(
            hit
        )
    )
    ws.conn.execute(update(ws.delivered).values(status=RowStatus.FOLDED).where(hit))
