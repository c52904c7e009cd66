"""A group of findings tells one remedy, and it is true for every row of the group."""

from __future__ import annotations

import string

import pytest

from rostersync.catalogue.findings import FindingText, finding_texts, make_finding
from rostersync.model import Finding, Severity
from rostersync.reporting import grouping
from tests.support.factories import DICTIONARY

NUMBERS = frozenset(
    {"bad_line", "by", "count", "letter", "letters", "length", "max", "more", "of", "open_line", "line", "format"}
    | {"code_points", "remedy"}
)
"""Details that the rules fill with numbers, letters of columns and words of their own."""


def rows(findings: list[Finding], *, listed: bool = True) -> list[grouping.Group]:
    return grouping.groups(findings, Severity.ROW, DICTIONARY, listed=listed)


def refused_value(line: int, column: str, accepted: str) -> Finding:
    return make_finding("value-not-allowed", line=line, column=column, value="x", accepted=accepted, hint="")


def unknown_school(line: int, suggestion: str) -> Finding:
    detail = {"school": f"S{line}", "suggestion": suggestion, "hint": ""}
    return make_finding("school-unknown", line=line, column="schoolId", value=f"S{line}", **detail)


def test_a_remedy_is_told_for_its_own_column_only() -> None:
    roles = [refused_value(line, "userRole", "Teacher, Administrator") for line in range(2, 9)]
    grades = [refused_value(line, "classGrade", "K, 1, 2") for line in (3, 4)]
    told = [(group.column, group.count, group.lines, group.resolution) for group in rows([*roles, *grades])]
    assert told == [
        ("userRole", 7, "lines 2, 3, 4, 5, 6, 7, 8", "Write one of: Teacher, Administrator."),
        ("classGrade", 2, "lines 3, 4", "Write one of: K, 1, 2."),
    ]


def test_remedies_of_one_column_that_differ_are_told_one_by_one() -> None:
    together = [unknown_school(2, "0100"), unknown_school(3, "0100"), unknown_school(4, "0200")]
    assert [(group.count, "0100" in group.resolution, "0200" in group.resolution) for group in rows(together)] == [
        (2, True, False),
        (1, False, True),
    ]


def test_of_many_remedies_none_is_told_as_everybodys() -> None:
    many = [unknown_school(line, f"0{line}") for line in range(2, 39)]
    [group] = rows(many)
    assert group.count == 37
    assert "list" in group.resolution
    assert not [line for line in range(2, 39) if f"0{line}" in group.resolution]
    assert len(rows(many, listed=False)) == 37


def test_nothing_is_called_near_when_nothing_is() -> None:
    [group] = rows([unknown_school(2, "none")])
    assert "earest" not in group.resolution
    assert "none" not in group.resolution


def test_a_message_names_a_line_only_as_an_example() -> None:
    same = [make_finding("cell-required", line=line, column="userLastName") for line in (4, 5)]
    other = [make_finding("email-invalid", line=n, column="userEmail", value="x", reason=f"reason {n}") for n in (6, 7)]
    assert [group.message for group in rows([*same, *other])] == [
        "The cell is blank, but it is required.",
        "For example, line 6, userEmail: the value is not an e-mail address that can be used here: reason 6.",
    ]


@pytest.mark.parametrize("code", ["cell-leading-zero-lost", "id-case-differs"])
def test_a_mapping_that_repeats_is_told_once_with_all_its_pairs(code: str) -> None:
    pairs = [("100", "0100"), ("200", "0200"), ("100", "0100")]
    lost = [make_finding(code, line=n, column="schoolId", value=t, known=k) for n, (t, k) in enumerate(pairs, start=2)]
    [group] = rows(lost)
    assert group.count == 3
    assert group.resolution.endswith("Write 0100 for 100, 0200 for 200.")


def test_a_persons_id_is_not_told_in_a_mail() -> None:
    [group] = rows([make_finding("cell-leading-zero-lost", line=2, column="userId", value="741", known="00741")])
    assert "741" not in group.message + group.resolution


def test_a_remark_says_what_to_do() -> None:
    remarks = [make_finding("cell-trimmed", line=2, column="userId", value=" 1")]
    [group] = grouping.groups(remarks, Severity.REMARK, DICTIONARY, listed=True)
    assert group.resolution


MAILED = [entry for entry in finding_texts().values() if entry.by != "P"]
"""Of packages of the enrollment source no contact gets mail: their findings are told to operators, without cells."""


@pytest.mark.parametrize("entry", MAILED, ids=lambda entry: entry.code)
def test_a_sentence_of_a_mail_has_no_hole(entry: FindingText) -> None:
    """What a mail may not quote (`without_cells`) is not in the sentence that it prints."""
    if set(entry.severities) == {Severity.HOLD}:
        return
    sentences = (entry.masked_message, entry.masked_resolution)
    fields = {name for text in sentences for _, name, _, _ in string.Formatter().parse(text) if name}
    told = grouping.PHRASES | NUMBERS | {"column", "nearest", "whom", "otherwise"}
    if Severity.FILE in entry.severities and entry.code != "header-missing":
        told -= {"column"}
    assert fields - told - ({"first"} if entry.code == "row-duplicate" else set()) == set()
    assert all(text.lower().count("the value") <= 1 for text in sentences)
