"""Naughty strings as names: through the roster, and back to the district in users-errors.csv, sign by sign."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Mapping
from email import message_from_bytes, policy

from openpyxl import load_workbook
from sqlalchemy import select

from rostersync.database import tables
from rostersync.model import Outcome, Severity
from tests.support.district_nights import Nights, district, person
from tests.support.shared_data import needs_data
from tests.support.torture_cases import naughty, strings, tidied

pytestmark = needs_data
FORMULA = re.compile(r"'*[=+\-@\t\r]")
STRINGS = tuple(dict.fromkeys((*naughty(), *strings())))
NO_HOLDS = {"first_delivery": 1_000_000, "creates": {"share": 1, "least": 1_000_000}}
"""A first file of thousands would wait for a person."""


def files(nights: Nights) -> Mapping[str, bytes]:
    """What was attached; of a packed file also what is in it."""
    with nights.owner.connect() as conn:
        found = conn.execute(select(tables.report_file.c.name, tables.report_file.c.content)).all()
    attached = {name: bytes(content) for name, content in found}
    for name in [name for name in attached if name.endswith(".zip")]:
        with zipfile.ZipFile(io.BytesIO(attached[name])) as archive:
            attached.update({inner: archive.read(inner) for inner in archive.namelist()})
    return attached


def test_names_come_out_of_the_roster_and_the_error_file_as_they_went_in(nights: Nights) -> None:
    nights.config = district(nights.inbox, holds=NO_HOLDS)
    good = [person(n, userLastName=text, userMiddleName=text) for n, text in enumerate(STRINGS, start=1)]
    bad = [person(-n, userLastName=text, userGrade="3") for n, text in enumerate(STRINGS, start=1)]
    nights.put([*good, *bad])
    [result] = nights.sync()
    assert result.outcome is Outcome.APPLIED_WITH_ERRORS
    errors = {finding.line for finding in result.findings if finding.severity is Severity.ROW}
    check_roster(nights, errors)
    attached = files(nights)
    check_error_file(attached["users-errors.csv"], len(errors))
    check_workbook(attached["users-errors.xlsx"])
    check_mails(nights)


def check_roster(nights: Nights, errors: set[int | None]) -> None:
    """Each accepted name is stored as it was written, but for spaces and NFC."""
    person_table = tables.person.c
    with nights.owner.connect() as conn:
        rows = conn.execute(select(person_table.user_id, person_table.last_name, person_table.middle_name))
        stored = {user: (last, middle) for user, last, middle in rows}
    lines = line_numbers(STRINGS)
    expected = {
        f"u{n}": tidied(text, "userLastName") for n, text in enumerate(STRINGS, start=1) if lines[n - 1] not in errors
    }
    assert {user: last for user, (last, _) in stored.items()} == expected
    assert {user: middle for user, (_, middle) in stored.items()} == expected
    assert len(expected) > 1000


def line_numbers(texts: tuple[str, ...]) -> list[int]:
    """Where the good rows begin: each text stands twice in its row, with its line breaks."""
    lines, at = [], 2
    for text in texts:
        lines.append(at)
        at += 1 + 2 * len(re.findall(r"\r\n|\r|\n", text))
    return lines


def check_error_file(content: bytes, rejected: int) -> None:
    """Every rejected row is there; a `'` before what a spreadsheet would run, and nothing else is changed."""
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
    assert len(rows) == rejected
    assert not any(FORMULA.match(cell) for row in rows for cell in row.values() if not cell.startswith("'"))
    back = {row["userId"]: re.sub(r"^'('*[=+\-@\t\r])", r"\1", row["userLastName"]) for row in rows}
    for number, text in enumerate(STRINGS, start=1):
        assert back[f"u-{number}"] == text


def check_workbook(content: bytes) -> None:
    """All cells are text."""
    sheet = load_workbook(io.BytesIO(content), read_only=True).active
    assert {cell.data_type for row in sheet.iter_rows() for cell in row if cell.value is not None} <= {"s", "inlineStr"}


def check_mails(nights: Nights) -> None:
    """Every mail is sound, and the files in it are those that were stored."""
    stored = set(files(nights).values())
    mails = [
        message_from_bytes(path.read_bytes(), policy=policy.default)
        for path in (nights.folder / "outbox").glob("*.eml")
    ]
    assert len(mails) == len(nights.messages()) > 0
    for mail in mails:
        assert not any(part.defects for part in mail.walk())
        assert {part.get_payload(decode=True) for part in mail.iter_attachments()} <= stored


def test_the_error_file_sent_back_gives_the_same_row_errors(nights: Nights) -> None:
    nights.config = district(nights.inbox, holds=NO_HOLDS)
    texts = STRINGS[:400]
    nights.put([person(n, userLastName=text, userGrade="3") for n, text in enumerate(texts, start=1)])
    [first] = nights.sync("night-1")
    nights.put(files(nights)["users-errors.csv"])
    [again] = nights.sync("night-2")
    assert codes(again.findings) == codes(first.findings)
    assert again.rows.rejected == first.rows.rejected == len(texts)


def codes(findings) -> list[tuple[str | None, str]]:
    return sorted((finding.column, finding.code) for finding in findings if finding.severity is Severity.ROW)
