"""What a contact's spreadsheet program makes of an error file: read cell by cell, or saved as CSV again."""

from __future__ import annotations

import csv
import io
import re

import openpyxl

_SPELLED_OUT = re.compile("_x([0-9A-Fa-f]{4})_")


def cells_of_book(book: bytes) -> list[list[str]]:
    """The cells of the first sheet as shown. Fails for a cell that is anything but text."""
    sheet = openpyxl.load_workbook(io.BytesIO(book)).active
    assert sheet is not None
    rows = list(sheet.iter_rows())
    assert {cell.data_type for row in rows for cell in row if cell.value is not None} <= {"s", "inlineStr"}
    return [[_shown(str(cell.value or "")) for cell in row] for row in rows]


def _shown(text: str) -> str:
    """Excel's spelling of characters that XML cannot hold; openpyxl leaves it as it is."""
    return _SPELLED_OUT.sub(lambda found: chr(int(found[1], 16)), text)


def as_csv(rows: list[list[str]]) -> bytes:
    """The rows as Excel's 'CSV UTF-8' has them: quotes only where they are needed."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def cells_of_csv(content: bytes) -> list[list[str]]:
    """The cells of a CSV file, header included, as a strict reader sees them."""
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))


def runs(shown: str) -> bool:
    """A spreadsheet that opens a CSV may run this cell."""
    return shown.startswith(("=", "+", "-", "@", "\t", "\r"))
