"""Workbooks read as the file that they are: the same reading as the CSV of the same cells."""

from __future__ import annotations

import datetime as dt
import io
import random
import struct
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from rostersync.reading import workbook_archive
from rostersync.reading.workbook_archive import is_workbook
from tests.support.factories import csv_bytes, staff
from tests.support.reading_cases import DICTIONARY, NEEDED, codes, flat, read_bytes, refusal
from tests.support.sample_files import FOLDER, names
from tests.support.workbooks import Raw, book, damaged_books, of_csv, raw_book, repacked

HEADERS = list(NEEDED)
PERSON = ["", "0100", "T1", "Teacher", "Ana", "Bo", "a@b.org", "", "", "", ""]


def person(**cells: Any) -> list[Any]:
    return [cells.get(header, cell) for header, cell in zip(HEADERS, PERSON, strict=True)]


def test_text_cells_are_read_as_typed() -> None:
    reading = read_bytes(book([HEADERS, person(userLastName=" 1E5 \u00a0x"), person(userId="NULL", className='a,"b"')]))
    assert not reading.findings
    assert reading.lines.tolist() == [2, 3]
    assert reading.frame["schoolId"].tolist() == ["0100", "0100"]
    assert reading.frame["userLastName"].tolist() == [" 1E5 \u00a0x", "Bo"]
    assert reading.frame["userId"].tolist() == ["T1", "NULL"]
    assert reading.frame["className"].tolist() == ["", 'a,"b"']


def test_a_workbook_gives_the_reading_of_its_csv() -> None:
    data = csv_bytes(staff(40))
    one, other = read_bytes(data), read_bytes(of_csv(data))
    assert one.header == other.header
    assert one.lines.tolist() == other.lines.tolist()
    assert one.frame.to_dict("list") == other.frame.to_dict("list")
    assert other.findings == ()


def test_lines_are_the_sheets_rows_whatever_is_in_cells() -> None:
    rows = [
        [],
        HEADERS,
        person(userLastName="a\nb\r\nc"),
        [],
        person(userId="T2", className="x,y\n,,,,,,,,,,,\n"),
        person(),
    ]
    reading = read_bytes(book(rows))
    assert reading.lines.tolist() == [3, 5, 6]
    assert reading.frame["userLastName"].tolist() == ["a\nb\r\nc", "Bo", "Bo"]
    assert reading.frame["className"].tolist()[1] == "x,y\n,,,,,,,,,,,\n"
    assert flat(reading) == [(1, None, "row-blank")]


@pytest.mark.parametrize("text", ["\ufdd0", "\ufdd0n", "a\ufdd0m\n\ufdd0\r", "\ufdd0\ufdd0n\n"])
def test_the_sign_for_line_breaks_is_read_as_typed(text: str) -> None:
    assert read_bytes(book([HEADERS, person(className=text)])).frame["className"].tolist() == [text]


def test_a_header_broken_over_two_lines_is_told_as_such() -> None:
    headers = ["user\nId" if header == "userId" else header for header in HEADERS]
    assert flat(read_bytes(book([headers, person()]))) == [(1, "user\nId", "header-whitespace")]


NUMBERS = [
    (123, "123"),
    (1.5, "1.5"),
    (-7, "-7"),
    (-0.0, "0"),
    (999_999_999_999_999, "999999999999999"),
    (1e15, "1E+15"),
    (123456789012345678, "1.23456789012346E+17"),
    (True, "TRUE"),
    (dt.date(2026, 9, 12), "2026-09-12"),
    (dt.datetime(2026, 9, 12, 10, 30), "2026-09-12 10:30:00"),  # noqa: DTZ001 - a sheet's times have no zone
]


@pytest.mark.parametrize(("value", "text"), NUMBERS)
def test_values_are_read_in_their_shortest_form(value: Any, text: str) -> None:
    assert read_bytes(book([HEADERS, person(className=value)])).frame["className"].tolist() == [text]


