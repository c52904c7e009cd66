"""What the reader makes of bytes, rows and lines: asserted on (line, column, code)."""

from __future__ import annotations

import pytest

from rostersync.model import Severity
from rostersync.reading.line_scan import MAX_LINE
from rostersync.reading.record import MAX_ROW_CELLS
from tests.support.reading_cases import HEADER, NEEDED, ROW, codes, flat, read_bytes, read_lines, refusal

GOOD = f"{HEADER}\n{ROW}\n"


def test_a_plain_file_has_no_findings_and_keeps_each_cell() -> None:
    reading = read_lines(ROW, ROW.replace("Ana", " NULL "), ROW.replace("T1", "007"))
    assert flat(reading) == []
    assert tuple(reading.frame.columns) == NEEDED == reading.header
    assert reading.frame["userFirstName"].tolist() == ["Ana", " NULL ", "Ana"]
    assert reading.frame["userId"].tolist() == ["T1", "T1", "007"]
    assert reading.frame["classId"].tolist() == ["", "", ""]
    assert reading.lines.tolist() == [2, 3, 4]


@pytest.mark.parametrize("typed", ["NA", "nan", "None", "1E5", "00", "-", "#N/A", "True", "=1+1", "'x", " a ", "O''B"])
def test_no_cell_is_taken_for_a_number_or_a_missing_value(typed: str) -> None:
    assert read_lines(ROW.replace("Ana", typed)).frame["userFirstName"].tolist() == [typed]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "file-empty"),
        (b"\xef\xbb\xbf", "file-empty"),
        (b"\r\n \r\n\n", "file-empty"),
        (b"\xef\xbb\xbf\n\n", "file-empty"),
        (b"PK\x03\x04\x14\x00", "file-not-csv"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00", "file-not-csv"),
        (b"%PDF-1.7", "file-not-csv"),
        (b"\x1f\x8b\x08\x00", "file-not-csv"),
        (b"\n<!DOCTYPE html><html>", "file-not-csv"),
        (b"<?xml version='1.0'?>", "file-not-csv"),
        (GOOD.encode("utf-16"), "file-encoding"),
        (GOOD.encode("utf-16-le"), "file-encoding"),
        (GOOD.encode("utf-16-be"), "file-encoding"),
        (GOOD.encode("utf-32"), "file-encoding"),
        (GOOD.encode("utf-32-be"), "file-encoding"),
        (GOOD.replace("Ana", "A\0na").encode(), "file-control-character"),
        (b"\0" * 64, "file-control-character"),
        (GOOD.replace("Ana", "José").encode() + b"\xe9", "file-encoding"),
        (GOOD.encode() + "José".encode()[:-1], "file-encoding"),
        (GOOD.encode() + b"\x81", "file-encoding"),
        (GOOD.encode() + b"\xed\xa0\x80,", "file-encoding"),
        (GOOD.encode() + b"\xc0\xaf,", "file-encoding"),
        (b"\xef\xbb\xbf" + GOOD.replace("Ana", "José").encode("cp1252"), "file-encoding"),
        (GOOD.encode("cp037"), "file-encoding"),
        (GOOD.replace(",", ";").encode(), "file-delimiter"),
        (GOOD.replace(",", "\t").encode(), "file-delimiter"),
        (GOOD.replace(",", "|").encode(), "file-delimiter"),
        (b"sep=;\r\n" + GOOD.replace(",", ";").encode(), "file-delimiter"),
        (b"sep=,\r\n" + GOOD.encode(), "file-delimiter"),
        (b"a;b\n1;2\n", "file-delimiter"),
        (f"{HEADER}\n{ROW.replace('Ana', chr(34) + 'Ana')}\n{ROW}\n".encode(), "file-unclosed-quote"),
        (f'"{GOOD}'.encode(), "file-unclosed-quote"),
        (f"{ROW}\n{ROW}\n".encode(), "file-no-header"),
        (f"Staff of Lincoln\n\n{GOOD}".encode(), "file-no-header"),
        (b"Staff of Lincoln", "file-no-header"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_for_its_root_cause_alone(data: bytes, code: str) -> None:
    reading = read_bytes(data)
    assert flat(reading) == [(None, None, code)]
    assert reading.refused
    assert reading.rows_read == 0
    assert reading.frame.empty


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("sourcedId,enabledUser,status,dateLastModified,orgSourcedIds,role,username,userId", "OneRoster"),
        ("userSourcedId,status,dateLastModified,birthdate,sex", "OneRoster"),
        ("propertyName,value", "OneRoster"),
        ("SIS ID,School SIS ID,Username", "Microsoft School Data Sync v1"),
        ("sourcedId,orgSourcedIds,givenName,familyName,username,password,role,grade", "Microsoft School Data Sync v2"),
        ("sourcedId,username,givenName,familyName,password,activeDirectoryMatchId", "Microsoft School Data Sync v2.1"),
        ("userSourcedId,orgSourcedId,role,sessionSourcedId,grade,isPrimary", "Microsoft School Data Sync v2.1"),
        ("School_id,Staff_id,Staff_email,First_name,Last_name,Department,Title", "Clever"),
        ("user_id,login_id,first_name,last_name,email,status", "Canvas"),
        ("section_id,course_id,name,status,start_date,end_date", "Canvas"),
        ("staff_unique_id,prefix,first_name,last_surname", "Ed-Fi"),
        ("StaffUniqueId,EducationOrganizationId", "Ed-Fi"),
    ],
)
def test_another_systems_file_is_named(header: str, name: str) -> None:
    (finding,) = read_bytes(f"{header}\n1,2\n".encode()).findings
    assert (finding.code, finding.detail["format"]) == ("file-foreign-format", name)


