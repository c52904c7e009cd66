"""`users-errors.csv` and its Excel twin: form, content, reversibility and the same bytes every time."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.utils import get_column_letter

from rostersync.catalogue.findings import make_finding
from rostersync.configuration.dictionary import load_dictionary
from rostersync.model import Finding, RawRow
from rostersync.reporting import attachments, error_file, error_workbook, errors_file, errors_workbook
from tests.support import spreadsheets
from tests.support.reading_cases import read_bytes
from tests.support.report_cases import PERSON, reading

DICTIONARY = load_dictionary()


def cells_of(content: bytes) -> list[dict[str, str]]:
    """The rows of an error file as a strict CSV reader sees them."""
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))


def bad(line: int, code: str = "cell-required", column: str = "userLastName") -> Finding:
    return make_finding(code, line=line, column=column)


def test_the_form_is_bom_crlf_and_every_cell_quoted() -> None:
    content = errors_file(reading([PERSON]), [bad(2)], DICTIONARY)
    assert content.startswith(b'\xef\xbb\xbf"action","schoolId"')
    lines = content.decode("utf-8-sig").split("\r\n")
    assert lines[-1] == ""
    assert len(lines) == 3
    assert all(line.startswith('"') and line.endswith('"') for line in lines[:-1])


def test_own_columns_come_first_as_typed_and_the_added_ones_last() -> None:
    typed = {**PERSON, "userFirstName": '  Ann "Q", \r\nLee ', "userId": "00042", "schoolId": "1E5"}
    content = errors_file(reading([typed]), [bad(2)], DICTIONARY)
    row = cells_of(content)[0]
    assert tuple(row) == (*DICTIONARY.headers, "line", "errors", "resolutions")
    assert (row["userFirstName"], row["userId"], row["schoolId"]) == ('  Ann "Q", \r\nLee ', "00042", "1E5")


def test_only_rejected_rows_are_in_it_sorted_by_line_with_all_their_findings() -> None:
    rows = [{**PERSON, "userId": str(n)} for n in range(2, 12)]
    remark = make_finding("cell-trimmed", line=9, column="schoolId")
    findings = [
        bad(9),
        bad(3),
        remark,
        bad(9, "email-invalid"),
        make_finding("cell-trimmed", line=5, column="schoolId"),
    ]
    told = cells_of(errors_file(reading(rows), findings, DICTIONARY))
    assert [(row["line"], row["userId"]) for row in told] == [("3", "3"), ("9", "9")]
    words = [part.split(":")[0] for part in told[1]["errors"].split(" | ")]
    assert words == ["ERROR", "REMARK", "ERROR"]
    assert len(told[1]["resolutions"].split(" | ")) == 3


def test_the_siblings_of_a_conflict_are_in_it_too() -> None:
    pairs = ((2, "3"), (3, "2"))
    findings = [make_finding("row-conflict", line=n, columns="userLastName", lines=other) for n, other in pairs]
    told = cells_of(errors_file(reading([PERSON, PERSON, PERSON]), findings, DICTIONARY))
    assert [row["line"] for row in told] == ["2", "3"]


def test_a_row_of_another_width_shows_its_raw_text_and_blank_cells() -> None:
    raw = RawRow(line=3, text='0100,"Lee, Ann",')
    told = cells_of(
        errors_file(reading([PERSON], raw_rows=[raw]), [make_finding("row-cell-count", line=3)], DICTIONARY)
    )
    assert told[0]["line"] == "3"
    assert {told[0][header] for header in DICTIONARY.headers} == {""}
    assert told[0]["errors"].startswith("ERROR: ")
    assert told[0]["errors"].endswith(raw.text)


def test_line_breaks_of_a_cell_do_not_reach_the_messages() -> None:
    finding = make_finding("cell-character", line=2, column="userFirstName", value="a\r\nb", sign="\n")
    told = cells_of(errors_file(reading([PERSON]), [finding], DICTIONARY))
    assert not set("\r\n") & set(told[0]["errors"] + told[0]["resolutions"])


@pytest.mark.parametrize("typed", ["=1+1", "'=1", "''@x", "+1", "-1", "@a", "\tx", "\rx", "'\t"])
def test_a_cell_a_spreadsheet_may_run_gets_one_apostrophe_that_can_be_taken_off(typed: str) -> None:
    content = errors_file(reading([{**PERSON, "userLastName": typed}]), [bad(2)], DICTIONARY)
    assert cells_of(content)[0]["userLastName"] == f"'{typed}"
    assert read_bytes(content).frame["userLastName"].tolist() == [typed]


@pytest.mark.parametrize("typed", ["O'Brien", "'quoted'", "a=1", " =1", "1-2", "", "'", "''x"])
def test_other_cells_are_left_as_typed(typed: str) -> None:
    told = cells_of(errors_file(reading([{**PERSON, "userLastName": typed}]), [bad(2)], DICTIONARY))
    assert told[0]["userLastName"] == typed


SIGNS = st.sampled_from(["=", "+", "-", "@", "\t", "\r", "\n", "'", "a", " ", ",", '"', ";", "_x000D_"])
CELLS = st.one_of(
    st.lists(SIGNS, max_size=8).map("".join),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12),
)


@settings(deadline=None, max_examples=25)
@given(st.lists(CELLS, min_size=1, max_size=10))
def test_any_cells_survive_the_way_out_and_back(typed: list[str]) -> None:
    rows = [{**PERSON, "userLastName": cell} for cell in typed]
    table = error_file.error_table(reading(rows), [bad(line) for line in range(2, len(rows) + 2)], DICTIONARY)
    sent, book = error_file.csv_bytes(table), error_workbook.workbook_bytes(table, {}, DICTIONARY)
    shown = spreadsheets.cells_of_csv(sent)
    assert not [cell for row in shown for cell in row if spreadsheets.runs(cell)]
    in_book = spreadsheets.cells_of_book(book)
    assert in_book == [[*row[-3:], *row[:-3]] for row in shown]
    for content in (sent, spreadsheets.as_csv(in_book), book):
        assert read_bytes(content).frame["userLastName"].tolist() == typed


FORMULAS = ["=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1", "\r=1", "'=1+1", "''=1+1", '=HYPERLINK("http://x.example")']
AS_TYPED = ["00042", "1E5", "2026-01-01", "'x", " =1", "a\nb", "1-2", "http://x.example"]


def test_a_spreadsheet_runs_nothing_and_gives_the_cells_back(tmp_path: Path) -> None:
    typed = [*FORMULAS, *AS_TYPED]
    rows = [{**PERSON, "userLastName": cell} for cell in typed]
    table = error_file.error_table(reading(rows), [bad(line) for line in range(2, len(rows) + 2)], DICTIONARY)
    assert spreadsheets.formulas(b'"a","b"\r\n"=1+1","x"\r\n', tmp_path)
    assert spreadsheets.formulas(error_file.csv_bytes(table), tmp_path) == []
    saved = spreadsheets.book_saved_as_csv(error_workbook.workbook_bytes(table, {}, DICTIONARY), tmp_path)
    assert spreadsheets.formulas(saved, tmp_path) == []
    assert read_bytes(saved).frame["userLastName"].tolist() == typed


def test_the_workbook_holds_text_cells_only() -> None:
    typed = {
        **PERSON,
        "userLastName": "=1+1",
        "userId": "00042",
        "userMiddleName": "http://x.example",
        "staffType": "\x01",
    }
    sheet = openpyxl.load_workbook(io.BytesIO(errors_workbook(reading([typed]), [bad(2)], DICTIONARY))).active
    assert sheet is not None
    header = [cell.value for cell in sheet[1]]
    row = dict(zip(header, sheet[2], strict=True))
    assert (row["userId"].value, row["userLastName"].value, row["line"].value) == ("00042", "'=1+1", "2")
    assert {cell.data_type for cell in sheet[2] if cell.value is not None} <= {"s", "inlineStr"}
    assert {cell.number_format for cell in sheet[2]} == {"@"}
    assert row["userMiddleName"].hyperlink is None
    assert header == ["line", "errors", "resolutions", *DICTIONARY.headers]


def marked_cells(book: bytes) -> list[tuple[str, str]]:
    """(line, column) of the cells of the first sheet that have a ground of their own and a thick border."""
    sheet = openpyxl.load_workbook(io.BytesIO(book)).active
    assert sheet is not None
    header = [str(cell.value) for cell in sheet[1]]
    return [
        (str(row[0].value), name)
        for row in sheet.iter_rows(min_row=2)
        for name, cell in zip(header, row, strict=True)
        if cell.fill.fill_type == "solid" and cell.border.left.style == "thick" and cell.font.bold
    ]


def test_faulty_cells_are_marked_by_color_and_border_and_no_others() -> None:
    findings = [
        make_finding("email-invalid", line=2, column="userEmail", value="x", problem="p"),
        make_finding("cell-required", line=4, column="userId"),
        make_finding("row-conflict", line=4, columns="userLastName, className", lines="2"),
        make_finding("cell-trimmed", line=2, column="userFirstName"),
    ]
    book = errors_workbook(reading([PERSON] * 3), findings, DICTIONARY)
    assert marked_cells(book) == [
        ("2", "userEmail"),
        ("4", "userId"),
        ("4", "userLastName"),
        ("4", "className"),
    ]


def test_the_workbook_is_frozen_filtered_and_says_what_columns_accept() -> None:
    made = openpyxl.load_workbook(io.BytesIO(errors_workbook(reading([PERSON] * 2), [bad(2), bad(3)], DICTIONARY)))
    first, guide = made.worksheets
    assert (first.freeze_panes, first.auto_filter.ref) == (
        "B2",
        f"A1:{get_column_letter(len(DICTIONARY.headers) + 3)}3",
    )
    assert {first.column_dimensions[letter].width > 0 for letter in "ABC"} == {True}
    accepted = {row[0].value: row[2].value for row in guide.iter_rows(min_row=2, max_row=len(DICTIONARY.headers) + 1)}
    assert list(accepted) == list(DICTIONARY.headers)
    assert accepted["userRole"] == "Teacher, Administrator"


def test_what_is_typed_over_stays_text_in_every_cell_of_the_rows() -> None:
    made = openpyxl.load_workbook(io.BytesIO(errors_workbook(reading([PERSON]), [bad(2)], DICTIONARY)))
    assert {cell.number_format for row in made.worksheets[0].iter_rows() for cell in row} == {"@"}
    assert made.worksheets[0].max_column == len(DICTIONARY.headers) + 3


def test_a_cell_beyond_excels_limit_is_cut_and_says_so() -> None:
    typed = {**PERSON, "userLastName": "😀" * 20_000}
    sheet = openpyxl.load_workbook(io.BytesIO(errors_workbook(reading([typed]), [bad(2)], DICTIONARY))).active
    assert sheet is not None
    value = str(sheet.cell(2, DICTIONARY.headers.index("userLastName") + 4).value)
    assert value.endswith(error_workbook.CUT)
    assert len(value.encode("utf-16-le")) // 2 <= error_workbook.MAX_CHARACTERS


def test_rows_beyond_excels_limit_are_counted_in_the_last_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(error_workbook, "MAX_ROWS", 4)
    book = errors_workbook(reading([PERSON] * 5), [bad(n) for n in range(2, 7)], DICTIONARY)
    sheet = openpyxl.load_workbook(io.BytesIO(book)).active
    assert sheet is not None
    assert sheet.max_row == 4
    assert str(sheet.cell(4, 2).value).startswith("3 more rows")


def test_a_text_that_looks_like_excels_escape_is_not_taken_for_one() -> None:
    typed = {**PERSON, "userLastName": "_x0041_\x0b"}
    book = zipfile.ZipFile(io.BytesIO(errors_workbook(reading([typed]), [bad(2)], DICTIONARY)))
    assert b"_x005F_x0041__x000B_" in book.read("xl/worksheets/sheet1.xml")


def test_the_same_reading_and_findings_give_the_same_bytes() -> None:
    rows, findings = [PERSON] * 3, [bad(2), bad(4)]
    assert errors_file(reading(rows), findings, DICTIONARY) == errors_file(reading(rows), findings, DICTIONARY)
    assert errors_workbook(reading(rows), findings, DICTIONARY) == errors_workbook(reading(rows), findings, DICTIONARY)


def test_there_are_no_files_without_a_row_error() -> None:
    remark = make_finding("cell-trimmed", line=2, column="schoolId")
    assert attachments.error_files(reading([PERSON]), [remark], DICTIONARY) == ()
    names = [file.name for file in attachments.error_files(reading([PERSON]), [bad(2)], DICTIONARY)]
    assert names == ["users-errors.xlsx", "users-errors.csv"]


def test_large_error_files_are_zipped_and_larger_ones_are_for_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = errors_file(reading([PERSON]), [bad(2)], DICTIONARY)
    monkeypatch.setattr(attachments, "ZIP_ABOVE", 10)
    made = attachments.error_files(reading([PERSON]), [bad(2)], DICTIONARY)
    assert [(file.name, file.media_type) for file in made] == [("users-errors.zip", "application/zip")]
    zipped = zipfile.ZipFile(io.BytesIO(made[0].content))
    assert zipped.namelist() == ["users-errors.xlsx", "users-errors.csv"]
    assert zipped.read("users-errors.csv") == plain
    assert made[0].attached
    assert made == attachments.error_files(reading([PERSON]), [bad(2)], DICTIONARY)
    monkeypatch.setattr(attachments, "ATTACH_UP_TO", 10)
    (large,) = attachments.error_files(reading([PERSON]), [bad(2)], DICTIONARY)
    assert not large.attached


def test_the_caps_are_those_of_all_attachments_together(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = [len(file.content) for file in attachments.error_files(reading([PERSON]), [bad(2)], DICTIONARY)]
    monkeypatch.setattr(attachments, "ZIP_ABOVE", sum(sizes))
    assert len(attachments.error_files(reading([PERSON]), [bad(2)], DICTIONARY)) == 2
    monkeypatch.setattr(attachments, "ZIP_ABOVE", sum(sizes) - 1)
    assert len(attachments.error_files(reading([PERSON]), [bad(2)], DICTIONARY)) == 1
