"""What the pipeline gives back: ids, counts and findings, and their stable JSON shapes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rostersync.catalogue import findings as catalogue
from rostersync.configuration.dictionary import Dictionary
from rostersync.ledger import Attempt
from rostersync.model import BUCKETS, ENTITIES, Counts, Evaluation, Finding, Outcome, RowCounts, Screened, Severity
from rostersync.reporting.grouping import without_cells

NO_COUNTS: Counts = {entity: dict.fromkeys(BUCKETS, 0) for entity in ENTITIES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """One file of a look (or, with no delivery, what the look found): `outcome` is None while there is work to do."""

    delivery: str | None
    outcome: Outcome | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """`deliveries`: what the next tasks go through, in order. `outcome`: why there is nothing to do, else None."""

    deliveries: tuple[str, ...]
    outcome: Outcome | None
    arrivals: tuple[Arrived, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncResult:
    """How one arrival ended. `error`: what broke when it is `failed`; `set_aside`: what of a duplicate was and by whom.

    `left_out`: how many rows an approval left out, now or before.
    """

    district: str
    delivery: str | None
    outcome: Outcome
    attempt: int | None = None
    rows: RowCounts = field(default_factory=RowCounts)
    counts: Counts = field(default_factory=lambda: NO_COUNTS)
    by_school: Mapping[str, Counts] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    changes: int = 0
    error: str | None = None
    set_aside: str | None = None
    left_out: int = 0

    def to_json(self, dictionary: Dictionary | None = None) -> dict[str, Any]:
        """The object that `rostersync sync --format json` prints for this arrival; a log may keep it: no cell in it."""
        told = self.findings
        if dictionary is not None:
            told = tuple(
                finding if finding.severity is Severity.HOLD else without_cells(finding, dictionary) for finding in told
            )
        return {
            "district": self.district,
            "delivery": self.delivery,
            "attempt": self.attempt,
            "outcome": self.outcome.value,
            "rows": asdict(self.rows),
            "counts": self.counts,
            "by_school": self.by_school,
            "findings": findings_json(told, dictionary),
        }

    def summary(self) -> dict[str, Any]:
        """Ids and counts only: what a task may push to XCom."""
        return {
            "delivery": self.delivery,
            "attempt": self.attempt,
            "outcome": self.outcome.value,
            "rows": asdict(self.rows),
            "counts": {entity: dict(buckets) for entity, buckets in self.counts.items()},
            "changes": self.changes,
        }


def result_of(
    district: str, attempt: Attempt, findings: tuple[Finding, ...], outcome: Outcome | None = None
) -> SyncResult:
    """A stored attempt as a result; a duplicate carries its latest attempt under its own outcome."""
    return SyncResult(
        district=district,
        delivery=attempt.delivery,
        outcome=outcome or attempt.outcome,
        attempt=attempt.number,
        rows=attempt.rows,
        counts=attempt.counts,
        by_school=attempt.by_school,
        findings=findings,
        changes=attempt.changes,
        left_out=attempt.left_out,
    )


def evaluated_result(district: str, delivery: str | None, attempt: int | None, evaluation: Evaluation) -> SyncResult:
    """A fresh judgement as a result."""
    return SyncResult(
        district=district,
        delivery=delivery,
        outcome=evaluation.outcome,
        attempt=attempt,
        rows=evaluation.rows,
        counts=evaluation.counts,
        by_school=evaluation.by_school,
        findings=evaluation.findings,
        changes=evaluation.changes,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A file judged without writing. `findings` are all; with a district those of the roster too."""

    dictionary: Dictionary
    screened: Screened
    rows: RowCounts
    findings: tuple[Finding, ...]
    evaluation: Evaluation | None = None

    @property
    def verdict(self) -> str:
        """accepted, accepted_with_errors or refused."""
        if self.screened.refused:
            return "refused"
        return "accepted_with_errors" if self.rows.rejected else "accepted"

    def to_json(self) -> dict[str, Any]:
        """The object that `rostersync check --format json` prints."""
        return {
            "verdict": self.verdict,
            "dictionary_version": self.dictionary.version,
            "rows": asdict(self.rows),
            "findings": findings_json(self.findings, self.dictionary),
        }


def findings_json(findings: Sequence[Finding], dictionary: Dictionary | None) -> list[dict[str, Any]]:
    """Findings as data; the text of a personal cell is left out of the message."""
    return [
        {
            "code": finding.code,
            "severity": finding.severity.value,
            "line": finding.line,
            "column": finding.column,
            "message": catalogue.message(finding, masked=_personal(finding, dictionary)),
            "resolution": catalogue.resolution(finding, masked=_personal(finding, dictionary)),
        }
        for finding in findings
    ]


def _personal(finding: Finding, dictionary: Dictionary | None) -> bool:
    column = dictionary.by_header.get(finding.column or "") if dictionary else None
    return dictionary is None or (column is not None and column.personal)


def row_counts(screened: Screened) -> RowCounts:
    """Data rows as the file rules alone judge them; every row of a refused file is rejected."""
    read = screened.reading.rows_read
    if screened.refused:
        return RowCounts(read=read, rejected=read)
    folded = {f.line for f in screened.findings if f.code == "row-folded" and f.detail.get("part") == "row"}
    set_aside = screened.rows["line"].isin(folded)
    status = Counter(screened.rows["status"][~set_aside])
    return RowCounts(
        read=read, accepted=status["accepted"], rejected=status["rejected"], set_aside=int(set_aside.sum())
    )


def by_line(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Findings in the order a person reads the file: the whole file first, then by line."""
    return tuple(sorted(findings, key=lambda finding: (finding.line is not None, finding.line or 0)))


def tally(findings: Sequence[Finding]) -> dict[str, int]:
    """severity → how many: what may be said in XCom about findings."""
    counted = Counter(finding.severity for finding in findings)
    return {severity.value: counted[severity] for severity in Severity}
