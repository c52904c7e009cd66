"""Workbooks as contacts and hostile programs make them: what the reader's tests are written with."""

from __future__ import annotations

import csv
import datetime as dt
import io
import random
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import xlsxwriter

Raw: TypeAlias = str
"""Rows of a sheet as XML."""
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def book(
    rows: Sequence[Sequence[Any]],
    *,
    formulas: Mapping[tuple[int, int], tuple[str, Any]] | None = None,
    merge: str = "",
    styled: tuple[int, int] | None = None,
) -> bytes:
    """A workbook of one sheet: texts stay text, numbers and dates are what they are, "" is no cell.

    `formulas`: (row, column) → formula and stored value. `styled`: a cell with a format and nothing in it.
    """
    target = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(target, options) as made:
        sheet = made.add_worksheet()
        day, hour = made.add_format({"num_format": "d-mmm-yy"}), made.add_format({"num_format": "m/d/yy h:mm"})
        for row, cells in enumerate(rows):
            for column, cell in enumerate(cells):
                if isinstance(cell, dt.date):
                    sheet.write_datetime(row, column, cell, hour if isinstance(cell, dt.datetime) else day)
                elif isinstance(cell, str) and cell:
                    sheet.write_string(row, column, cell)
                elif cell != "":
                    sheet.write(row, column, cell)
        for place, (formula, value) in (formulas or {}).items():
            sheet.write_formula(*place, formula, None, value)
        if merge:
            sheet.merge_range(merge, "")
        if styled:
            sheet.write_blank(*styled, None, made.add_format({"bold": True}))
    return target.getvalue()


def of_csv(data: bytes) -> bytes:
    """A CSV as a workbook of text cells."""
    return book(list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))))


def raw_book(rows: Raw, *, before: str = "") -> bytes:
    """A workbook whose sheet has these rows, as XML; `before`: what stands above its root element."""
    sheet = f'{before}<worksheet xmlns="{_MAIN}"><sheetData>{rows}</sheetData></worksheet>'
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"/>',
        "_rels/.rels": _links("officeDocument", "xl/workbook.xml"),
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_LINKS}"><sheets>'
        '<sheet name="a" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": _links("worksheet", "worksheets/sheet1.xml"),
        "xl/worksheets/sheet1.xml": sheet,
    }
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return target.getvalue()


def _links(kind: str, part: str) -> str:
    link = f'<Relationship Id="rId1" Type="{_LINKS}/{kind}" Target="{part}"/>'
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{link}</Relationships>'


def repacked(data: bytes, changes: Mapping[str, bytes | Callable[[bytes], bytes]]) -> bytes:
    """The archive with some parts added, or changed by a function of what they were."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts: dict[str, bytes] = {name: archive.read(name) for name in archive.namelist()}
    for name, change in changes.items():
        parts[name] = change if isinstance(change, bytes) else change(parts[name])
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return target.getvalue()


def damaged_books(data: bytes, chance: random.Random, count: int) -> Iterator[bytes]:
    """The workbook with some bytes changed: of the archive, or of one of its parts, which are packed again."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
    for number in range(count):
        if number % 2:
            yield _damaged(data, chance)
        else:
            yield repacked(data, {chance.choice(names): lambda part: _damaged(part, chance)})


def _damaged(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed[: chance.randrange(len(changed))] if chance.random() < 0.1 else changed)
