"""`users-errors.xlsx`: the error file as a workbook, to be corrected in place and sent again as `users.xlsx`.

`line`, `errors` and `resolutions` come first, then the file's own columns; faulty cells have a colored ground, and a
thick border and bold letters for whoever does not see colors. A second sheet says what may stand in each column. All
cells are text and stay text when they are typed over, so that no zero and no date is lost. The cells are those of the
CSV, the `'` before formula-like ones included.

XlsxWriter makes the book (formats, header, widths); the rows are spliced in as whole columns of text, which is some
fifty times faster than cell by cell. No cell is a formula, a link or a number. The bytes are the same every time.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from rostersync.configuration.dictionary import Dictionary
from rostersync.model import Finding, Reading
from rostersync.reporting.error_file import error_table, faulty_cells, joined, neutralised

MAX_ROWS = 1_048_576
"""Rows of a sheet, header included; a longer report ends with a row that says how many are left out."""
MAX_CHARACTERS = 32_767
"""Characters of a cell; a longer text ends with `CUT`."""
CUT = "… (cut: the whole text is in the CSV)"
TITLE = "users-errors"
_EPOCH = datetime(1980, 1, 1)  # noqa: DTZ001 - a document property without a zone; fixed, so that bytes repeat
_SHEET = "xl/worksheets/sheet1.xml"
_CHUNK = 10_000
_TEXT = pa.large_string()
_WIDE = {"errors": 60, "resolutions": 60, "line": 8}
_OWN_WIDTH = 18
_GUIDE = ("column", "needed", "accepted values", "at most", "what it is")
_NEEDED = {
    "required": "always",
    "header": "the header always, the cell may be blank",
    "conditional": "the header always, the cell when the row names a class",
    "optional": "no",
}
_NOT_IN_XML = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Styles:
    """Numbers of the book's formats: of a cell's text, of a long one, of a faulty cell."""

    text: int
    wrapped: int
    faulty: int


def errors_workbook(reading: Reading, findings: Sequence[Finding], dictionary: Dictionary) -> bytes:
    """The bytes of `users-errors.xlsx`."""
    return workbook_bytes(error_table(reading, findings, dictionary), faulty_cells(findings), dictionary)


def workbook_bytes(
    table: pa.Table, faulty: Mapping[str, Collection[int]], dictionary: Dictionary, *, title: str = TITLE
) -> bytes:
    """An error table as a workbook; `faulty`: column → lines of the cells to mark. `title`: its first sheet's."""
    added = [name for name in dictionary.report_columns if name in table.column_names]
    table = table.select([*added, *(name for name in table.column_names if name not in added)])
    book, styles = _book(table, dictionary, title)
    return _with_rows(book, _sheet_rows(table, faulty, styles))


def _book(table: pa.Table, dictionary: Dictionary, title: str) -> tuple[bytes, _Styles]:
    """A workbook with the header row alone; columns are text, so that what is typed later stays text too."""
    target = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(target, options) as book:
        book.set_properties({"created": _EPOCH})
        text, wrapped, faulty = (book.add_format({"num_format": "@", "valign": "top", **more}) for more in _LOOKS)
        bold = book.add_format({"num_format": "@", "bold": True, "bg_color": "#E8EEF7"})
        _head(book.add_worksheet(title), table, text, wrapped, bold)
        _guide(book.add_worksheet("accepted values"), dictionary, wrapped, bold, faulty)
    return target.getvalue(), _Styles(text=text.xf_index, wrapped=wrapped.xf_index, faulty=faulty.xf_index)


_LOOKS: Final[tuple[Mapping[str, Any], ...]] = (
    {},
    {"text_wrap": True},
    {"bold": True, "bg_color": "#FFD9D6", "font_color": "#7A0C0C", "border": 5, "border_color": "#B3261E"},
)


def _head(sheet: Worksheet, table: pa.Table, text: Format, wrapped: Format, bold: Format) -> None:
    sheet.freeze_panes(1, 1)
    sheet.autofilter(0, 0, min(table.num_rows, MAX_ROWS - 1), table.num_columns - 1)
    sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{MAX_ROWS}"})
    for number, name in enumerate(table.column_names):
        sheet.set_column(number, number, _WIDE.get(name, _OWN_WIDTH), wrapped if name in _WIDE else text)
        sheet.write_string(0, number, name, bold)


