"""Bytes → a reading → what the file rules and the plan say about it. Used by the night, a dry run and `check` alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rostersync import reading as reader
from rostersync.configuration.dictionary import Dictionary
from rostersync.model import Finding, Judgement, Outcome, Reading, RowCounts, Screened, Severity
from rostersync.pipeline.results import NO_COUNTS, by_line, row_counts

if TYPE_CHECKING:
    from rostersync.configuration.districts import District
    from rostersync.planning import Plan

_UNLIMITED = 2**62


def read(data: bytes, dictionary: Dictionary, district: District | None = None) -> Reading:
    """Read a file by the limits and policies of its district; without one, without limits."""
    return reader.read(
        data,
        dictionary,
        fallback_encoding=district.policies.fallback_encoding if district else True,
        max_bytes=district.limits.max_bytes if district else _UNLIMITED,
        max_rows=district.limits.max_rows if district else _UNLIMITED,
    )


def screen(reading: Reading, dictionary: Dictionary, district: District | None = None) -> Screened:
    """Judge a reading by the file rules. Raises SuiteFailed."""
    # Great Expectations takes seconds to import: tasks that do not screen must not pay for it.
    from rostersync import screening

    return screening.screen(reading, dictionary, email_domains=district.email_domains if district else ())


def refusal(screened: Screened) -> Judgement:
    """A refused file applies nothing; each of its rows counts as rejected."""
    return Judgement(
        outcome=Outcome.REFUSED,
        rows=row_counts(screened),
        counts=NO_COUNTS,
        by_school={},
        findings=by_line(screened.findings),
    )


def judgement(plan: Plan, findings: Sequence[Finding]) -> Judgement:
    """A plan with all its findings, of the file and of the roster."""
    return Judgement(
        outcome=_outcome(plan.rows, findings),
        rows=plan.rows,
        counts=plan.counts,
        by_school=plan.by_school,
        findings=by_line(findings),
        changes=plan.changes,
    )


def _outcome(rows: RowCounts, findings: Sequence[Finding]) -> Outcome:
    if any(each.severity is Severity.HOLD for each in findings):
        return Outcome.HELD
    return Outcome.APPLIED_WITH_ERRORS if rows.rejected else Outcome.APPLIED
