"""The files of a package → tables of text cells with line numbers, and what is wrong with each as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rostersync.catalogue.findings import make_finding
from rostersync.configuration.dictionary import Dictionary
from rostersync.model import Finding, Reading, Severity
from rostersync.reading import read
from rostersync.sources.package_archive import MAX_BYTES
from rostersync.text_columns import Cells, are, as_cells, spread, tidy

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_ROWS: Final = 5_000_000
KEY: Final = "sourcedId"
STATUS: Final = "status"
ENDED: Final = "tobedeleted"
_FREE: Final = ("metadata.",)
_FEWEST_REJECTED: Final = 3
_REJECTED_SHARE: Final = 0.01
"""Above both of these, a file's rejected rows refuse the package."""
_HEADER_ONLY: Final = "file-header-only"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTable:
    """One file of a package. `mode`: `bulk` or `delta`. `findings` are about this file; none quotes a cell."""

    name: str
    mode: str
    dictionary: Dictionary
    reading: Reading
    findings: tuple[Finding, ...]

    @property
    def file(self) -> str:
        return f"{self.name}.csv"

    @property
    def lines(self) -> NDArray[np.int64]:
        """The physical line of each row."""
        return self.reading.lines

    def has(self, header: str) -> bool:
        """Whether the file has this column, and it is read."""
        return header in self.reading.frame.columns

    def cells(self, header: str) -> Cells:
        """The cells of a column without outer spaces, each different text once."""
        typed = as_cells(pa.array(self.reading.frame[header].array))
        return pa.DictionaryArray.from_arrays(typed.indices, tidy(typed.dictionary, inner=False))


def read_table(data: bytes, name: str, mode: str, dictionary: Dictionary) -> SourceTable:
    """The table, read by the letter of its dictionary. Columns that must not be read are not in it."""
    reading = read(data, dictionary, fallback_encoding=False, workbooks=False, max_bytes=MAX_BYTES, max_rows=MAX_ROWS)
    table = SourceTable(name=name, mode=mode, dictionary=dictionary, reading=reading, findings=())
    found = [finding for finding in reading.findings if finding.code != _HEADER_ONLY]
    if not reading.refused:
        found += [
            *_header_remarks(table),
            *_header_only(table),
            *_status_findings(table),
            *_duplicate_ids(table),
            *_rejected_share(table),
        ]
    bare = tuple(replace(finding, file=table.file, value=None) for finding in found)
    return replace(table, findings=bare)


def _header_remarks(table: SourceTable) -> Iterator[Finding]:
    headers = table.dictionary.headers
    typed = [name for name in table.reading.header if name in table.dictionary.by_header]
    if typed != [header for header in headers if header in typed]:
        yield make_finding("header-order", line=1)
    if absent := [header for header in headers if header not in typed]:
        yield make_finding("header-absent", line=1, columns=", ".join(absent))
    strange = [name for name in table.reading.header if name.strip() and name not in typed]
    if strange := [name for name in strange if not name.startswith(_FREE)]:
        yield make_finding("header-ignored", line=1, count=len(strange))


def _header_only(table: SourceTable) -> Iterator[Finding]:
    if table.reading.rows_read:
        return
    if table.mode == "delta" or table.dictionary.header_only == "remark":
        yield make_finding("package-file-empty", severity=Severity.REMARK)
    elif table.dictionary.header_only == "hold":
        yield make_finding("hold-header-only")
    else:
        yield make_finding("package-file-empty")


def _status_findings(table: SourceTable) -> Iterator[Finding]:
    """In a bulk file a status says nothing, unless it says that the row is none."""
    if table.mode != "bulk" or not table.has(STATUS):
        return
    cells = table.cells(STATUS)
    for code, words in (("cell-status-in-bulk", ("active", "inactive")), ("cell-deleted-in-bulk", (ENDED,))):
        rows = table.lines[spread(are(cells.dictionary, words), cells)]
        if len(rows):
            yield make_finding(code, line=int(rows[0]), column=STATUS, count=len(rows))


def _duplicate_ids(table: SourceTable) -> Iterator[Finding]:
    if not table.has(KEY):
        return
    places, again = _first_places(table.cells(KEY))
    if len(again):
        first, second = int(table.lines[places[0]]), int(table.lines[again[0]])
        yield make_finding("id-duplicate", line=second, column=KEY, first=first, count=len(again))


def _rejected_share(table: SourceTable) -> Iterator[Finding]:
    count, rows = len(table.reading.raw_rows), table.reading.rows_read
    if count >= _FEWEST_REJECTED and count > _REJECTED_SHARE * rows:
        yield make_finding("row-rejected-share", count=count, of=rows)


def _first_places(cells: Cells) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows whose text stood in a row before, and for each of these the first row with it; blank cells are no text."""
    merged = pc.dictionary_encode(cells.dictionary_decode())
    codes = merged.indices.to_numpy(zero_copy_only=False)
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    firsts = first[inverse]
    blank = spread(are(cells.dictionary, [""]), cells)
    again = np.flatnonzero((firsts != np.arange(len(codes))) & ~blank)
    return firsts[again], again


def refused(tables: Mapping[str, SourceTable]) -> bool:
    """Whether the findings of some file refuse the package."""
    return any(finding.severity is Severity.FILE for table in tables.values() for finding in table.findings)
