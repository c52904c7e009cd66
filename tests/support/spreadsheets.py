"""What a contact's spreadsheet program makes of an error file: read cell by cell, or saved as CSV again.

LibreOffice itself where it is installed, which is for whoever runs the tests to decide.
"""

from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

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


def edited_book(book: bytes, cells: Mapping[tuple[int, str], str]) -> bytes:
    """The book with some cells of its first sheet typed over and saved by another program; (row, header) → text."""
    made = openpyxl.load_workbook(io.BytesIO(book))
    sheet = made.worksheets[0]
    columns = {cell.value: number for number, cell in enumerate(sheet[1], start=1)}
    for (row, header), text in cells.items():
        cell = sheet.cell(row, columns[header])
        cell.value = text or None
        if text:
            cell.data_type = "s"
    target = io.BytesIO()
    made.save(target)
    return target.getvalue()


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


LIBREOFFICE = shutil.which("soffice")
_CSV_OF_TEXT = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true"


def formulas(content: bytes, folder: Path) -> list[str]:
    """The formulas a spreadsheet finds in a CSV: LibreOffice's, else the cells that any of them may run."""
    if LIBREOFFICE is None:
        return [cell for row in cells_of_csv(content) for cell in row if runs(cell)]
    flat = _converted(content, folder, "csv", "fods").decode()
    return re.findall('table:formula="([^"]*)"', flat)


def book_saved_as_csv(book: bytes, folder: Path) -> bytes:
    """A workbook opened and saved as CSV, all cells as shown."""
    if LIBREOFFICE is None:
        return as_csv(cells_of_book(book))
    return _converted(book, folder, "xlsx", _CSV_OF_TEXT)


def _converted(content: bytes, folder: Path, kind: str, into: str) -> bytes:
    source, target = folder / f"opened.{kind}", folder / f"opened.{into.partition(':')[0]}"
    source.write_bytes(content)
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    command = [LIBREOFFICE or "", profile, "--headless", "--convert-to", into, "--outdir", str(folder), str(source)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return target.read_bytes()