def test_numbers_in_columns_of_ids_are_told_once_for_a_column() -> None:
    rows = [HEADERS, person(), person(userId=17, schoolId=100), person(userId=18, classGrade=5, className=3)]
    reading = read_bytes(book(rows))
    assert flat(reading) == [(3, "schoolId", "cell-number"), (3, "userId", "cell-number")]
    assert [finding.detail["count"] for finding in reading.findings] == [1, 2]
    assert reading.frame["schoolId"].tolist() == ["0100", "100", "0100"]


def test_formulas_are_read_by_their_stored_value() -> None:
    cells = {("userLastName"): ("=A1", "Li"), "userId": ("=1+1", 2), "className": ("=NA()", "#N/A")}
    reading = read_bytes(book([HEADERS, person()], formulas={(1, HEADERS.index(h)): f for h, f in cells.items()}))
    assert flat(reading) == [(2, "userId", "cell-number")]
    assert [reading.frame[h].tolist() for h in cells] == [["Li"], ["2"], ["#N/A"]]


def test_formulas_that_were_never_calculated_refuse_the_file() -> None:
    made = openpyxl.Workbook()
    made.active.append(HEADERS)  # type: ignore[union-attr]
    made.active.append(["", '="0100"'])  # type: ignore[union-attr]
    target = io.BytesIO()
    made.save(target)
    assert refusal(read_bytes(target.getvalue())) == ["file-not-csv"]
    assert "B2" in str(read_bytes(target.getvalue()).findings[0].detail["format"])


def test_error_words_are_not_read_as_blank() -> None:
    made = openpyxl.Workbook()
    for row in (HEADERS, person(userMiddleName="", className="#REF!")):
        made.active.append(row)  # type: ignore[union-attr]
    target = io.BytesIO()
    made.save(target)
    assert read_bytes(target.getvalue()).frame["className"].tolist() == ["#REF!"]


def test_the_first_visible_sheet_is_read() -> None:
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as made:
        made.add_worksheet("lists").write_row(0, 0, ["x", "y"])
        made.worksheets()[0].hide()
        second = made.add_worksheet("users")
        second.write_row(0, 0, HEADERS)
        second.write_row(1, 0, PERSON)
        made.add_worksheet("notes").merge_range("A1:C1", "merged where nobody reads")
        second.activate()
        second.set_first_sheet()
    reading = read_bytes(target.getvalue())
    assert (reading.findings, reading.lines.tolist()) == ((), [2])


def test_columns_of_nothing_behind_the_last_are_no_columns() -> None:
    for place in ((0, 30), (40, 2)):
        reading = read_bytes(book([HEADERS, person()], styled=place))
        assert (reading.header, reading.findings) == (tuple(HEADERS), ())


def test_a_value_under_no_header_refuses_the_file() -> None:
    assert flat(read_bytes(book([HEADERS, [*person(), "x"]]))) == [(1, "", "header-blank")]


def test_whole_rows_in_the_first_column_are_told_by_their_cause() -> None:
    for sign in (",", ";"):
        rows = [[sign.join(HEADERS)], [sign.join(PERSON)]]
        assert refusal(read_bytes(book(rows))) == ["file-delimiter"], sign


def test_an_empty_workbook_is_an_empty_file() -> None:
    assert codes(read_bytes(book([]))) == ["file-empty"]
    assert codes(read_bytes(book([["", " "], [" "]]))) == ["file-empty"]


def test_a_nul_in_a_cell_refuses_the_file() -> None:
    reading = read_bytes(raw_book('<row r="1"><c r="A1" t="inlineStr"><is><t>_x0000_</t></is></c></row>'))
    assert flat(reading) == [(None, None, "file-control-character")]


def test_where_workbooks_are_off_they_are_refused() -> None:
    assert refusal(read_bytes(book([HEADERS, person()]), workbooks=False)) == ["file-not-csv"]


def merged() -> bytes:
    return book([HEADERS, person()], merge="A5:B6")


