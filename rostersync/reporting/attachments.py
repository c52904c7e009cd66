"""Which files go along with a report: the workbook of faulty rows and their CSV, the schools, the template; and how
large ones.

The list of schools goes along where a row names an unknown one; the template where a header has to be corrected; the
list of people whom the file does not name where it means to be complete.
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
from rostersync.reporting.facts import ListPlace, Lists, ReportFacts, amount

ZIP_ABOVE = 5_000_000
"""Bytes of all attachments of a message above which they are put into one zip."""
ATTACH_UP_TO = 15_000_000
"""Bytes that a mail carries at most; more goes into the district's reports folder."""
CSV_NAME = "users-errors.csv"
WORKBOOK_NAME = "users-errors.xlsx"
SCHOOLS_NAME = "schools.csv"
TEMPLATE_NAME = "users-template.csv"
ZIP_NAME = "users-errors.zip"
ABSENT_PEOPLE = "people-not-in-file"
ABSENT_STEM = "users-not-in-file"
ABSENT_CSV = f"{ABSENT_STEM}.csv"
ABSENT_WORKBOOK = f"{ABSENT_STEM}.xlsx"
ABSENT_ZIP = f"{ABSENT_STEM}.zip"
NO_FILES: Mapping[str, bytes] = {}
_ABSENT_SAYS = ("", "REMARK: not named in the file.", "Delete this row if the person stays. As it is, it {meaning}.")
"""Line, error and resolution of each row of `users-not-in-file`: with these columns the reader takes off what keeps a
spreadsheet from running a cell."""
_TYPES = {
    ".csv": "text/csv",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".zip": "application/zip",
}


def error_files(
    reading: Reading,
    findings: Sequence[Finding],
    dictionary: Dictionary,
    schools: Sequence[RosterSchool] = (),
    absent_people: Mapping[str, bytes] = NO_FILES,
) -> tuple[ReportFile, ...]:
    """The files to give: none without a row to list and without `absent_people` (name → content). Those too large for a
    mail are not `attached`.
    """
    errors = _error_contents(reading, findings, dictionary, schools)
    contents = {**errors, **absent_people}
    return packed(contents, ZIP_NAME if errors else ABSENT_ZIP) if contents else ()


def _error_contents(
    reading: Reading, findings: Sequence[Finding], dictionary: Dictionary, schools: Sequence[RosterSchool]
) -> dict[str, bytes]:
    """name → content of the lists of faulty rows, and of the schools where one is unknown."""
    if reading.refused or not lists_rows(findings):
        return {}
    table = error_table(reading, findings, dictionary)
    book = workbook_bytes(table, faulty_cells(findings), dictionary)
    contents = {WORKBOOK_NAME: book, CSV_NAME: csv_bytes(table)}
    if schools and any(finding.code == "school-unknown" for finding in findings):
        contents[SCHOOLS_NAME] = school_list(schools)
    return contents


def absent_people_files(rows: pa.Table, dictionary: Dictionary) -> dict[str, bytes]:
    """name → content: the workbook and its CSV. `rows`: removals under all headers of the dictionary, as text."""
    [word] = set(rows.column("action").to_pylist())
    meaning = dictionary.by_header["action"].meanings[word]
    for name, text in zip(dictionary.report_columns, _ABSENT_SAYS, strict=True):
        said = pa.repeat(pa.scalar(text.format(meaning=meaning), type=pa.large_string()), rows.num_rows)
        rows = rows.append_column(name, said)
    return {ABSENT_WORKBOOK: workbook_bytes(rows, {}, dictionary, title=ABSENT_STEM), ABSENT_CSV: csv_bytes(rows)}


def absent_people_files_among(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Those of a report's files (name → content), out of the zip where they are in one.

    A report that is rendered once more keeps its list: the roster is another one by then.
    """
    for name, content in files.items():
        if name.endswith(".zip"):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                files = {part: archive.read(part) for part in archive.namelist()}
    return {name: files[name] for name in (ABSENT_WORKBOOK, ABSENT_CSV) if name in files}


def absent_people_steps(facts: ReportFacts, lists: Lists) -> tuple[str, ...]:
    """What the reader of a mail does about people whom the file does not name; nothing when it tells of none."""
    found = next((finding for finding in facts.evaluation.findings if finding.code == ABSENT_PEOPLE), None)
    if found is None:
        return ()
    number = found.detail["count"]
    are = "is" if number == 1 else "are"
    start = f"{amount(number, 'active person', 'active people')} {are} not in your file any more. If they left, "
    if lists.place is ListPlace.NOWHERE:
        return (f"{start}send their rows with REMOVE-USER in the action column. If they stay, do nothing.",)
    return (f"{start}{_send_list(facts, lists)} If all of them stay, do nothing.",)


def _send_list(facts: ReportFacts, lists: Lists) -> str:
    opened, saved = ABSENT_CSV, "users.csv (CSV UTF-8)"
    if facts.district.policies.workbooks:
        opened, saved = ABSENT_WORKBOOK, "users.xlsx"
    packed_in = " in the zip" if lists.files[0][0].endswith(".zip") else ""
    after = " once the corrected rows were read" if facts.evaluation.rows.rejected else ""
    return (
        f"open {opened}{packed_in}, delete the rows of everybody who stays, save the rest as {saved} and put it in "
        f"your usual folder{after}."
    )


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
