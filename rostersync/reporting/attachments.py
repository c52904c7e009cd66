"""Which files go along with a report: the error file and its Excel twin, and what becomes of very large ones."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence

from rostersync.dictionary import Dictionary
from rostersync.model import Finding, Reading, ReportFile
from rostersync.reporting.error_file import csv_bytes, error_table, lists_rows
from rostersync.reporting.error_workbook import workbook_bytes

ZIP_ABOVE = 5_000_000
"""Bytes above which the error file is zipped; a twin above it is left out (it is compressed already)."""
LEAVE_OUT_ABOVE = 15_000_000
"""Bytes above which, even zipped, the error file is left out of the mail, which then says so."""
CSV_NAME = "users-errors.csv"
WORKBOOK_NAME = "users-errors.xlsx"
_WORKBOOK_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def error_files(reading: Reading, findings: Sequence[Finding], dictionary: Dictionary) -> tuple[ReportFile, ...]:
    """The files to attach: none without a row to list, and none when they are too large to mail."""
    if reading.refused or not lists_rows(findings):
        return ()
    table = error_table(reading, findings, dictionary)
    report = packed(CSV_NAME, csv_bytes(table))
    if len(report.content) > LEAVE_OUT_ABOVE:
        return ()
    twin = workbook_bytes(table)
    if len(twin) > ZIP_ABOVE:
        return (report,)
    return (report, ReportFile(name=WORKBOOK_NAME, media_type=_WORKBOOK_TYPE, content=twin))


def packed(name: str, content: bytes) -> ReportFile:
    """A CSV as it is attached: zipped when it is large."""
    if len(content) <= ZIP_ABOVE:
        return ReportFile(name=name, media_type="text/csv", content=content)
    return ReportFile(name=f"{name}.zip", media_type="application/zip", content=_zip(name, content))


def _zip(name: str, content: bytes) -> bytes:
    """A zip of one file; its time is fixed, so the same content gives the same bytes."""
    target = io.BytesIO()
    entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(entry, content)
    return target.getvalue()
