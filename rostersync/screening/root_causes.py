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
class Hit:
    """Rows in which one column (None: the row as a whole) breaks one expectation of the suite.

    `columns`: for each row all columns at fault, where one finding names several.
    """

    code: str
    severity: Severity
    column: str | None
    rows: Rows
    settings: Mapping[str, Any] = field(default_factory=dict)
    columns: Sequence[str] = ()


def settle(hits: Iterable[Hit], count: int) -> list[Hit]:
    """The hits that are root causes; a sheet has `count` rows."""
    listed = [one for hit in _merged(list(hits)) for one in hit]
    taken: dict[str | None, Mask] = {}
    kept: list[Hit] = []
    for hit in sorted(listed, key=_rank):
        free = taken.setdefault(hit.column, np.ones(count, bool))
        rows = hit.rows[free[hit.rows]] if hit.code in _CELLS else hit.rows
        if hit.code in ROOT_CAUSES_FIRST:
            free[rows] = False
        kept.append(replace(hit, rows=rows))
    return [hit for hit in kept if len(hit.rows)]


_CELLS = frozenset(
    (*ROOT_CAUSES_FIRST, "cell-trimmed", "value-alias", "id-looks-like-ssn", "email-domain", "class-incomplete")
)
"""Findings about the text of one cell: dropped where a root cause has been found in it."""


def _rank(hit: Hit) -> int:
    return ROOT_CAUSES_FIRST.index(hit.code) if hit.code in ROOT_CAUSES_FIRST else len(ROOT_CAUSES_FIRST)


def _merged(hits: list[Hit]) -> Iterable[list[Hit]]:
    """Hits of one rule in several columns, made one where the finding is about the row."""
    yield [hit for hit in hits if hit.code not in _ONE_FOR_ALL_COLUMNS]
    rules = {id(hit.settings): [h for h in hits if h.settings is hit.settings] for hit in hits}
    for same in rules.values():
        if same[0].code in _ONE_FOR_ALL_COLUMNS:
            yield _by_columns(same)


def _by_columns(hits: list[Hit]) -> list[Hit]:
    """One hit for each set of columns that occurs; its column is the first of them."""
    rows = np.unique(np.concatenate([hit.rows for hit in hits]))
    faults = np.zeros((len(rows), len(hits)), bool)
    for number, hit in enumerate(hits):
        faults[np.searchsorted(rows, hit.rows), number] = True
    patterns, which = np.unique(faults, axis=0, return_inverse=True)
    result = []
    for number, pattern in enumerate(patterns):
        columns = [str(hit.column) for hit, at_fault in zip(hits, pattern, strict=True) if at_fault]
        result.append(replace(hits[0], column=columns[0], columns=columns, rows=rows[which.ravel() == number]))
    return result
