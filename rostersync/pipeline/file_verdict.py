"""Bytes → a reading → what the file rules and the plan say about it. Used by the night, a dry run and `check` alike."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd
from sqlalchemy import Connection

from rostersync import planning
from rostersync import reading as reader
from rostersync.configuration.dictionary import Dictionary
from rostersync.ledger import Delivery
from rostersync.model import Evaluation, Finding, Outcome, Reading, RowCounts, Screened, Severity
from rostersync.pipeline.context import dictionary_of
from rostersync.pipeline.results import NO_COUNTS, by_line, row_counts
from rostersync.planning import AbsentPeople, ExcludedRows, Plan, PlanContext
from rostersync.screening import normalize
from rostersync.transports.landing_store import LandingStore

if TYPE_CHECKING:
    from rostersync.configuration.districts import District

_UNLIMITED = 2**62
_SEPARATORS = re.compile(r"[,;\t\r\n\"]+")


def read_landed(data: bytes, dictionary: Dictionary, district: District | None = None, name: str = "") -> Reading:
    """Read a file by the limits and policies of its district; without one, without limits. `name`: if known."""
    return reader.read(
        data,
        dictionary,
        fallback_encoding=district.policies.fallback_encoding if district else True,
        workbooks=district.policies.workbooks if district else True,
        max_bytes=district.limits.max_bytes if district else _UNLIMITED,
        max_rows=district.limits.max_rows if district else _UNLIMITED,
        name=name,
    )


def read_again(landing: LandingStore, district: District, delivery: Delivery, findings: Sequence[Finding]) -> Screened:
    """The rows that were screened: the same reader, the delivery's dictionary and the stored findings give them."""
    dictionary = dictionary_of(district)
    reading = read_landed(landing.read(district.code, delivery.sha256), dictionary, district)
    rows = normalize.staging_rows(reading, dictionary, tuple(findings))
    return Screened(reading=reading, rows=rows, findings=tuple(findings))


def screen_landed_bytes(reading: Reading, dictionary: Dictionary, district: District | None = None) -> Screened:
    """Judge a reading by the file rules. Raises SuiteFailed."""
    # Great Expectations takes seconds to import: tasks that do not screen must not pay for it.
    from rostersync import screening

    return screening.screen(reading, dictionary, email_domains=district.email_domains if district else ())


def refused_evaluation(screened: Screened) -> Evaluation:
    """A refused file applies nothing; each of its rows counts as rejected."""
    return Evaluation(
        outcome=Outcome.REFUSED,
        rows=row_counts(screened),
        counts=NO_COUNTS,
        by_school={},
        findings=by_line(screened.findings),
    )


def evaluate_plan(plan: Plan, findings: Sequence[Finding]) -> Evaluation:
    """A plan with all its findings, of the file and of the roster."""
    return Evaluation(
        outcome=_outcome(plan.rows, findings),
        rows=plan.rows,
        counts=plan.counts,
        by_school=plan.by_school,
        findings=by_line(findings),
        changes=plan.changes,
    )


def absent_people_of_file(plan: Plan, screened: Screened, district: District) -> AbsentPeople | None:
    """Whom the file, if it means to be complete, does not name; None: nobody, or the district is not told.

    Rows that have too few or too many cells for the plan name people, too.
    """
    absent = planning.find_absent_people(plan.workspace) if district.policies.report_absent else None
    return absent.without(_cells_not_laid_out(screened.reading)) if absent else None


def named_in(reading: Reading) -> set[str]:
    """The texts by which a file may name people: IDs, addresses, and whatever is in rows that were not laid out."""
    columns = (reading.frame[header].unique() for header in ("userId", "userEmail") if header in reading.frame)
    return {str(cell) for cells in columns for cell in cells}.union(_cells_not_laid_out(reading))


def _cells_not_laid_out(reading: Reading) -> set[str]:
    return {cell for row in reading.raw_rows for cell in _SEPARATORS.split(row.text)}


def _outcome(rows: RowCounts, findings: Sequence[Finding]) -> Outcome:
    if any(finding.severity is Severity.HOLD for finding in findings):
        return Outcome.HELD
    return Outcome.APPLIED_WITH_ERRORS if rows.rejected else Outcome.APPLIED


def plan_screened(
    conn: Connection, context: PlanContext, screened: Screened, aside: ExcludedRows | None = None
) -> Plan:
    """The plan of the rows; its findings are those of the roster rules, and conflicts that only the roster brought up.

    Where the roster refuses a removal, the rows it would have taken must agree, too: which removals are accepted the
    plan knows, whether rows agree the file rules know. Which are refused does not depend on the other rows, so planning
    once more is enough. Raises InvariantBroken, SuiteFailed.
    """
    plan = planning.plan(conn, context, screened.rows, aside)
    refused = plan.refused_removals - _rejected(screened.findings)
    if not refused:
        return plan
    # As above: and most nights refuse no such removal.
    from rostersync import screening

    conflicts = screening.conflicts_without(screened, context.dictionary, refused)
    if conflicts:
        plan = planning.plan(conn, context, _rejecting(screened.rows, _rejected(conflicts)), aside)
    return replace(plan, findings=(*plan.findings, *conflicts))


def _rejected(findings: Iterable[Finding]) -> frozenset[int]:
    return frozenset(f.line for f in findings if f.severity is Severity.ROW and f.line is not None)


def _rejecting(rows: pd.DataFrame, lines: frozenset[int]) -> pd.DataFrame:
    status = rows["status"].mask(rows["line"].isin(lines), "rejected")
    return rows.assign(status=status)
