"""Accepted rows → roster rules and the change plan, in SQL, under the district's lock.

Writes nothing but temporary tables.
The caller owns the transaction: lock, plan, (apply), commit or roll back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
from sqlalchemy import Connection, func, select

from rostersync.database import tables, translated
from rostersync.model import Counts, DateChanges, Finding, RowCounts
from rostersync.planning.counts import count_entities, count_rows
from rostersync.planning.finding_details import describe_findings
from rostersync.planning.rejected_rows import note_taken_values
from rostersync.planning.rules.excluded_rows import LEFT_OUT, ExcludedRows, exclude_rows
from rostersync.planning.rules.folded_rows import refused_removals
from rostersync.planning.rules.remarks import note_remarks
from rostersync.planning.rules.single_rows import find_row_violations
from rostersync.planning.rules.unchanged_rows import set_unchanged_rows_apart
from rostersync.planning.rules.unique_values import find_claim_violations
from rostersync.planning.targets.date_changes import is_due, plan_date_changes
from rostersync.planning.targets.entities import plan_entities
from rostersync.planning.workspace import PlanContext, Workspace, open_workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the file asks for, judged: findings of the roster rules, counts, and how many records would change.

    `refused_removals`: lines of removals that were not accepted, so that rows which they would have taken are judged
    like any; whether these agree is for the file rules to say. `workspace` holds the plan tables; it is good until the
    transaction ends.
    """

    workspace: Workspace
    findings: tuple[Finding, ...]
    rows: RowCounts
    counts: Counts
    by_school: Mapping[str, Counts]
    changes: int
    refused_removals: frozenset[int] = frozenset()

    @property
    def left_out_lines(self) -> list[int]:
        """The lines of rows that an approval, this one or an earlier one, left out."""
        return [finding.line for finding in self.findings if finding.code == LEFT_OUT and finding.line]


def lock_district(conn: Connection, district: str, wait_seconds: float = 60) -> int:
    """Take the district's lock until the transaction ends; gives its roster version.

    Raises DistrictBusy when another writer keeps it for longer than `wait_seconds`.
    """
    with translated():
        conn.execute(select(func.set_config("lock_timeout", f"{int(wait_seconds * 1000)}ms", True)))
        conn.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"rostersync/{district}", 0))))
        version = conn.scalar(select(tables.district.c.roster_version).where(tables.district.c.code == district))
    return int(version or 0)


def plan(conn: Connection, context: PlanContext, rows: pd.DataFrame, aside: ExcludedRows | None = None) -> Plan:
    """Stage `rows` (`Screened.rows`), judge them by the roster rules and plan the change, without those `aside`."""
    ws = open_workspace(conn, context, rows)
    exclude_rows(ws, aside or ExcludedRows())
    set_unchanged_rows_apart(ws)
    find_row_violations(ws)
    find_claim_violations(ws)
    plan_entities(ws)
    note_taken_values(ws)
    note_remarks(ws)
    counts, by_school = count_entities(ws)
    return Plan(
        workspace=ws,
        findings=describe_findings(ws),
        rows=count_rows(ws),
        counts=counts,
        by_school=by_school,
        changes=_changes(ws),
        refused_removals=refused_removals(ws),
    )


def apply_date_changes(conn: Connection, context: PlanContext) -> tuple[Plan, DateChanges] | None:
    """The plan of what the day `context.today` does to dated assignments, without any file; None: nothing.

    The caller holds the district's lock.
    """
    if not is_due(conn, context):
        return None
    ws = Workspace(conn, context, ())
    ws.create()
    dated = plan_date_changes(ws)
    return Plan(workspace=ws, findings=(), rows=RowCounts(), counts={}, by_school={}, changes=_changes(ws)), dated


def _changes(ws: Workspace) -> int:
    actions = [select(func.count()).where(p.c.action != "unchanged").scalar_subquery() for p in ws.plans.values()]
    return sum(ws.conn.execute(select(*actions)).one())