@pytest.mark.parametrize(("problem", "line"), [(b"\0", 3), (b"\xff", 3)])
def test_the_first_bad_line_is_named(problem: bytes, line: int) -> None:
    data = f"{HEADER}\r\n{ROW}\r\n,S".encode() + problem + b"\r\n" + problem
    (finding,) = read_bytes(data, fallback_encoding=False).findings
    assert finding.detail["bad_line"] == line


def test_windows_1252_is_read_with_a_remark_only_where_allowed() -> None:
    data = GOOD.replace("Ana", "Zoë “Z” Núñez").encode("cp1252")
    reading = read_bytes(data)
    assert (flat(reading), reading.encoding) == ([(None, None, "file-encoding-fallback")], "windows-1252")
    assert reading.frame["userFirstName"].tolist() == ["Zoë “Z” Núñez"]
    assert refusal(read_bytes(data, fallback_encoding=False)) == ["file-encoding"]


@pytest.mark.parametrize("tail", ["\x1a", "\x1a\x1a\x1a", "\x1a\r\n"])
def test_a_closing_ctrl_z_is_dropped_with_a_remark(tail: str) -> None:
    reading = read_bytes((GOOD + tail).encode())
    assert (flat(reading), len(reading.frame)) == ([(None, None, "file-ctrl-z")], 1)


def test_a_byte_order_mark_is_no_part_of_the_first_header_but_stays_in_a_cell() -> None:
    reading = read_bytes(b"\xef\xbb\xbf" + GOOD.encode() + "\ufeff".encode() + GOOD.splitlines()[1].encode())
    assert flat(reading) == []
    assert reading.frame["action"].tolist() == ["", "\ufeff"]


def test_limits_are_checked_for_bytes_and_rows() -> None:
    assert codes(read_lines(ROW, max_bytes=20)) == ["file-too-large"]
    assert codes(read_lines(*[ROW] * 4, max_rows=3)) == ["file-too-large"]
    assert codes(read_lines(*["x"] * 4, max_rows=3)) == ["file-too-large"]
    assert flat(read_lines(ROW, "", ",,", "", "", max_rows=1)) == [(3, None, "row-blank")]


def test_a_header_alone_is_a_remark() -> None:
    assert flat(read_bytes(HEADER.encode())) == [(None, None, "file-header-only")]
    assert flat(read_lines("")) == [(None, None, "file-header-only"), (2, None, "row-blank")]
    assert flat(read_lines("x")) == [(2, None, "row-cell-count")]