def _guide(sheet: Worksheet, dictionary: Dictionary, wrapped: Format, bold: Format, faulty: Format) -> None:
    """The second sheet: what each column accepts, and what a marked cell means."""
    sheet.freeze_panes(1, 1)
    for number, (name, width) in enumerate(zip(_GUIDE, (18, 30, 40, 16, 70), strict=True)):
        sheet.set_column(number, number, width, wrapped)
        sheet.write_string(0, number, name, bold)
    for row, column in enumerate(dictionary.columns, start=1):
        most = f"{column.max_length} characters" if column.max_length else ""
        cells = (column.header, _NEEDED[column.need], ", ".join(column.accepted), most, column.description)
        for number, cell in enumerate(cells):
            sheet.write_string(row, number, cell, wrapped)
    last = len(dictionary.columns) + 2
    sheet.write_string(last, 0, "like this", faulty)
    sheet.write_string(last, 1, "A cell with a thick border in bold letters is wrong; errors says why.", wrapped)


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


def _sheet_rows(table: pa.Table, faulty: Mapping[str, Collection[int]], styles: _Styles) -> Iterator[str]:
    """The rows as XML, some thousands at a time, and a last row when some do not fit."""
    room = MAX_ROWS - 1
    shown = table.num_rows if table.num_rows <= room else room - 1
    for start in range(0, shown, _CHUNK):
        part = table.slice(start, min(_CHUNK, shown - start))
        yield _rows_xml(part, _styled(part, faulty, styles), first=start + 2)
    if shown < table.num_rows:
        left_out = f"{table.num_rows - shown:,} more rows do not fit in a sheet: see the CSV."
        row = {name: [left_out if name == "errors" else ""] for name in table.column_names}
        last = pa.table({name: pa.array(cells, type=_TEXT) for name, cells in row.items()})
        yield _rows_xml(last, _styled(last, {}, styles), first=shown + 2)


def _styled(table: pa.Table, faulty: Mapping[str, Collection[int]], styles: _Styles) -> list[pa.Array | str]:
    """The format of each column's cells: one for all of them, or one for each."""
    lines = table.column("line").combine_chunks()
    return [
        _cell_styles(lines, faulty[name], styles)
        if name in faulty
        else str(styles.wrapped if name in _WIDE else styles.text)
        for name in table.column_names
    ]


def _cell_styles(lines: pa.Array, faulty: Collection[int], styles: _Styles) -> pa.Array:
    marked = pc.is_in(lines, value_set=pa.array([str(line) for line in faulty], type=_TEXT))
    return pc.if_else(marked, pa.scalar(str(styles.faulty), _TEXT), pa.scalar(str(styles.text), _TEXT))


def _rows_xml(table: pa.Table, styles: Sequence[pa.Array | str], *, first: int) -> str:
    numbers = pa.array([str(n) for n in range(first, first + table.num_rows)], type=_TEXT)
    columns = zip(table.columns, styles, strict=True)
    cells = [_cells_xml(c.combine_chunks(), xl_col_to_name(i), numbers, style) for i, (c, style) in enumerate(columns)]
    return "".join(joined('<row r="', numbers, '">', *cells, "</row>").to_pylist())


def _cells_xml(cells: pa.Array, letter: str, numbers: pa.Array, style: pa.Array | str) -> pa.Array:
    start = joined(f'<c r="{letter}', numbers, '" s="', style, '"')
    text = joined(
        start, ' t="inlineStr"><is><t xml:space="preserve">', _escaped(_capped(neutralised(cells))), "</t></is></c>"
    )
    return pc.if_else(pc.equal(cells, pa.scalar("", type=_TEXT)), joined(start, "/>"), text)


def _capped(cells: pa.Array) -> pa.Array:
    """Texts no longer than a cell may be, counted as Excel counts: in UTF-16 units, so half of it is always safe."""
    if (pc.max(pc.binary_length(cells)).as_py() or 0) <= MAX_CHARACTERS:
        return cells
    return pa.array([_cap(text) for text in cells.to_pylist()], type=_TEXT)


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
    return pa.array([_spelled_out(text) for text in cells.to_pylist()], type=_TEXT)


def _spelled_out(text: str) -> str:
    """Characters XML cannot hold, in Excel's own spelling `_x000D_`; a text that looks like one is protected."""
    text = re.sub("_(?=x[0-9A-Fa-f]{4}_)", "_x005F_", text)
    return _NOT_IN_XML.sub(lambda found: f"_x{ord(found[0]):04X}_", text)
