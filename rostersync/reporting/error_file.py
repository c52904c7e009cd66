"""`users-errors.csv`: a district's own rows that were not applied, with what is wrong and how to correct it.

Receives a reading and its findings, gives bytes. The form, which spreadsheets and our own reader take: UTF-8
with BOM, CRLF, every cell quoted, the file's own columns first and as typed, then `line`, `errors`, `resolutions`.
Built from whole columns: a file of 100,000 faulty rows takes seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rostersync.catalogue import findings as catalogue
from rostersync.configuration.dictionary import Dictionary
from rostersync.model import Finding, RawRow, Reading, Severity

BOM = b"\xef\xbb\xbf"
SEPARATOR = " | "
LEFT_OUT = "row-left-out"
"""The code of rows that are not applied without being wrong: an approval left them out."""
FORMULA_START = r"^('*[=+\-@\t\r])"
"""Cells a spreadsheet may run: any number of `'`, then one of these. RE2 syntax."""
_CONTROL = dict.fromkeys((*range(32), 127), " ")
_TEXT = pa.large_string()


@dataclass(slots=True)
class _Marks:
    """What is said about one line, message by message."""

    errors: list[str] = field(default_factory=list)
    resolutions: list[str] = field(default_factory=list)

    def add(self, finding: Finding) -> None:
        word = "ERROR" if finding.severity is Severity.ROW else "REMARK"
        self.errors.append(f"{word}: {catalogue.message(finding)}".translate(_CONTROL))
        self.resolutions.append(catalogue.resolution(finding).translate(_CONTROL))


def lists_rows(findings: Iterable[Finding]) -> bool:
    """True when at least one row was rejected, or left out by an approval: only then an error file exists."""
    return any(map(_is_listed, findings))


def _is_listed(finding: Finding) -> bool:
    return finding.line is not None and (finding.severity is Severity.ROW or finding.code == LEFT_OUT)


def errors_file(reading: Reading, findings: Sequence[Finding], dictionary: Dictionary) -> bytes:
    """The bytes of `users-errors.csv`; the same reading and findings give the same bytes."""
    return csv_bytes(error_table(reading, findings, dictionary))


def csv_bytes(table: pa.Table) -> bytes:
    """An error table as the file that is sent: formula-like cells neutralised, everything quoted."""
    return BOM + _csv_line(table.column_names) + _csv_rows(table)


def error_table(reading: Reading, findings: Sequence[Finding], dictionary: Dictionary) -> pa.Table:
    """The listed rows in line order, as text: own columns as typed (not neutralised), then the added columns."""
    marks = _marks_by_line(findings)
    raw = [row for row in reading.raw_rows if row.line in marks]
    taken = np.flatnonzero(np.isin(reading.lines, np.fromiter(marks, dtype=np.int64, count=len(marks))))
    lines = np.concatenate([reading.lines[taken], np.array([row.line for row in raw], dtype=np.int64)])
    order = np.argsort(lines, kind="stable")
    columns = {str(name): _own_cells(reading, str(name), taken, len(raw), order) for name in reading.frame.columns}
    added = _added_cells(lines[order], marks, {row.line: row for row in raw})
    columns.update(zip(dictionary.report_columns, added, strict=True))
    return pa.table(columns)


def faulty_cells(findings: Iterable[Finding]) -> dict[str, set[int]]:
    """Column → lines of the cells with an error; rows that do not agree have one in each column that differs."""
    cells: dict[str, set[int]] = {}
    for finding in findings:
        if finding.severity is Severity.ROW and finding.line is not None:
            for name in [finding.column] if finding.column else str(finding.detail.get("columns", "")).split(", "):
                cells.setdefault(name, set()).add(finding.line)
    return cells


def neutralised(cells: pa.Array) -> pa.Array:
    """Formula-like cells with a `'` put before them; taking one `'` off such cells gives the cells as typed."""
    return pc.replace_substring_regex(cells, pattern=FORMULA_START, replacement=r"'\1")


def joined(*parts: pa.Array | str, between: str = "") -> pa.Array:
    """Columns of text put together row by row; a plain string is the same in every row."""
    texts = [pa.scalar(part, type=_TEXT) if isinstance(part, str) else part for part in (*parts, between)]
    return pc.binary_join_element_wise(*texts)


def _marks_by_line(findings: Sequence[Finding]) -> dict[int, _Marks]:
    """Listed lines and all that is said about them. Every row of a conflict has its own finding, siblings too."""
    marks = {f.line: _Marks() for f in findings if f.line is not None and _is_listed(f)}
    for finding in findings:
        if finding.line in marks and finding.severity in (Severity.ROW, Severity.REMARK):
            marks[finding.line].add(finding)
    return marks


def _own_cells(reading: Reading, name: str, taken: np.ndarray, blanks: int, order: np.ndarray) -> pa.Array:
    typed = pa.Array.from_pandas(reading.frame[name].iloc[taken])
    typed = typed.combine_chunks() if isinstance(typed, pa.ChunkedArray) else typed
    cells = pa.concat_arrays([typed.cast(_TEXT), pa.array([""] * blanks, type=_TEXT)])
    return cells.take(pa.array(order))


def _added_cells(lines: np.ndarray, marks: dict[int, _Marks], raw: dict[int, RawRow]) -> tuple[pa.Array, ...]:
    numbers = [int(n) for n in lines]
    errors = [_errors_cell(marks[n], raw.get(n)) for n in numbers]
    resolutions = [SEPARATOR.join(marks[n].resolutions) for n in numbers]
    return tuple(pa.array(cells, type=_TEXT) for cells in ([str(n) for n in numbers], errors, resolutions))


def _errors_cell(marks: _Marks, raw: RawRow | None) -> str:
    """The messages of a line; a row without cells of its own also shows its raw text.

    On one line: a line break among many commas in quotes looks to the reader as if the quote was never closed.
    """
    text = SEPARATOR.join(marks.errors)
    return text if raw is None else f"{text} The row as received: {raw.text.translate(_CONTROL)}"


def _csv_line(cells: Iterable[str]) -> bytes:
    return ",".join('"' + cell.replace('"', '""') + '"' for cell in cells).encode() + b"\r\n"


def _csv_rows(table: pa.Table) -> bytes:
    if not table.num_rows:
        return b""
    cells = [pc.replace_substring(neutralised(c.combine_chunks()), '"', '""') for c in table.columns]
    return ('"' + '"\r\n"'.join(joined(*cells, between='","').to_pylist()) + '"\r\n').encode()