@pytest.mark.parametrize("row", ["x", ROW + ",x", ROW + ",,x", '"a"', ",,x", ROW.partition("T1")[0]])
def test_a_row_with_another_number_of_cells_is_rejected_and_kept_as_text(row: str) -> None:
    reading = read_lines(ROW, row, ROW)
    assert flat(reading) == [(3, None, "row-cell-count")]
    assert [(raw.line, raw.text) for raw in reading.raw_rows] == [(3, row)]
    assert reading.lines.tolist() == [2, 4]
    assert reading.rows_read == 3


@pytest.mark.parametrize("row", [ROW + ",", ROW + ", ,\t", ROW + ',""'])
def test_blank_cells_behind_the_last_column_are_nothing(row: str) -> None:
    reading = read_lines(ROW, row, ROW)
    assert flat(reading) == []
    assert reading.lines.tolist() == [2, 3, 4]


@pytest.mark.parametrize("row", [ROW.replace("Bo", "Bo, Jr."), ROW.replace("Ana", "Ana, Maria")])
def test_a_comma_too_many_inside_a_row_is_no_blank_cell_behind_it(row: str) -> None:
    assert flat(read_lines(ROW, row, ROW)) == [(3, None, "row-cell-count")]


@pytest.mark.parametrize("row", [ROW[:-1], ROW.rstrip(",")])
def test_blank_cells_that_a_program_left_out_are_read_as_blank(row: str) -> None:
    reading = read_lines(ROW, row, ROW, row)
    assert flat(reading) == [(3, None, "row-short")]
    assert reading.findings[0].detail["count"] == 2
    assert reading.lines.tolist() == [2, 3, 4, 5]


@pytest.mark.parametrize("cell", ['A"b', 'A""b', ' "Ana"', '"Ana" ', '"A"na', '"a\\"b"', '"5" x'])
def test_a_quote_in_the_wrong_place_rejects_its_row_only(cell: str) -> None:
    reading = read_lines(ROW, ROW.replace("Ana", cell), ROW)
    assert flat(reading) == [(3, "userFirstName", "row-cell-count")]
    assert reading.lines.tolist() == [2, 4]


def test_a_row_of_two_lines_with_a_quote_in_the_wrong_place_is_rejected_with_all_its_text() -> None:
    row = ROW.replace("Ana", '"A\nna"').replace("Bo", 'B"o')
    reading = read_lines(ROW, row, ROW)
    assert flat(reading) == [(3, "userLastName", "row-cell-count")]
    assert [(raw.line, raw.text) for raw in reading.raw_rows] == [(3, row)]
    assert reading.lines.tolist() == [2, 5]


@pytest.mark.parametrize("cell", ['="00123"', '=""', '="00,123"'])
def test_the_text_trick_of_scripts_is_no_misplaced_quote(cell: str) -> None:
    reading = read_lines(ROW.replace("T1", cell))
    assert flat(reading) == ([(2, None, "row-cell-count")] if "," in cell else [])
    assert reading.frame["userId"].tolist() == ([] if "," in cell else [cell])


@pytest.mark.parametrize(
    ("lines", "opens"),
    [
        ([ROW, ROW.replace("Ana", '"Ana'), ROW], 3),
        ([ROW.replace("Ana", '"Ana'), ROW, ROW.replace("Ana", 'Ana"')], 2),
        ([ROW.replace("Ana", '"Ana'), ROW.replace("Ana", '"Ana"')], 2),
        ([ROW.replace("Ana", '"A\nna"'), "", ROW.replace("Bo", '"Bo')], 5),
        ([ROW.replace("Ana", '"x\ny"').replace("Bo", '"Bo'), ROW], 3),
        (['"', *[ROW] * 20], 2),
    ],
)
def test_a_quote_left_open_refuses_the_file_and_names_its_line(lines: list[str], opens: int) -> None:
    (finding,) = read_lines(*lines).findings
    assert (finding.flat, finding.detail["open_line"]) == ((None, None, "file-unclosed-quote"), opens)


