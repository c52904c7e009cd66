"""Accepted rows → roster rules and the change plan, in SQL, under the district's lock.

Writes nothing but temporary tables.
The caller owns the transaction: lock, plan, (apply), commit or roll back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
from rapidfuzz import process as nearest
from sqlalchemy import Connection, RowMapping, func, select

from rostersync import tables
from rostersync.database import translated
from rostersync.findings import found
from rostersync.model import Counts, Finding, RowCounts, Severity
from rostersync.planning.claims import judge_claims
from rostersync.planning.counting import count_entities, count_rows
from rostersync.planning.quiet import set_quiet_apart
from rostersync.planning.remarks import note_remarks
from rostersync.planning.rules import judge_rows
from rostersync.planning.targets import plan_entities
from rostersync.planning.workspace import PlanContext, Workspace, open_workspace

__all__ = ["Plan", "PlanContext", "lock_district", "plan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the file asks for, judged: findings of the roster rules, counts, and how many records would change.

    `workspace` holds the plan tables; it is good until the transaction ends.
    """

    workspace: Workspace
    findings: tuple[Finding, ...]
    rows: RowCounts
    counts: Counts
    by_school: Mapping[str, Counts]
    changes: int


def lock_district(conn: Connection, district: str, wait_seconds: float = 60) -> int:
    """Take the district's lock until the transaction ends; gives its roster version.

    Raises DistrictBusy when another writer keeps it for longer than `wait_seconds`.
    """
    with translated():
        conn.execute(select(func.set_config("lock_timeout", f"{int(wait_seconds * 1000)}ms", True)))
        conn.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"rostersync/{district}", 0))))
        version = conn.scalar(select(tables.district.c.roster_version).where(tables.district.c.code == district))
    return int(version or 0)


def plan(conn: Connection, context: PlanContext, rows: pd.DataFrame) -> Plan:
    """Stage `rows` (`Screened.rows`), judge them by the roster rules and plan the change."""
    ws = open_workspace(conn, context, rows)
    set_quiet_apart(ws)
    judge_rows(ws)
    judge_claims(ws)
    plan_entities(ws)
    note_remarks(ws)
    counts, by_school = count_entities(ws)
    return Plan(
        workspace=ws,
        findings=_findings(ws),
        rows=count_rows(ws),
        counts=counts,
        by_school=by_school,
        changes=_changes(ws),
    )


def _changes(ws: Workspace) -> int:
    actions = [select(func.count()).where(p.c.action != "unchanged").scalar_subquery() for p in ws.plans.values()]
    return sum(ws.conn.execute(select(*actions)).one())


def _findings(ws: Workspace) -> tuple[Finding, ...]:
    """All findings of the roster rules, with the cell each is about, in the order of the file."""
    found_, stage = ws.found, ws.stage
    joined = select(found_, stage).join(stage, stage.c.line == found_.c.line)
    rows = ws.conn.execute(joined.order_by(found_.c.line, found_.c.column, found_.c.code)).mappings().all()
    unknown = {row[found_.c.detail]["school"] for row in rows if row[found_.c.code] == "school-unknown"}
    near = _nearest_schools(ws, unknown)
    return tuple(_finding(ws, row, near) for row in rows)


def _finding(ws: Workspace, row: RowMapping, near: Mapping[str, str]) -> Finding:
    column, code, detail = (row[ws.found.c[name]] for name in ("column", "code", "detail"))
    if code == "school-unknown":
        detail = {**detail, "suggestion": near[detail["school"]]}
    return found(
        code,
        line=row[ws.found.c.line],
        column=column,
        value=row[ws.stage.c[column]] if column in ws.present else None,
        severity=Severity(row[ws.found.c.severity]),
        **detail,
    )


def _nearest_schools(ws: Workspace, unknown: set[str]) -> Mapping[str, str]:
    """Unknown schoolId → the district's nearest one, "none" when none is near."""
    if not unknown:
        return {}
    s = tables.school.c
    known = ws.conn.scalars(select(s.school_id).where(s.district == ws.district).order_by(s.school_id)).all()
    hits = {u: nearest.extractOne(u, known, score_cutoff=70) for u in unknown}
    return {u: hit[0] if hit else "none" for u, hit in hits.items()}
