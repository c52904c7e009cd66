"""A fault or remark about a file, and what an apply came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rostersync.model.counts import Counts, RowCounts
from rostersync.model.states import Outcome, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One fault or remark about a district's file.

    `line` is physical and 1-based (header = 1), None for the whole file. `column` is the header as typed.
    `value` is the cell as typed (personal data: shown only in the error report). `detail` fills the
    catalogue's message templates. `file`: of a package, the file that it is about.
    """

    code: str
    severity: Severity
    line: int | None = None
    column: str | None = None
    value: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    file: str | None = None

    @property
    def flat(self) -> tuple[int | None, str | None, str]:
        """(line, column, code): what tests assert on."""
        return (self.line, self.column, self.code)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What an apply, or a dry run, came to: everything a report needs."""

    outcome: Outcome
    rows: RowCounts
    counts: Counts
    by_school: Mapping[str, Counts]
    findings: tuple[Finding, ...]
    changes: int = 0