def test_an_open_quote_far_down_does_not_hide_the_headers_faults() -> None:
    reading = read_lines(ROW, '"', header=HEADER.replace("userRole", "userrole"))
    assert flat(reading) == [(None, None, "file-unclosed-quote"), (1, "userrole", "header-capitalization")]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_as_an_editor_shows_them(end: str) -> None:
    reading = read_lines(ROW, "", ROW.replace("Ana", f'"A{end}{end}na"'), ROW, ",,", "x", ROW, end=end)
    assert reading.lines.tolist() == [2, 4, 7, 10]
    assert flat(reading) == [(3, None, "row-blank"), (9, None, "row-cell-count")]
    assert reading.frame["userFirstName"].tolist() == ["Ana", f"A{end}{end}na", "Ana", "Ana"]


def test_mixed_line_ends_and_a_missing_last_one_are_counted_too() -> None:
    reading = read_bytes(
        f"{HEADER}\r{ROW}\n{ROW.replace('Ana', chr(34) + 'A' + chr(13) + 'b' + chr(34))}\r\n{ROW}".encode()
    )
    assert flat(reading) == []
    assert reading.lines.tolist() == [2, 3, 5]
    assert reading.frame["userFirstName"].tolist() == ["Ana", "A\rb", "Ana"]


@pytest.mark.parametrize("blank", ["", ",,,,,,,,,,", ",", " , ,", " ", '"","","","","","","","","","",""', '"",'])
def test_blank_lines_are_skipped_and_counted_in_one_remark(blank: str) -> None:
    reading = read_lines(blank, ROW, blank, ROW)
    assert flat(reading) == [(2, None, "row-blank")]
    assert reading.findings[0].detail["count"] == 2
    assert reading.lines.tolist() == [3, 5]


def test_a_blank_line_above_the_header_moves_every_line() -> None:
    reading = read_bytes(f"\r\n,,\r\n{HEADER.replace('userRole', 'userrole')}\r\n{ROW}\r\n".encode())
    assert flat(reading) == [(3, "userrole", "header-capitalization")]
    reading = read_bytes(f"\n\n{GOOD}".encode())
    assert flat(reading) == [(1, None, "row-blank")]
    assert reading.lines.tolist() == [4]


def test_a_repeated_header_is_rejected() -> None:
    reading = read_lines(ROW, HEADER, ROW, HEADER.upper(), ROW)
    assert flat(reading) == [(3, None, "row-repeated-header"), (5, None, "row-repeated-header")]
    assert reading.lines.tolist() == [2, 4, 6]
    assert [raw.text for raw in reading.raw_rows] == [HEADER, HEADER.upper()]


@pytest.mark.parametrize("other", [",".join(reversed(NEEDED)), ",".join(NEEDED[:-1]), f"{HEADER},userGrade"])
def test_rows_below_a_header_with_other_columns_are_not_guessed_at(other: str) -> None:
    reading = read_lines(ROW, other, ROW, "", ROW, HEADER, ROW)
    assert [finding.line for finding in reading.findings if finding.code == "row-repeated-header"] == [3, 4, 6, 7]
    assert reading.lines.tolist() == [2, 8]
    assert [raw.line for raw in reading.raw_rows] == [3, 4, 6, 7]


def test_a_removal_made_by_hand_may_stop_behind_its_keys() -> None:
    reading = read_lines("REMOVE-USER,S1,T1", "REMOVE-USER,S1", "REMOVE-CLASS,S1,T1", ",S1,T1", "REMOVE-USER,S1,T2")
    assert [finding.line for finding in reading.findings] == [3, 4, 5]
    assert reading.frame["userId"].tolist() == ["T1", "T2"]
    assert reading.frame["userEmail"].tolist() == ["", ""]


def test_a_short_removal_at_the_very_end_may_be_a_cut_upload() -> None:
    reading = read_bytes(f"{HEADER}\n{ROW}\nREMOVE-USER,S1,T1".encode())
    assert flat(reading) == [(3, None, "row-cell-count")]


