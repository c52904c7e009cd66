"""`users-errors.xlsx`: the error file's twin with text cells, because Excel drops leading zeros of a CSV.

Its cells are those of the CSV, the `'` before formula-like ones included: saved as CSV, it is the same file again.

XlsxWriter makes the book (format, header, widths); the rows are spliced in as whole columns of text, which is some
fifty times faster than cell by cell. No cell is a formula, a link or a number. The bytes are the same every time.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc
import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

from rostersync.configuration.dictionary import Dictionary
from rostersync.model import Finding, Reading
from rostersync.reporting.error_file import error_table, joined, neutralised

MAX_ROWS = 1_048_576
"""Rows of a sheet, header included; a longer report ends with a row that says how many are left out."""
MAX_CHARACTERS = 32_767
"""Characters of a cell; a longer text ends with `CUT`."""
CUT = "… (cut: the whole text is in users-errors.csv)"
_EPOCH = datetime(1980, 1, 1)  # noqa: DTZ001 - a document property without a zone; fixed, so that bytes repeat
_SHEET = "xl/worksheets/sheet1.xml"
_CHUNK = 10_000
_WIDE = {"errors": 70, "resolutions": 70, "line": 8}
_NOT_IN_XML = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]")


def errors_workbook(reading: Reading, findings: Sequence[Finding], dictionary: Dictionary) -> bytes:
    """The bytes of `users-errors.xlsx`."""
    return workbook_bytes(error_table(reading, findings, dictionary))


def workbook_bytes(table: pa.Table) -> bytes:
    """An error table as a workbook of one sheet, formula-like cells neutralised as in the CSV."""
    return _with_rows(_book(table.column_names), _sheet_rows(table))


def _book(header: Sequence[str]) -> bytes:
    """A workbook with the header row alone; columns are text, so that what is typed later stays text too."""
    target = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(target, options) as book:
        book.set_properties({"created": _EPOCH})
        text = book.add_format({"num_format": "@", "valign": "top"})
        bold = book.add_format({"num_format": "@", "bold": True, "bg_color": "#E8EEF7"})
        sheet = book.add_worksheet("users-errors")
        sheet.freeze_panes(1, 0)
        sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{MAX_ROWS}"})
        for number, name in enumerate(header):
            sheet.set_column(number, number, _WIDE.get(name, 18), text)
            sheet.write_string(0, number, name, bold)
    return target.getvalue()


def _with_rows(book: bytes, rows: Iterator[str]) -> bytes:
    """The book with these rows after its header row; the same order and times of the parts."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            if part.filename == _SHEET:
                _write_sheet(new, part, old.read(part).decode(), rows)
            else:
                new.writestr(part, old.read(part), zipfile.ZIP_DEFLATED)
    return target.getvalue()


def _write_sheet(target: zipfile.ZipFile, part: zipfile.ZipInfo, xml: str, rows: Iterator[str]) -> None:
    before, end, after = xml.partition("</sheetData>")
    before = re.sub(r'<dimension ref="[^"]*"/>', "", before)
    info = zipfile.ZipInfo(part.filename, part.date_time)
    info.compress_type = zipfile.ZIP_DEFLATED
    with target.open(info, "w") as sheet:
        sheet.write(before.encode())
        for chunk in rows:
            sheet.write(chunk.encode())
        sheet.write((end + after).encode())


def _sheet_rows(table: pa.Table) -> Iterator[str]:
    """The rows as XML, some thousands at a time, and a last row when some do not fit."""
    room = MAX_ROWS - 1
    shown = table.num_rows if table.num_rows <= room else room - 1
    for start in range(0, shown, _CHUNK):
        yield _rows_xml(table.slice(start, min(_CHUNK, shown - start)), first=start + 2)
    if shown < table.num_rows:
        left_out = f"{table.num_rows - shown:,} more rows do not fit in a sheet: see users-errors.csv."
        cells = [[""]] * (table.num_columns - 1) + [[left_out]]
        yield _rows_xml(
            pa.table([pa.array(c, type=pa.large_string()) for c in cells], names=table.column_names), first=shown + 2
        )


def _rows_xml(table: pa.Table, *, first: int) -> str:
    numbers = pa.array([str(n) for n in range(first, first + table.num_rows)], type=pa.large_string())
    cells = [_cells_xml(c.combine_chunks(), xl_col_to_name(i), numbers) for i, c in enumerate(table.columns)]
    return "".join(joined('<row r="', numbers, '">', *cells, "</row>").to_pylist())


def _cells_xml(cells: pa.Array, letter: str, numbers: pa.Array) -> pa.Array:
    start = joined(f'<c r="{letter}', numbers, '" s="1"')
    text = joined(
        start, ' t="inlineStr"><is><t xml:space="preserve">', _escaped(_capped(neutralised(cells))), "</t></is></c>"
    )
    return pc.if_else(pc.equal(cells, pa.scalar("", type=pa.large_string())), joined(start, "/>"), text)


def _capped(cells: pa.Array) -> pa.Array:
    """Texts no longer than a cell may be, counted as Excel counts: in UTF-16 units, so half of it is always safe."""
    if (pc.max(pc.binary_length(cells)).as_py() or 0) <= MAX_CHARACTERS:
        return cells
    return pa.array([_cap(text) for text in cells.to_pylist()], type=pa.large_string())


def _cap(text: str) -> str:
    if len(text.encode("utf-16-le")) // 2 <= MAX_CHARACTERS:
        return text
    kept = text.encode("utf-16-le")[: 2 * (MAX_CHARACTERS - len(CUT))].decode("utf-16-le", errors="ignore")
    return kept + CUT


def _escaped(cells: pa.Array) -> pa.Array:
    for plain, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        cells = pc.replace_substring(cells, plain, entity)
    odd = pc.match_substring_regex(cells, r"[\x00-\x08\x0b-\x1f]|\x{FFFE}|\x{FFFF}|_x[0-9A-Fa-f]{4}_")
    if not pc.any(odd).as_py():
        return cells
    return pa.array([_spelled_out(text) for text in cells.to_pylist()], type=pa.large_string())


def _spelled_out(text: str) -> str:
    """Characters XML cannot hold, in Excel's own spelling `_x000D_`; a text that looks like one is protected."""
    text = re.sub("_(?=x[0-9A-Fa-f]{4}_)", "_x005F_", text)
    return _NOT_IN_XML.sub(lambda found: f"_x{ord(found[0]):04X}_", text)
