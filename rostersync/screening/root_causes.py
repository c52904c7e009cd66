"""Which of the rules a cell breaks is the root cause: one finding for each defect.

Receives hits (rule, column, rows) as the suite's expectations report them; gives those that remain.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from rostersync.model import Severity
from rostersync.text_columns import Mask

Rows = npt.NDArray[np.int64]

ROOT_CAUSES_FIRST = (
    "cell-required",
    "cell-placeholder",
    "cell-character",
    "cell-spreadsheet-damage",
    "cell-mojibake",
    "cell-too-long",
    "id-character",
    "role-student",
    "grade-for-staff",
    "value-not-allowed",
    "date-invalid",
    "email-look-alike",
    "email-invalid",
)
"""A cell has at most one of these; each would only follow from those before it."""

_ONE_FOR_ALL_COLUMNS = ("class-incomplete", "action-incomplete", "row-conflict")
"""A row has at most one of these for each rule; the finding names all columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """Rows in which one column (None: the row as a whole) breaks one expectation of the suite.

    `columns`: for each row all columns at fault, where one finding names several.
    """

    code: str
    severity: Severity
    column: str | None
    rows: Rows
    settings: Mapping[str, Any] = field(default_factory=dict)
    columns: Sequence[str] = ()


def root_causes(violations: Iterable[Violation], count: int) -> list[Violation]:
    """The hits that are root causes; a sheet has `count` rows."""
    listed = [one for violation in _merged(list(violations)) for one in violation]
    taken: dict[str | None, Mask] = {}
    kept: list[Violation] = []
    for violation in sorted(listed, key=_rank):
        free = taken.setdefault(violation.column, np.ones(count, bool))
        rows = violation.rows[free[violation.rows]] if violation.code in _CELLS else violation.rows
        if violation.code in ROOT_CAUSES_FIRST:
            free[rows] = False
        kept.append(replace(violation, rows=rows))
    return [violation for violation in kept if len(violation.rows)]


_CELLS = frozenset(
    (*ROOT_CAUSES_FIRST, "cell-trimmed", "value-alias", "id-looks-like-ssn", "email-domain", "class-incomplete")
)
"""Findings about the text of one cell: dropped where a root cause has been found in it."""


def _rank(violation: Violation) -> int:
    return ROOT_CAUSES_FIRST.index(violation.code) if violation.code in ROOT_CAUSES_FIRST else len(ROOT_CAUSES_FIRST)


def _merged(violations: list[Violation]) -> Iterable[list[Violation]]:
    """Hits of one rule in several columns, made one where the finding is about the row."""
    yield [violation for violation in violations if violation.code not in _ONE_FOR_ALL_COLUMNS]
    rules = {
        id(violation.settings): [h for h in violations if h.settings is violation.settings] for violation in violations
    }
    for same in rules.values():
        if same[0].code in _ONE_FOR_ALL_COLUMNS:
            yield _by_columns(same)


def _by_columns(violations: list[Violation]) -> list[Violation]:
    """One hit for each set of columns that occurs; its column is the first of them."""
    rows = np.unique(np.concatenate([violation.rows for violation in violations]))
    faults = np.zeros((len(rows), len(violations)), bool)
    for number, violation in enumerate(violations):
        faults[np.searchsorted(rows, violation.rows), number] = True
    patterns, which = np.unique(faults, axis=0, return_inverse=True)
    result = []
    for number, pattern in enumerate(patterns):
        columns = [str(violation.column) for violation, at_fault in zip(violations, pattern, strict=True) if at_fault]
        result.append(replace(violations[0], column=columns[0], columns=columns, rows=rows[which.ravel() == number]))
    return result
