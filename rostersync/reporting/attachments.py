"""Which files go along with a report: the workbook of faulty rows and their CSV, the schools, the template; and how
large ones.

The list of schools goes along where a row names an unknown one; the template where a header has to be corrected.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import PurePath

import pyarrow as pa

from rostersync.configuration.dictionary import Dictionary
from rostersync.model import Finding, Reading, ReportFile, RosterSchool, Severity
from rostersync.reporting.error_file import csv_bytes, error_table, faulty_cells, lists_rows
from rostersync.reporting.error_workbook import workbook_bytes

ZIP_ABOVE = 5_000_000
"""Bytes of all attachments of a message above which they are put into one zip."""
ATTACH_UP_TO = 15_000_000
"""Bytes that a mail carries at most; more goes into the district's reports folder."""
CSV_NAME = "users-errors.csv"
WORKBOOK_NAME = "users-errors.xlsx"
SCHOOLS_NAME = "schools.csv"
TEMPLATE_NAME = "users-template.csv"
ZIP_NAME = "users-errors.zip"
_TYPES = {
    ".csv": "text/csv",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".zip": "application/zip",
}


def error_files(
    reading: Reading, findings: Sequence[Finding], dictionary: Dictionary, schools: Sequence[RosterSchool] = ()
) -> tuple[ReportFile, ...]:
    """The files to give: none without a row to list. Those too large for a mail are not `attached`."""
    if reading.refused or not lists_rows(findings):
        return ()
    table = error_table(reading, findings, dictionary)
    book = workbook_bytes(table, faulty_cells(findings), dictionary)
    contents = {WORKBOOK_NAME: book, CSV_NAME: csv_bytes(table)}
    if schools and any(finding.code == "school-unknown" for finding in findings):
        contents[SCHOOLS_NAME] = school_list(schools)
    return packed(contents, ZIP_NAME)


def school_list(schools: Sequence[RosterSchool]) -> bytes:
    """The active schools by name, with their IDs: what a contact looks an ID up in."""
    active = [school for school in schools if school.active]
    columns = {"schoolName": [school.name for school in active], "schoolId": [school.school_id for school in active]}
    return csv_bytes(pa.table({name: pa.array(cells, type=pa.large_string()) for name, cells in columns.items()}))


def template_bytes(dictionary: Dictionary) -> bytes:
    """An empty file with all headers. The mark at its start tells spreadsheets that it is UTF-8."""
    return ("\ufeff" + ",".join(dictionary.headers) + "\r\n").encode()


def template_files(findings: Sequence[Finding], dictionary: Dictionary) -> tuple[ReportFile, ...]:
    """The template, where it shows what a refused file lacks. It holds nobody's data."""
    if not any(f.severity is Severity.FILE and _about_the_header(f.code) for f in findings):
        return ()
    content = template_bytes(dictionary)
    return (ReportFile(name=TEMPLATE_NAME, media_type=_TYPES[".csv"], content=content, personal=False),)


def _about_the_header(code: str) -> bool:
    return code.startswith("header-") or code in ("file-no-header", "file-foreign-format", "file-empty")


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