def with_macros() -> bytes:
    return repacked(book([HEADERS, person()]), {"xl/vbaProject.bin": b"\xd0\xcf"})


def macro_enabled() -> bytes:
    kind = {"[Content_Types].xml": lambda text: text.replace(b"sheet.main+xml", b"sheet.macroEnabled.main+xml")}
    return repacked(book([HEADERS, person()]), kind)


def old_password() -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le") + bytes(600)


def encrypted_entries() -> bytes:
    """Bit 0 of each entry's flags, in the directory, says that it is encrypted."""
    data = bytearray(book([HEADERS, person()]))
    at = data.find(b"PK\x01\x02")
    while at >= 0:
        data[at + 8] |= 1
        at = data.find(b"PK\x01\x02", at + 4)
    return bytes(data)


def too_many_parts() -> bytes:
    return repacked(book([HEADERS, person()]), {f"xl/media/{n}.png": b"x" for n in range(64)})


def too_high_ratio() -> bytes:
    return repacked(book([HEADERS, person()]), {"xl/media/a.xml": bytes(2 << 20)})


def too_large_unpacked() -> bytes:
    """The directory claims 600 MB of one part, packed well below the ratio."""
    data = bytearray(repacked(book([HEADERS, person()]), {"docProps/big.xml": random.Random(1).randbytes(4 << 20)}))
    at = data.rfind(b"PK\x01\x02", 0, data.rfind(b"docProps/big.xml"))
    struct.pack_into("<I", data, at + 24, 600 << 20)
    return bytes(data)


def far_apart() -> bytes:
    return raw_book('<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')


def twice_the_same_part() -> bytes:
    target = io.BytesIO(book([HEADERS, person()]))
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(target, "a") as archive:
        archive.writestr("xl/worksheets/sheet1.xml", "<worksheet/>")
    return target.getvalue()


def entities() -> bytes:
    text = '<!DOCTYPE w [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    return raw_book('<row r="1"><c r="A1" t="inlineStr"><is><t>&b;</t></is></c></row>', before=text)


REFUSED: Sequence[tuple[Callable[[], bytes], str]] = (
    (merged, "merged cells"),
    (with_macros, "macros"),
    (macro_enabled, "macros"),
    (old_password, "password"),
    (encrypted_entries, "password"),
    (too_many_parts, "parts"),
    (too_high_ratio, "200 times"),
    (too_large_unpacked, "500 MB"),
    (far_apart, "spread"),
    (twice_the_same_part, "damaged"),
    (entities, "damaged"),
)


@pytest.mark.parametrize(("make", "reason"), REFUSED, ids=[make.__name__ for make, _ in REFUSED])
def test_refused_with_a_reason(make: Callable[[], bytes], reason: str) -> None:
    reading = read_bytes(make())
    assert refusal(reading) == ["file-not-csv"]
    assert reason in str(reading.findings[0].detail["format"])


def test_a_workbook_of_more_than_the_limit_is_refused_unopened(monkeypatch: pytest.MonkeyPatch) -> None:
    data = book([HEADERS, person()])
    monkeypatch.setattr(workbook_archive, "MAX_BYTES", len(data) - 1)
    assert refusal(read_bytes(data)) == ["file-not-csv"]
    monkeypatch.setattr(workbook_archive, "MAX_BYTES", len(data))
    assert not refusal(read_bytes(data))


RAW = [
    ('<row r="1"><c r="A1" t="s"><v>99</v></c></row>', "a text that is not there"),
    ('<row r="1"><c r="A1"><v>1</v></c><c r="A1"><v>2</v></c></row>', "a cell twice"),
    ('<row r="2"><c r="A2"><v>1</v></c></row><row r="1"><c r="A1"><v>2</v></c></row>', "rows out of order"),
    ('<row r="1"><c r="XFE1"><v>1</v></c></row>', "a column that no sheet has"),
    ('<row r="0"><c r="A0"><v>1</v></c></row>', "a row that no sheet has"),
    ('<row r="9999999"><c r="A9999999"><v>1</v></c></row>', "a row beyond the last"),
    ('<row r="²"><c><v>1</v></c></row>', "a row number that is none"),
    ('<row r="1"><c r="B2"><v>1</v></c></row>', "a cell in another row"),
    ('<c r="A1"><v>1</v></c>', "a cell in no row"),
    ('<row r="1"><c r="A1" t="weird"><v>1</v></c></row>', "a kind of cell that is none"),
    ('<row r="1"><c r="A1"><v>1</v>', "cut off"),
]