def test_the_columns_of_an_error_report_are_ignored_and_its_neutralising_quote_taken_off() -> None:
    header = f"{HEADER},line,errors,resolutions"
    rows = [ROW.replace("Ana", cell) + ",7,=x,y" for cell in ("'=1", "''+1", "'-", "O'B", "'x", "'\t", "''")]
    reading = read_lines(*rows, ",,,,,,,,,,,9,raw,", header=header)
    assert flat(reading) == [(9, None, "row-blank")]
    assert tuple(reading.frame.columns) == NEEDED
    assert reading.frame["userFirstName"].tolist() == ["=1", "'+1", "-", "O'B", "'x", "\t", "''"]


def test_without_the_report_columns_a_leading_quote_is_part_of_the_cell() -> None:
    assert read_lines(ROW.replace("Ana", "'=1")).frame["userFirstName"].tolist() == ["'=1"]


def test_the_frame_is_text_without_missing_values() -> None:
    frame = read_lines(ROW, ROW).frame
    assert {type(cell) for cell in frame.to_numpy().flat} == {str}
    assert not frame.isna().any(axis=None)
    assert frame.index.tolist() == [0, 1]


def test_a_huge_cell_and_ten_thousand_columns_are_no_special_case() -> None:
    assert read_lines(ROW.replace("Ana", "x" * 3_000_000)).frame["userFirstName"].map(len).tolist() == [3_000_000]
    reading = read_lines(ROW, header=",".join(f"column{n}" for n in range(10_000)))
    assert reading.refused
    assert {finding.severity for finding in reading.findings} == {Severity.FILE}


WIDE = MAX_ROW_CELLS + 5_000


@pytest.mark.parametrize("row", ["x" + "," * WIDE + "x", '"a",' * WIDE, "," * WIDE + "x", '="a",' * WIDE])
def test_a_row_of_any_length_is_one_rejected_row(row: str) -> None:
    reading = read_lines(ROW, row, ROW)
    assert flat(reading) == [(3, None, "row-cell-count")]
    assert reading.findings[0].detail["cells"] == 1 + row.count(",")
    assert [raw.text for raw in reading.raw_rows] == [row]
    assert reading.lines.tolist() == [2, 4]


@pytest.mark.parametrize("row", ["," * WIDE, "," * 3 * MAX_LINE, '"",' * WIDE, " ," * WIDE])
def test_a_blank_row_of_any_length_is_blank(row: str) -> None:
    assert flat(read_lines(ROW, row, ROW)) == [(3, None, "row-blank")]


@pytest.mark.parametrize("row", ["," * WIDE + '"', "," * WIDE + '"a', "," * WIDE + '"a\nb"'])
def test_a_quote_left_open_far_out_refuses_the_file(row: str) -> None:
    (finding,) = read_lines(ROW, row, ROW).findings
    assert (finding.flat, finding.detail["open_line"]) == ((None, None, "file-unclosed-quote"), 3)


@pytest.mark.parametrize("blank", [1_500, MAX_ROW_CELLS - len(NEEDED) - 1])
def test_every_column_is_judged_however_far_out(blank: int) -> None:
    assert flat(read_lines(ROW, header=HEADER + "," * blank)) == [(1, "", "header-blank")]
    assert (1, "junk", "header-unknown") in flat(read_lines(ROW, header=HEADER + "," * blank + "junk"))
    reading = read_lines(ROW + "," * blank + "x", header=HEADER + "," * blank)
    assert (flat(reading), reading.refused) == ([(1, "", "header-blank")] * 2, True)


def test_a_header_wider_than_a_spreadsheet_refuses_the_file() -> None:
    assert flat(read_lines(ROW, header=HEADER + "," * MAX_ROW_CELLS)) == [(None, None, "file-too-large")]
    assert flat(read_lines(ROW, header="a," * MAX_ROW_CELLS * 20)) == [(None, None, "file-too-large")]


def test_a_second_header_one_column_off_is_found_in_a_row_of_the_right_length() -> None:
    shifted = ",".join(("note", *NEEDED[:-1]))
    reading = read_lines(ROW, shifted, ROW)
    assert flat(reading) == [(3, None, "row-repeated-header"), (4, None, "row-repeated-header")]
    assert reading.lines.tolist() == [2]
