"""One pass over a sheet's XML before a library reads it: how far its cells reach, and what the library passes over."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from rostersync.reading.header import letter
from rostersync.reading.workbook_archive import DAMAGED, UnreadableWorkbook, parse, xml_parser

MAX_CELLS: Final = 25_000_000
"""Cells of the rectangle around all cells: the library holds every one of it, 32 bytes each, filled or not. A full
sheet of 1,048,576 rows may have 23 columns."""
_MAX_ROW, _MAX_COLUMN = 1_048_576, 16_384
_PLACE = re.compile("([A-Z]{1,3})([0-9]{1,7})")


@dataclass(slots=True)
class SheetScan:
    """`rows`, `columns`: how far the cells reach. `errors`: (row,
    column), from 0, of cells that hold an error word (`#REF!`), which the library gives as blank. `no_value`: place
    of the first formula without a stored value.
    """

    rows: int = 0
    columns: int = 0
    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    no_value: str | None = None


def scan_sheet(xml: bytes) -> SheetScan:
    """Scan a sheet. Raises UnreadableWorkbook: it is no XML, or its cells are spread too far."""
    scanner = _Scanner()
    parser = xml_parser()
    parser.buffer_text = True
    parser.StartElementHandler = scanner.start
    parser.EndElementHandler = scanner.end
    parser.CharacterDataHandler = scanner.text
    parse(parser, xml)
    return scanner.scan


class _Scanner:
    """The cell that is being read, and what was seen so far."""

    def __init__(self) -> None:
        self.scan = SheetScan()
        self._row = self._column = -1
        self._kind: str | None = None
        self._formula = self._in_value = False
        self._value = ""

    def start(self, element: str, attributes: Mapping[str, str]) -> None:
        name = element.rpartition(":")[2]
        if name == "c":
            self._start_cell(attributes)
        elif name == "row":
            self._start_row(attributes)
        elif name == "f":
            self._formula = True
        elif name == "v":
            self._in_value = True

    def _start_row(self, attributes: Mapping[str, str]) -> None:
        number = attributes.get("r")
        row = self._row + 1 if number is None else _row_number(number)
        if row <= self._row:
            raise UnreadableWorkbook(DAMAGED)
        self._row, self._column = row, -1

    def _start_cell(self, attributes: Mapping[str, str]) -> None:
        """Cells stand in order, each once: of two in one place the library would give the last."""
        place = attributes.get("r")
        row, column = (self._row, self._column + 1) if place is None else _position(place)
        if row != self._row or not self._column < column < _MAX_COLUMN or not 0 <= row < _MAX_ROW:
            raise UnreadableWorkbook(DAMAGED)
        self._column = column
        scan = self.scan
        scan.rows, scan.columns = row + 1, max(scan.columns, column + 1)
        if scan.rows * scan.columns > MAX_CELLS:
            raise UnreadableWorkbook("an Excel workbook whose cells are spread too far over its first sheet")
        self._kind, self._formula, self._value = attributes.get("t"), False, ""

    def text(self, text: str) -> None:
        if self._in_value:
            self._value += text

    def end(self, element: str) -> None:
        name = element.rpartition(":")[2]
        if name == "v":
            self._in_value = False
        elif name == "c":
            self._end_cell()

    def _end_cell(self) -> None:
        if self._kind == "e":
            self.scan.errors[self._row, self._column] = self._value
        if self._formula and not self._value and self._kind != "str" and self.scan.no_value is None:
            self.scan.no_value = f"{letter(self._column)}{self._row + 1}"


def _row_number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 7):
        raise UnreadableWorkbook(DAMAGED)
    return int(text) - 1


def _position(place: str) -> tuple[int, int]:
    """Row and column of a place such as `AB12`, from 0."""
    match = _PLACE.fullmatch(place)
    if match is None:
        raise UnreadableWorkbook(DAMAGED)
    column = 0
    for sign in match[1]:
        column = column * 26 + ord(sign) - ord("A") + 1
    return int(match[2]) - 1, column - 1