@pytest.mark.parametrize(("rows", "about"), RAW, ids=[about for _, about in RAW])
def test_a_sheet_that_no_program_writes_is_refused(rows: Raw, about: str) -> None:
    reading = read_bytes(raw_book(rows))
    assert refusal(reading) == ["file-not-csv"], about


def test_cells_without_places_are_read_where_they_stand() -> None:
    cells = "".join(f'<c t="inlineStr"><is><t>{name}</t></is></c>' for name in HEADERS)
    values = "".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in PERSON)
    reading = read_bytes(raw_book(f'<row>{cells}</row><row r="5">{values}</row>'))
    assert (reading.lines.tolist(), codes(reading)) == ([5], ["row-blank"])


@pytest.mark.parametrize("seed", range(4))
def test_damaged_workbooks_are_refused_or_read_but_raise_nothing(seed: int) -> None:
    for data in damaged_books(book([HEADERS, person(), person(userId=5)]), random.Random(seed), 60):
        read_bytes(data)


def test_other_archives_are_named_by_what_they_are() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("[Content_Types].xml", "<x/>")
        archive.writestr("word/document.xml", "<x/>")
    reading = read_bytes(target.getvalue())
    assert refusal(reading) == ["file-not-csv"]
    assert reading.findings[0].detail["format"] == "a Word document (.docx)"


def test_every_column_of_ids_is_told() -> None:
    ids = [column.header for column in DICTIONARY.columns if column.kind == "id"]
    row = [7 if header in ids else "x" for header in DICTIONARY.headers]
    assert [f.column for f in read_bytes(book([list(DICTIONARY.headers), row])).findings] == ids


TEXT_FORM = {"row-short", "row-cell-count", "row-blank", "row-repeated-header", "header-blank", "file-ctrl-z"}
"""Findings about how a CSV is written, which the same cells in a sheet cannot have."""


@pytest.mark.parametrize("name", names())
def test_a_sample_has_the_findings_of_its_csv_in_a_workbook_as_well(name: str) -> None:
    data = (FOLDER / f"{name}.csv").read_bytes()
    plain = read_bytes(data)
    if plain.refused or plain.encoding != "utf-8" or {f.code for f in plain.findings} & TEXT_FORM:
        return
    if is_workbook(data):
        return
    book_of_it = read_bytes(of_csv(data))
    assert flat(book_of_it) == flat(plain)
    assert book_of_it.lines.tolist() == plain.lines.tolist()
    assert book_of_it.frame.to_dict("list") == plain.frame.to_dict("list")


CELLS = st.one_of(
    st.sampled_from(
        ["0042", "=1+1", "'=1", "-", "a\nb", "\r", "x\r\n,,,,,,,,,,,,\n", '"', '""', "\ufdd0n", "_x000D_", "\ufeff"]
    ),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(CELLS, min_size=len(HEADERS), max_size=len(HEADERS)), min_size=1, max_size=6))
def test_any_cells_are_read_as_typed_in_the_rows_where_they_stand(rows: list[list[str]]) -> None:
    rows = [["", "S1", *row[2:]] for row in rows]
    reading = read_bytes(book([HEADERS, *rows]))
    kept = [row for row in rows if row[2:5] != HEADERS[2:5]]
    assert reading.lines.tolist() == list(range(2, len(kept) + 2))
    assert [list(row) for row in reading.frame.itertuples(index=False, name=None)] == kept
