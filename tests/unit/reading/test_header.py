"""The header's faults: all at once, each with the nearest valid header."""

from __future__ import annotations

import pytest

from rostersync.model import Severity
from tests.support.reading_cases import DICTIONARY, HEADER, NEEDED, ROW, flat, read_lines


def detail(reading, code: str) -> dict:
    (finding,) = [finding for finding in reading.findings if finding.code == code]
    return dict(finding.detail)


@pytest.mark.parametrize("column", DICTIONARY.columns, ids=lambda column: column.header)
def test_each_header_may_be_absent_only_when_it_is_optional(column) -> None:
    headers = [header for header in DICTIONARY.headers if header != column.header]
    reading = read_lines("", header=",".join(headers))
    faults = [finding.flat for finding in reading.findings if finding.severity is Severity.FILE]
    assert faults == ([(1, column.header, "header-missing")] if column.header_required else [])


@pytest.mark.parametrize("header", DICTIONARY.headers)
def test_each_header_in_wrong_case_is_recognised(header: str) -> None:
    headers = [name.upper() if name == header else name for name in DICTIONARY.headers]
    reading = read_lines("", header=",".join(headers))
    assert reading.findings[0].flat == (1, header.upper(), "header-capitalization")
    assert reading.findings[0].detail["suggestion"] == header


@pytest.mark.parametrize("header", DICTIONARY.headers)
def test_each_header_with_two_letters_swapped_is_recognised(header: str) -> None:
    place = next(n for n in range(2, len(header)) if header[n - 1].lower() != header[n].lower())
    typed = header[: place - 1] + header[place] + header[place - 1] + header[place + 1 :]
    headers = [typed if name == header else name for name in DICTIONARY.headers]
    finding = read_lines("", header=",".join(headers)).findings[0]
    assert (finding.flat, finding.detail["suggestion"]) == ((1, typed, "header-misspelled"), header)


@pytest.mark.parametrize(
    ("typed", "header"),
    [
        ("user_email", "userEmail"),
        ("Email", "userEmail"),
        ("First Name", "userFirstName"),
        ("lastName", "userLastName"),
        ("user-id", "userId"),
        ("primaryTeachers", "primaryTeacher"),
        ('"userRole" ', "userRole"),
    ],
)
def test_everyday_spellings_find_their_header(typed: str, header: str) -> None:
    reading = read_lines(ROW, header=HEADER.replace(header, typed))
    assert detail(reading, "header-misspelled")["suggestion"] == header
    assert len(reading.findings) == 1


@pytest.mark.parametrize(
    ("typed", "point"),
    [(" userRole", "U+0020"), ("userRole\u00a0", "U+00A0"), ("user\u200bRole", "U+200B"), ("USERROLE\t", "U+0009")],
)
def test_invisible_characters_are_shown_by_code_point(typed: str, point: str) -> None:
    reading = read_lines(ROW, header=HEADER.replace("userRole", typed))
    assert flat(reading) == [(1, typed, "header-whitespace")]
    assert detail(reading, "header-whitespace")["code_points"].startswith(point)
    assert detail(reading, "header-whitespace")["suggestion"] == "userRole"


def test_all_faults_are_told_at_once() -> None:
    typed = (
        HEADER.replace("userEmail", "userEmial").replace("classId", "ClassID").replace(",primaryTeacher", ",zzz,userId")
    )
    reading = read_lines(ROW, header=typed)
    assert sorted(flat(reading)) == [
        (1, "ClassID", "header-capitalization"),
        (1, "primaryTeacher", "header-missing"),
        (1, "userEmial", "header-misspelled"),
        (1, "userId", "header-duplicate"),
        (1, "zzz", "header-unknown"),
    ]
    assert detail(reading, "header-unknown")["hint"] == ""


def test_columns_may_stand_in_any_order() -> None:
    reading = read_lines(",".join(f"v{n}" for n in range(len(NEEDED))), header=",".join(reversed(NEEDED)))
    assert flat(reading) == []
    assert tuple(reading.frame.columns) == tuple(reversed(NEEDED))
    assert reading.frame.loc[0, "action"] == f"v{len(NEEDED) - 1}"


@pytest.mark.parametrize("rows", [[ROW + ",,"], [ROW], [ROW + ",", ROW + ", ,"], []])
def test_blank_headers_over_empty_columns_are_one_remark(rows: list[str]) -> None:
    reading = read_lines(*rows, header=HEADER + ",,")
    assert reading.findings[0].flat == (1, "", "header-blank")
    assert reading.findings[0].detail["count"] == 2
    assert not reading.refused
    assert reading.rows_read == len(rows)
    assert tuple(reading.frame.columns) == NEEDED


def test_a_blank_header_over_data_refuses_the_file_and_says_where() -> None:
    reading = read_lines(ROW + ",,", ROW + ",,x", header=HEADER + ",,")
    faults = [finding for finding in reading.findings if finding.severity is Severity.FILE]
    assert [finding.flat for finding in faults] == [(1, "", "header-blank")]
    assert dict(faults[0].detail) == {"position": 13, "letter": "M", "bad_line": 3}


def test_a_blank_header_over_data_is_told_beside_the_other_faults() -> None:
    reading = read_lines(ROW + ",x", header=HEADER.replace("userRole", "userrole") + ",")
    assert flat(reading) == [(1, "userrole", "header-capitalization"), (1, "", "header-blank")]


def test_report_columns_may_be_the_first_three_as_in_a_workbook() -> None:
    reading = read_lines(f"2,ERROR,do,{ROW}", header=f"line,errors,resolutions,{HEADER}")
    assert flat(reading) == []
    assert reading.frame["userId"].tolist() == ["T1"]


@pytest.mark.parametrize("first", ["errors,line,resolutions", "line,errors", "action,line,errors,resolutions"])
def test_report_columns_elsewhere_are_unknown(first: str) -> None:
    reading = read_lines(header=f"{first},{HEADER}")
    assert "header-unknown" in {finding.code for finding in reading.findings}


@pytest.mark.parametrize("last", ["errors,line,resolutions", "line,errors", "line,errors,resolutions,userGrade"])
def test_report_columns_are_accepted_only_together_and_last(last: str) -> None:
    reading = read_lines(header=f"{HEADER},{last}")
    assert "header-unknown" in {finding.code for finding in reading.findings}
