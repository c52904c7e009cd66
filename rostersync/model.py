"""Frozen values that travel between stages. No behaviour beyond small derived properties."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


class Severity(StrEnum):
    """What a finding does: refuse the file, reject the row, hold the delivery, or only tell."""

    FILE = "file"
    ROW = "row"
    REMARK = "remark"
    HOLD = "hold"


class Outcome(StrEnum):
    """How a look at a district's inbox, or a delivery, ended. All but FAILED are normal endings."""

    APPLIED = "applied"
    APPLIED_WITH_ERRORS = "applied_with_errors"
    REFUSED = "refused"
    HELD = "held"
    DUPLICATE = "duplicate"
    WAITING = "waiting"
    NO_FILE = "no_file"
    FAILED = "failed"


class DeliveryState(StrEnum):
    """Where a delivery stands in the ledger."""

    PULLED = "pulled"
    VALIDATED = "validated"
    HELD = "held"
    APPLIED = "applied"
    REFUSED = "refused"
    DISCARDED = "discarded"
    SUPERSEDED = "superseded"
    UNDONE = "undone"
    FAILED = "failed"


class Choice(StrEnum):
    """What a person may decide about a held delivery."""

    APPROVE = "approve"
    WITHOUT_SCHOOLS = "approve-without-held-schools"
    DISCARD = "discard"


ENTITIES = ("school", "staff", "class", "enrollment")
BUCKETS = ("created", "updated", "unchanged", "removed", "errors")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One fault or remark about a district's file.

    `line` is physical and 1-based (header = 1), None for the whole file. `column` is the header as typed.
    `value` is the cell as typed (personal data: shown only in the error report). `detail` fills the
    catalogue's message templates.
    """

    code: str
    severity: Severity
    line: int | None = None
    column: str | None = None
    value: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def flat(self) -> tuple[int | None, str | None, str]:
        """(line, column, code): what tests assert on."""
        return (self.line, self.column, self.code)


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
    `line` (int64), `email_key` (folded address, "" when none) and `status` (category of str): `accepted`,
    `rejected` or `folded` (set aside: REMOVE-USER took the row). Of rejected rows only the key
    cells are meaningful: schoolId, userId, classId are "" when blank or unusable.
    `class_folded` (bool column): the row's class part is not applied because the class is removed in the same file.
    `findings`: all of the reader and of the suite, ordered by (line, column order).
    """

    reading: Reading
    rows: pd.DataFrame
    findings: tuple[Finding, ...]

    @property
    def refused(self) -> bool:
        return any(f.severity is Severity.FILE for f in self.findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCounts:
    """Data rows of a file: read = accepted + rejected + set_aside."""

    read: int = 0
    accepted: int = 0
    rejected: int = 0
    set_aside: int = 0


Counts = Mapping[str, Mapping[str, int]]
"""entity (ENTITIES) → bucket (BUCKETS) → distinct entities."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What an apply, or a dry run, came to: everything a report needs."""

    outcome: Outcome
    rows: RowCounts
    counts: Counts
    by_school: Mapping[str, Counts]
    findings: tuple[Finding, ...]
    changes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One record that a plan would change, or a change that was made: images before (None: created) and after."""

    entity: str
    key: tuple[str, ...]
    action: str
    line: int | None
    before: Mapping[str, Any] | None
    after: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """A person's ID that was corrected from `old` to `new`, in the change log's order (`change`)."""

    change: int
    old: str
    new: str


class LeftReason(StrEnum):
    """Why an undo leaves something as it is."""

    CHANGED = "changed"
    BY_HAND = "by-hand"
    OWNER = "owner"
    GONE = "gone"
    TAKEN = "taken"
    IN_USE = "in-use"
    INACTIVE = "inactive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What an undo leaves: a field of a record, or (None) the record. `since_…`: who changed the record afterwards."""

    entity: str
    key: tuple[str, ...]
    field: str | None
    reason: LeftReason
    since_delivery: str | None = None
    since_actor: str | None = None
    since_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """A file seen in an inbox. `modified_at` is aware, UTC, whole seconds as SFTP gives it."""

    name: str
    size: int
    modified_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """Bytes in the landing store, unchanged. `sha256` is lower-case hex."""

    district: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFile:
    """A file of a report. `attached`: it goes with the mail. `target`: its name in the district's reports folder."""

    name: str
    media_type: str
    content: bytes
    attached: bool = True
    target: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Facts and wording of one message, before anybody is addressed."""

    kind: str
    subject: str
    text: str
    html: str
    files: tuple[ReportFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """What passing days did to a district: assignments that started and ended, and people deactivated by that."""

    started: int = 0
    ended: int = 0
    deactivated: int = 0

    def __bool__(self) -> bool:
        return bool(self.started or self.ended or self.deactivated)
