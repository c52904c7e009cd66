"""Which files go along with a report: the error file and its Excel twin, and what becomes of large ones."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import PurePath

from rostersync.configuration.dictionary import Dictionary
from rostersync.model import Finding, Reading, ReportFile
from rostersync.reporting.error_file import csv_bytes, error_table, lists_rows
from rostersync.reporting.error_workbook import workbook_bytes

ZIP_ABOVE = 5_000_000
"""Bytes of all attachments of a message above which they are put into one zip."""
ATTACH_UP_TO = 15_000_000
"""Bytes that a mail carries at most; more goes into the district's reports folder."""
CSV_NAME = "users-errors.csv"
WORKBOOK_NAME = "users-errors.xlsx"
ZIP_NAME = "users-errors.zip"
_TYPES = {
    ".csv": "text/csv",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".zip": "application/zip",
}


def error_files(reading: Reading, findings: Sequence[Finding], dictionary: Dictionary) -> tuple[ReportFile, ...]:
    """The files to give: none without a row to list. Those too large for a mail are not `attached`."""
    if reading.refused or not lists_rows(findings):
        return ()
    table = error_table(reading, findings, dictionary)
    return packed({CSV_NAME: csv_bytes(table), WORKBOOK_NAME: workbook_bytes(table)}, ZIP_NAME)


def packed(contents: Mapping[str, bytes], zip_name: str) -> tuple[ReportFile, ...]:
    """Files (name → content) as they are given: in one zip when they are large together."""
    if _size(contents) > ZIP_ABOVE:
        contents = {zip_name: _zip(contents)}
    fits = _size(contents) <= ATTACH_UP_TO
    return tuple(
        ReportFile(name=name, media_type=_TYPES[PurePath(name).suffix], content=content, attached=fits)
        for name, content in contents.items()
    )


def _size(contents: Mapping[str, bytes]) -> int:
    return sum(map(len, contents.values()))


def _zip(contents: Mapping[str, bytes]) -> bytes:
    """A zip of these files; its times are fixed, so the same contents give the same bytes."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in contents.items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            archive.writestr(entry, content)
    return target.getvalue()
