"""Findings of an attempt, stored in the order they are reported in: `file` by validate, `roster` by the plan."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Text,
    bindparam,
    cast,
    column,
    func,
    insert,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.selectable import TableValuedAlias

from rostersync.database.tables import finding
from rostersync.model import Finding, Severity

if TYPE_CHECKING:
    from rostersync.ledger.attempts import Attempt

Stage = Literal["file", "roster"]

_FIELDS: dict[str, tuple[Any, Callable[[int, Finding], object]]] = {
    "position": (Integer, lambda position, _: position),
    "code": (Text, lambda _, row: row.code),
    "severity": (Text, lambda _, row: row.severity.value),
    "line": (BigInteger, lambda _, row: None if row.line is None else int(row.line)),
    "column": (Text, lambda _, row: row.column),
    "value": (Text, lambda _, row: row.value),
    "detail": (Text, lambda _, row: json.dumps(dict(row.detail), default=_as_json)),
}


def store_findings(
    conn: Connection, *, code: str, delivery_id: str, attempt: int, stage: Stage, findings: Sequence[Finding]
) -> None:
    """Store all findings in one statement: arrays instead of one round trip per finding."""
    if not findings:
        return
    columns = {
        name: [of(i, model_finding) for i, model_finding in enumerate(findings)] for name, (_, of) in _FIELDS.items()
    }
    rows = _unnested()
    owner = {"district": code, "delivery": delivery_id, "attempt": attempt, "stage": stage}
    chosen: list[ColumnElement[Any]] = [bindparam(f"of_{name}", value).label(name) for name, value in owner.items()]
    chosen += [cast(rows.c[name], JSONB) if name == "detail" else rows.c[name] for name in _FIELDS]
    conn.execute(insert(finding).from_select([*owner, *_FIELDS], select(*chosen)), columns)


def _as_json(value: Any) -> object:
    """NumPy's numbers as Python's; whatever else is not JSON as its text."""
    return value.item() if hasattr(value, "item") else str(value)


def _unnested() -> TableValuedAlias:
    arrays = [cast(bindparam(name), ARRAY(kind)) for name, (kind, _) in _FIELDS.items()]
    columns = [column(name, kind) for name, (kind, _) in _FIELDS.items()]
    return func.unnest(*arrays).table_valued(*columns).render_derived()


def findings_of(conn: Connection, delivery_id: str, attempt: int, stage: Stage | None = None) -> tuple[Finding, ...]:
    """The stored findings of an attempt: of one stage in its own order, or all by line."""
    wanted = select(finding).where(finding.c.delivery == delivery_id, finding.c.attempt == attempt)
    if stage:
        wanted = wanted.where(finding.c.stage == stage).order_by(finding.c.position)
    else:
        wanted = wanted.order_by(finding.c.line.asc().nulls_first(), finding.c.stage, finding.c.position)
    return tuple(
        Finding(
            code=row.code,
            severity=Severity(row.severity),
            line=row.line,
            column=row.column,
            value=row.value,
            detail=row.detail,
        )
        for row in conn.execute(wanted)
    )


def count_findings(conn: Connection, delivery_id: str, attempt: int, stage: Stage | None = None) -> int:
    """How many findings of an attempt are stored, of one stage or all: fewer than it had when they were swept."""
    wanted = select(func.count()).where(finding.c.delivery == delivery_id, finding.c.attempt == attempt)
    if stage:
        wanted = wanted.where(finding.c.stage == stage)
    return conn.execute(wanted).scalar_one()


def has_all_findings(conn: Connection, stored: Attempt) -> bool:
    """Whether nothing of what an attempt found was swept; one of which the number is not known has what there is."""
    return stored.findings in (None, count_findings(conn, stored.delivery, stored.number))
