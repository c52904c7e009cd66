"""What the stages of a screening hand on: which rows and cells were found faulty, and what removals take."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rostersync.model import Finding, Severity
from rostersync.screening.normalize import NormalizedTable
from rostersync.screening.root_causes import Rows, Violation
from rostersync.text_columns import Mask


@dataclass(frozen=True, slots=True, kw_only=True)
class StageState:
    """What the stages before have found: rows with errors, faulty cells, rows and class parts taken away."""

    rejected: Mask
    faulty: Mapping[str, Mask]
    folded: Mask
    class_part_dropped: Mask

    @classmethod
    def initial(cls, count: int) -> StageState:
        return cls(
            rejected=np.zeros(count, bool),
            faulty={},
            folded=np.zeros(count, bool),
            class_part_dropped=np.zeros(count, bool),
        )

    @classmethod
    def told(cls, sheet: NormalizedTable, findings: Iterable[Finding], codes: Collection[str]) -> StageState:
        """The state after the first stage, whose findings have these codes."""
        errors = [f for f in findings if f.severity is Severity.ROW and f.code in codes and f.line is not None]
        lines: dict[str | None, list[int]] = {}
        for error in errors:
            lines.setdefault(error.column, []).append(error.line or 0)
        count = len(sheet.lines)
        masks = {column: _mask(sheet.rows_of(some), count) for column, some in lines.items()}
        start = cls.initial(count)
        rejected = np.logical_or.reduce([start.rejected, *masks.values()])
        return replace(start, rejected=rejected, faulty={h: mask for h, mask in masks.items() if h is not None})

    def after(self, violations: Sequence[Violation]) -> StageState:
        """The state with these hits added; only the first stage is about the cells themselves."""
        errors = [violation for violation in violations if violation.severity is Severity.ROW]
        count = len(self.rejected)
        return replace(
            self,
            rejected=self.rejected | _any(errors, count),
            folded=self.folded | _any((h for h in violations if h.settings.get("part") == "row"), count),
            class_part_dropped=self.class_part_dropped
            | _any((h for h in violations if h.settings.get("part") == "class"), count),
        )

    def with_faulty_cells(self, violations: Sequence[Violation]) -> StageState:
        errors = [violation for violation in violations if violation.severity is Severity.ROW]
        columns = {violation.column for violation in errors if violation.column is not None}
        count = len(self.rejected)
        return replace(
            self, faulty={h: _any((violation for violation in errors if violation.column == h), count) for h in columns}
        )


def _any(violations: Iterable[Violation], count: int) -> Mask:
    mask = np.zeros(count, bool)
    for violation in violations:
        mask[violation.rows] = True
    return mask


def _mask(rows: Rows, count: int) -> Mask:
    mask = np.zeros(count, bool)
    mask[rows] = True
    return mask
