"""A workbook's first sheet as the text of a users.csv, so that all that is said of files is said of workbooks, too.

Every row of the sheet is one line of the text, whatever is in its cells: the line of a finding is the sheet's row.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from rostersync.reading.header import letter
from rostersync.reading.sheet_scan import SheetScan, scan_sheet
from rostersync.reading.workbook_archive import DAMAGED, Parts, UnreadableWorkbook, unpacked

Value: TypeAlias = str | float | bool | date | datetime | time | timedelta

_MARK: Final = "\ufdd0"
"""No character of Unicode, so that hardly any text has it; where one has, it is spelled out like a line break."""
_SPELLED: Final = ((_MARK, _MARK + "m"), ("\n", _MARK + "n"), ("\r", _MARK + "r"))
_EXACT_BELOW: Final = 1e15
"""A spreadsheet keeps 15 digits: a longer number is not what was typed, and must not look like it."""


@dataclass(slots=True)
class Numbers:
    """Cells of a column that hold numbers: the first one's row (from 1), and how many there are."""

    first: int
    count: int = 0


@dataclass(slots=True)
class SheetText:
    """`data`: the sheet as a CSV in UTF-8, one line a row. `numbers`: a column's position → its numbers, those of the
    first filled row excepted.
    """

    data: bytes = b""
    numbers: dict[int, Numbers] = field(default_factory=dict)


def sheet_text(data: bytes) -> SheetText:
    """The first visible sheet of a workbook.

    Text cells as typed, numbers in their shortest form, dates as ISO dates, formulas by their stored value.
    Raises UnreadableWorkbook: damaged, encrypted, beyond the limits, with macros, merged cells or formulas that were
    never calculated.
    """
    parts = unpacked(data)
    scan = scan_sheet(parts.sheet)
    if scan.no_value is not None:
        raise UnreadableWorkbook(f"an Excel workbook with formulas that were never calculated (first: {scan.no_value})")
    sheet = _loaded(parts)
    if sheet.merged_cell_ranges:
        raise UnreadableWorkbook(f"an Excel workbook with merged cells (first: {_range(*sheet.merged_cell_ranges[0])})")
    return _text_of(sheet, scan)


def spelled_back(cells: pa.Array) -> pa.Array:
    """Cells of a sheet's text with the line breaks that they have in the sheet."""
    for sign, spelled in reversed(_SPELLED):
        cells = pc.replace_substring(cells, spelled, sign)
    return cells


def spelled_back_text(text: str) -> str:
    """The same for one text."""
    for sign, spelled in reversed(_SPELLED):
        text = text.replace(spelled, sign)
    return text


def _loaded(parts: Parts) -> CalamineSheet:
    try:
        with CalamineWorkbook.from_filelike(parts.archive()) as book:
            return book.get_sheet_by_index(parts.number)
    except CalamineError as error:
        raise UnreadableWorkbook(DAMAGED) from error


def _range(start: tuple[int, int], end: tuple[int, int]) -> str:
    return ":".join(f"{letter(column)}{row + 1}" for row, column in (start, end))


def _text_of(sheet: CalamineSheet, scan: SheetScan) -> SheetText:
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    text = SheetText()
    header_met = False
    for row, values in enumerate(_rows(sheet, scan), start=1):
        cells = [value if isinstance(value, str) else _shown(value) for value in values]
        if not any(cells):
            target.write("\n")
            continue
        if header_met:
            _count_numbers(values, row, text)
        header_met = True
        writer.writerow([_spelled(cell) for cell in cells])
    # A lone surrogate cannot come out of the library, whose texts are UTF-8.
    text.data = target.getvalue().encode()
    return text


def _rows(sheet: CalamineSheet, scan: SheetScan) -> Iterator[list[Value]]:
    """Every row from the sheet's first to the last with something in it, all of the same length, with the error words
    put back in.

    The library gives the blank rows above the first cell, but not the blank columns left of it.
    """
    left = sheet.start[1] if sheet.start else 0
    places = [sheet.end or (-1, -1), *scan.errors]
    height, width = (1 + max(place[axis] for place in places) for axis in (0, 1))
    errors: dict[int, list[tuple[int, str]]] = {}
    for (row, column), word in scan.errors.items():
        errors.setdefault(row, []).append((column, word))
    rows = sheet.iter_rows()
    for number in range(height):
        values: list[Value] = [""] * left + list(next(rows, []))
        values += [""] * (width - len(values))
        for column, word in errors.get(number, ()):
            values[column] = word
        yield values


def _count_numbers(values: Sequence[Value], row: int, text: SheetText) -> None:
    for position, value in enumerate(values):
        if isinstance(value, float) or type(value) is int:
            text.numbers.setdefault(position, Numbers(first=row)).count += 1


def _shown(value: Value) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float | int):
        return _number(float(value))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _number(value: float) -> str:
    """The shortest form: no `.0`, no zeros in front; an ID too long for a number as `1.2E+17`, which is no ID."""
    if abs(value) >= _EXACT_BELOW:
        digits, _, power = f"{value:.14E}".partition("E")
        return f"{digits.rstrip('0').rstrip('.')}E{power}"
    return str(int(value)) if value == int(value) else repr(value)


def _spelled(cell: str) -> str:
    if _MARK in cell or "\n" in cell or "\r" in cell:
        for sign, spelled in _SPELLED:
            cell = cell.replace(sign, spelled)
    return cell
