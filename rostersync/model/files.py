"""A file on its way: seen in an inbox, landed, read, screened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from rostersync.model.findings import Finding
from rostersync.model.states import Severity

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """A file seen in an inbox. `modified_at` is aware, UTC, whole seconds as SFTP gives it."""

    name: str
    size: int
    modified_at: datetime


PROCESSED = "processed"
"""Folder inside an inbox for files that were read, where the district wants them moved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """Bytes in the landing store, unchanged. `sha256` is lower-case hex."""

    district: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRow:
    """A data row that could not be laid over the header: its first physical line and its raw text."""

    line: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the reader saw.

    `header`: headers as typed, in file order (of a refused file: as far as readable).
    `frame`: text cells exactly as typed, each different text of a column held once (`text_columns`), one column
    per *dictionary* header present (a report's `line`, `errors`, `resolutions` and blank columns are dropped),
    RangeIndex, no missing values ("" is blank).
    `lines`: physical line of each frame row (int64). `raw_rows`: rows rejected by the reader
    (`row-cell-count`, `row-repeated-header`): not in the frame, but counted as read and rejected.
    `findings`: every file/header/row finding of the reader. `encoding`: 'utf-8' or 'windows-1252'.
    """

    header: tuple[str, ...]
    frame: pd.DataFrame
    lines: np.ndarray
    raw_rows: tuple[RawRow, ...]
    findings: tuple[Finding, ...]
    encoding: str

    @property
    def refused(self) -> bool:
        return any(f.severity is Severity.FILE for f in self.findings)

    @property
    def rows_read(self) -> int:
        return len(self.lines) + len(self.raw_rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Screened:
    """A reading judged by the file rules.

    `rows`: normalised cells (trimmed, NFC, aliases resolved, blanks ""), the dictionary headers present plus
    `line` (int64), `email_key` (folded address, "" when none) and `status` (category of str): `accepted` or
    `rejected`. Of rejected rows only the key cells are meaningful: schoolId, userId, classId are "" when blank or
    unusable. A removal has its person's names and address too, as far as they are filled.
    `findings`: all of the reader and of the suite, ordered by (line, column order). What removals take of other rows
    (`row-folded`) and who has two roles (`role-both`) is only supposed here: the plan knows which rows are accepted.
    """

    reading: Reading
    rows: pd.DataFrame
    findings: tuple[Finding, ...]

    @property
    def refused(self) -> bool:
        return any(f.severity is Severity.FILE for f in self.findings)
