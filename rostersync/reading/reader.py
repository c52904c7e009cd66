"""The checks in their order, and what they come to: a `Reading`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from rostersync.catalogue.findings import make_finding
from rostersync.configuration.dictionary import Dictionary
from rostersync.model import Finding, RawRow, Reading, Severity
from rostersync.reading.body import Body, read_body
from rostersync.reading.encoding import Content, first_filled, line_at, recognise
from rostersync.reading.first_lines import (
    delimiter_fault,
    header_fault,
    opening_lines,
    other_delimiter_below,
    whole_row_in_one_cell,
)
from rostersync.reading.header import HeaderNames, check_headers, letter
from rostersync.reading.record import MAX_ROW_CELLS, Record, parse_record
from rostersync.reading.row_layout import BLANKS, arrange_columns
from rostersync.reading.workbook import sheet_text, spelled_back, spelled_back_text
from rostersync.reading.workbook_archive import UnreadableWorkbook, is_workbook
from rostersync.text_columns import Cells, as_cells, reword, to_frame

# A quote that an error report put before a cell that a spreadsheet would take for a formula.
_NEUTRALISED = r"^'('*[=+\-@\t\r])"


def read(
    data: bytes,
    dictionary: Dictionary,
    *,
    fallback_encoding: bool = True,
    workbooks: bool = True,
    max_bytes: int,
    max_rows: int,
    name: str = "",
) -> Reading:
    """Read a users.csv of this dictionary, or a workbook. Whatever is wrong is in the findings; nothing is raised.

    `fallback_encoding`: bytes that are not UTF-8 may be read as Windows-1252. `workbooks`: they are read, else refused.
    `max_bytes`, `max_rows`: the limits of `file-too-large`. `name`: the file's, where it is known; the content decides.
    """
    if len(data) > max_bytes:
        problem = f"has {len(data):,} bytes; at most {max_bytes:,} are allowed"
        return _refused((), (make_finding("file-too-large", problem=problem),))
    content = _sheet(data) if workbooks and is_workbook(data) else recognise(data, fallback_encoding=fallback_encoding)
    if content.refused:
        return _refused((), content.findings, content.encoding)
    content = replace(content, findings=(*_name_remarks(content, name), *content.findings))
    with _returning_memory():
        return _read_text(content, dictionary, max_rows)


def _name_remarks(content: Content, name: str) -> Iterable[Finding]:
    """`file-name-differs`: a workbook named .csv, or text named .xlsx."""
    is_book = content.numbers is not None
    ending = ".csv" if is_book else ".xlsx"
    if name.casefold().endswith(ending):
        what, right = ("an Excel workbook", ".xlsx") if is_book else ("text (CSV)", ".csv")
        yield make_finding("file-name-differs", format=what, ending=ending, suggestion=right)


def _sheet(data: bytes) -> Content:
    """The first sheet of a workbook as text, or the finding that refuses it."""
    try:
        sheet = sheet_text(data)
    except UnreadableWorkbook as refusal:
        return Content(data=b"", findings=(make_finding("file-not-csv", format=str(refusal)),))
    nul = sheet.data.find(b"\0")
    if nul >= 0:
        return Content(data=b"", findings=(make_finding("file-control-character", bad_line=line_at(sheet.data, nul)),))
    if first_filled(sheet.data, 0) < 0:
        return Content(data=b"", findings=(make_finding("file-empty", size=len(data)),))
    return Content(data=sheet.data, numbers=sheet.numbers)


@contextmanager
def _returning_memory() -> Iterator[None]:
    """Let Arrow allocate from the system: its own pool keeps what the chunks took, as much as the file again."""
    usual = pa.default_memory_pool()
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        yield
    finally:
        pa.default_memory_pool().release_unused()
        pa.set_memory_pool(usual)


def _read_text(content: Content, dictionary: Dictionary, max_rows: int) -> Reading:
    lines = opening_lines(content.data, content.start)
    fault = delimiter_fault(lines, dictionary)
    if fault is not None:
        return _refused(tuple(lines[:1]), (*content.findings, fault), content.encoding)
    start, line = _first_filled(content)
    record = parse_record(content.data, start, 0)
    typed = tuple(cell.decode("utf-8") for cell in record.cells)
    if content.numbers is not None:
        typed = tuple(map(spelled_back_text, typed))
    if record.open_at is not None:
        fault = make_finding("file-unclosed-quote", open_line=line_at(content.data, record.open_at))
        return _refused(typed, (*content.findings, fault), content.encoding)
    if record.more:
        fault = make_finding("file-too-large", problem=f"has more than {MAX_ROW_CELLS:,} columns")
        return _refused((), (*content.findings, fault), content.encoding)
    below = lines[line - 1 + record.lines :]
    fault = whole_row_in_one_cell(typed, dictionary) if content.numbers is not None else None
    fault = fault or header_fault(typed, line, below, dictionary) or other_delimiter_below(len(typed), below)
    if fault is not None:
        # Another program's file is not looked through for quotes: its name is the root cause.
        return _refused(typed, (*content.findings, fault), content.encoding)
    return _read_rows(content, typed, record, line, dictionary, max_rows)


def _first_filled(content: Content) -> tuple[int, int]:
    """Offset and physical line of the first line that is more than spaces and commas."""
    filled = first_filled(content.data, content.start)
    breaks = (content.data.rfind(sign, content.start, filled) for sign in (b"\n", b"\r"))
    return max(content.start, *(place + 1 for place in breaks)), line_at(content.data, filled)


def _read_rows(
    content: Content, typed: tuple[str, ...], header: Record, line: int, dictionary: Dictionary, max_rows: int
) -> Reading:
    names = check_headers(typed, line, dictionary)
    refused = any(finding.severity is Severity.FILE for finding in names.findings)
    layout = arrange_columns(typed, names, dictionary, refused=refused)
    body = read_body(content.data, header.end, line + header.lines, layout, max_rows=max_rows)
    faults = (*_file_faults(body, max_rows), *names.findings, *_blank_headers(body, names.blank, line))
    findings = (*content.findings, *faults)
    if any(finding.severity is Severity.FILE for finding in faults):
        return _refused(typed, findings, content.encoding)
    body.skip_blank(np.arange(1, line))
    rows = (*_remarks(body), *_number_remarks(content, names, dictionary), *sorted(body.findings, key=_line_of))
    lines = np.concatenate(body.lines) if body.lines else np.zeros(0, dtype=np.int64)
    return Reading(
        header=typed,
        frame=_frame(body, neutralised=names.report, sheet=content.numbers is not None),
        lines=lines,
        raw_rows=_raw_rows(body, sheet=content.numbers is not None),
        findings=(*findings, *rows),
        encoding=content.encoding,
    )


def _raw_rows(body: Body, *, sheet: bool) -> tuple[RawRow, ...]:
    rows = sorted(body.raw_rows, key=_line_of)
    return tuple(RawRow(line=row.line, text=spelled_back_text(row.text)) for row in rows) if sheet else tuple(rows)


def _line_of(thing: Finding | RawRow) -> int:
    return thing.line or 0


def _file_faults(body: Body, max_rows: int) -> Iterable[Finding]:
    if body.open_line is not None:
        yield make_finding("file-unclosed-quote", open_line=body.open_line)
    elif body.rows > max_rows:
        yield make_finding("file-too-large", problem=f"has more than {max_rows:,} rows")


def _blank_headers(body: Body, blank: tuple[int, ...], line: int) -> Iterable[Finding]:
    """`header-blank`: one fault per column with data below it, one remark for all the empty ones."""
    empty = []
    for position in blank:
        bad_line = _first_data(body, position)
        if bad_line is None:
            empty.append(position)
        else:
            yield make_finding(
                "header-blank", line=line, column="", position=position + 1, letter=letter(position), bad_line=bad_line
            )
    if empty:
        yield make_finding(
            "header-blank",
            line=line,
            column="",
            severity=Severity.REMARK,
            position=empty[0] + 1,
            letter=letter(empty[0]),
            positions=", ".join(str(position + 1) for position in empty),
            count=len(empty),
        )


def _first_data(body: Body, position: int) -> int | None:
    for lines, cells in zip(body.lines, body.parts[position], strict=True):
        filled = pc.index(pc.greater(pc.binary_length(pc.utf8_trim(cells, BLANKS)), 0), True).as_py()
        if filled >= 0:
            return int(lines[filled])
    return None


def _remarks(body: Body) -> Iterable[Finding]:
    if body.rows == 0:
        yield make_finding("file-header-only")
    if body.short:
        more = f" (as {body.short - 1:,} other rows do)" if body.short > 1 else ""
        yield make_finding("row-short", line=body.first_short, count=body.short, more=more)
    if body.blank:
        yield make_finding("row-blank", line=body.first_blank, count=body.blank)


def _number_remarks(content: Content, names: HeaderNames, dictionary: Dictionary) -> Iterable[Finding]:
    """`cell-number`, once for a column of IDs of a workbook."""
    for position, header in sorted(names.columns.items()):
        numbers = (content.numbers or {}).get(position)
        if numbers is not None and dictionary.by_header[header].kind == "id":
            more = f" (as {numbers.count - 1:,} other rows do)" if numbers.count > 1 else ""
            yield make_finding("cell-number", line=numbers.first, column=header, count=numbers.count, more=more)


def _frame(body: Body, *, neutralised: bool, sheet: bool) -> pd.DataFrame:
    """One column per header of the dictionary, in the order of the file. Parts are freed as they are joined."""
    columns = {header: _joined(body.parts[position]) for position, header in sorted(body.layout.columns.items())}
    if sheet:
        columns = {header: reword(cells, spelled_back(cells.dictionary)) for header, cells in columns.items()}
    if neutralised:
        bare = {h: pc.replace_substring_regex(cells.dictionary, _NEUTRALISED, r"\1") for h, cells in columns.items()}
        columns = {header: reword(cells, bare[header]) for header, cells in columns.items()}
    return to_frame(columns)


def _joined(parts: list[pa.Array]) -> Cells:
    chunks = pa.chunked_array([part.cast(pa.large_string()) for part in parts], pa.large_string())
    parts.clear()
    return as_cells(pc.dictionary_encode(chunks))


def _refused(header: tuple[str, ...], findings: Iterable[Finding], encoding: str = "utf-8") -> Reading:
    return Reading(
        header=header,
        frame=pd.DataFrame(),
        lines=np.zeros(0, dtype=np.int64),
        raw_rows=(),
        findings=tuple(chain(findings)),
        encoding=encoding,
    )
