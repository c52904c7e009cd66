"""Rules about rows that concern each other, and what the screening does when it cannot judge."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rostersync.catalogue.findings import make_finding
from rostersync.exceptions import SuiteFailed
from rostersync.model import RawRow, RowCounts, Screened
from rostersync.pipeline.results import row_counts
from rostersync.screening import engine
from rostersync.screening.rules import cells as cell_rules
from tests.support.factories import DICTIONARY, flat, reading_of, removal, row, screened, staff

SAME = {header: row(1)[header] for header in ("schoolId", "userId", "userDistrictId", "userStateId", "userEmail")}
SAME_CLASS = {header: row(1)[header] for header in ("schoolId", "classId")}


def second(**cells: str) -> dict[str, str]:
    """Another row of person 1 at the same school, with another class."""
    return row(2, **(SAME | cells))


def colleague(**cells: str) -> dict[str, str]:
    """Another person in the class of person 1."""
    return row(2, **(SAME_CLASS | cells))


def status(judged: Screened) -> list[str]:
    return judged.rows.status.tolist()


def test_several_rows_of_one_person_and_of_one_class_agree() -> None:
    assert flat(row(), second(), colleague(), staff(3, **SAME)) == []


AGREEING = {
    "userFirstName": "Maria",
    "userLastName": "Jones",
    "userMiddleName": "Ann",
    "userEmail": "other@example.org",
    "userDistrictId": "D-2",
    "userStateId": "99",
    "schoolName": "Other School",
    "staffType": "Volunteer",
}


@pytest.mark.parametrize(("header", "other"), AGREEING.items())
def test_rows_of_one_person_must_agree(header: str, other: str) -> None:
    rows = [row(userMiddleName="Eve"), second(**{"userMiddleName": "Eve", header: other})]
    assert flat(*rows) == [(2, header, "row-conflict"), (3, header, "row-conflict")]


@pytest.mark.parametrize(
    ("header", "other"),
    {"className": "Math", "classDisplayName": "Maths", "classGrade": "4", "schoolId": "0002"}.items(),
)
def test_rows_of_one_class_must_agree(header: str, other: str) -> None:
    rows = [row(classDisplayName="One"), colleague(**{"classDisplayName": "One", header: other})]
    assert flat(*rows) == [(2, header, "row-conflict"), (3, header, "row-conflict")]


@pytest.mark.parametrize(
    ("header", "other"), {"primaryTeacher": "Yes", "startDate": "2026-09-01", "endDate": ""}.items()
)
def test_rows_of_one_enrollment_must_agree(header: str, other: str) -> None:
    rows = [row(className="Reading 3"), row(**{header: other}, userMiddleName="")]
    assert flat(*rows) == [(2, header, "row-conflict"), (3, header, "row-conflict")]


def test_dates_belong_to_the_class_a_row_names() -> None:
    other = {"startDate": "2026-09-01", "endDate": "2027-01-31"}
    assert flat(row(), second(**other), staff(3, **SAME, startDate="", endDate="")) == []
    placed = [staff(1, schoolName=""), staff(1, **other)]
    assert flat(*placed) == [(2, "startDate", "row-conflict"), (3, "startDate", "row-conflict")]


def test_one_finding_names_all_columns_and_the_other_lines() -> None:
    judged = screened(row(), second(userFirstName="Eve", userLastName="Jones"), second(classId="C-9"))
    details = [(finding.detail["columns"], finding.detail["lines"]) for finding in judged.findings]
    assert details == [
        ("userFirstName, userLastName", "3, 4"),
        ("userFirstName, userLastName", "2, 4"),
        ("userFirstName, userLastName", "2, 3"),
    ]


def test_a_blank_that_keeps_the_stored_value_contradicts_nothing() -> None:
    blanks = {"userMiddleName": "", "userDistrictId": "", "userStateId": "", "schoolName": "", "staffType": ""}
    assert flat(row(userMiddleName="Ann"), second(**blanks)) == []


def test_no_and_blank_are_the_same_for_a_primary_teacher() -> None:
    assert flat(row(primaryTeacher="No"), row(primaryTeacher="", userMiddleName="A")) == []


def test_spelling_is_no_disagreement() -> None:
    spelled = second(userFirstName="Mari\u0301a ", userEmail="PERSON1@Example.org")
    assert {code for _, _, code in flat(row(), spelled)} == {"cell-trimmed"}


def test_faulty_cells_do_not_take_part() -> None:
    assert flat(row(), second(userEmail="nobody", userFirstName="#REF!")) == [
        (3, "userFirstName", "cell-spreadsheet-damage"),
        (3, "userEmail", "email-invalid"),
    ]


def test_ids_differ_by_case() -> None:
    rows = [row(1, userId="ab"), row(2, userId="AB", userEmail="b@example.org")]
    assert flat(*rows) == []


def test_one_address_is_one_person() -> None:
    rows = [row(1), row(2, userEmail="PERSON1@EXAMPLE.ORG"), row(3)]
    judged = screened(*rows)
    assert [f.flat for f in judged.findings] == [
        (2, "userEmail", "email-duplicate"),
        (3, "userEmail", "email-duplicate"),
    ]
    assert [f.detail["lines"] for f in judged.findings] == ["3", "2"]
    assert status(judged) == ["rejected", "rejected", "accepted"]


def test_addresses_may_be_swapped() -> None:
    assert flat(row(1, userEmail="person2@example.org"), row(2, userEmail="person1@example.org")) == []


def test_both_roles_are_remarked_and_every_row_keeps_its_own() -> None:
    """Who becomes Administrator follows from the rows that are accepted in the end: the plan knows."""
    judged = screened(row(), second(userRole="Administrator"), second(classId="C-3"), row(4))
    assert [f.flat for f in judged.findings] == [(2, "userRole", "role-both"), (4, "userRole", "role-both")]
    assert judged.rows.userRole.tolist() == ["Teacher", "Administrator", "Teacher", "Teacher"]
    assert status(judged) == ["accepted"] * 4


def test_a_rejected_row_makes_nobody_administrator() -> None:
    judged = screened(row(), second(userRole="Administrator", startDate="soon"))
    assert [f.flat for f in judged.findings] == [(3, "startDate", "date-invalid")]
    assert judged.rows.userRole.tolist()[0] == "Teacher"
    conflict = screened(row(), second(userRole="Administrator"), row(3, classId=second()["classId"], className="Math"))
    assert "role-both" not in {f.code for f in conflict.findings}


def test_exact_copies_are_remarked_and_accepted() -> None:
    judged = screened(row(), row(2), row(), row())
    assert [f.flat for f in judged.findings] == [(4, None, "row-duplicate"), (5, None, "row-duplicate")]
    assert [f.detail["first"] for f in judged.findings] == [2, 2]
    assert status(judged) == ["accepted"] * 4


def test_nearly_equal_rows_are_no_copies() -> None:
    assert flat(row(), row(userMiddleName="A"), row(schoolName="")) == []


def test_a_removed_person_takes_their_other_rows_at_the_school() -> None:
    elsewhere = second(schoolId="0009", schoolName="Other")
    judged = screened(row(), removal("REMOVE-USER"), second(), elsewhere, removal("REMOVE-ENROLLMENT", classId="C-7"))
    assert [f.flat for f in judged.findings] == [
        (2, None, "row-folded"),
        (4, None, "row-folded"),
        (6, None, "row-folded"),
    ]
    assert {(f.detail["part"], f.detail["by"], f.detail["action"]) for f in judged.findings} == {
        ("row", 3, "REMOVE-USER")
    }
    assert status(judged) == ["accepted"] * 5
    assert row_counts(judged) == RowCounts(read=5, accepted=2, set_aside=3)


def test_folded_rows_contradict_nobody() -> None:
    rows = [row(userLastName="Old"), removal("REMOVE-USER"), row(2, userEmail=row()["userEmail"])]
    assert flat(*rows) == [(2, None, "row-folded")]


def test_a_removed_class_takes_the_class_part_of_rows() -> None:
    judged = screened(row(), removal("REMOVE-CLASS"), colleague(className="Other"), removal("REMOVE-ENROLLMENT"))
    assert [(*f.flat, f.detail["part"]) for f in judged.findings] == [
        (2, None, "row-folded", "class"),
        (4, None, "row-folded", "class"),
        (5, None, "row-folded", "row"),
    ]
    assert status(judged) == ["accepted"] * 4
    assert row_counts(judged) == RowCounts(read=4, accepted=3, set_aside=1)


def test_a_rejected_removal_takes_nothing() -> None:
    assert flat(row(), removal("REMOVE-USER", schoolId="")) == [(3, "schoolId", "action-incomplete")]


def test_a_rejected_row_is_not_folded_as_well() -> None:
    judged = screened(row(userEmail="nobody"), removal("REMOVE-USER"))
    assert [f.flat for f in judged.findings] == [(2, "userEmail", "email-invalid")]
    assert status(judged) == ["rejected", "accepted"]


def test_adding_and_removing_one_enrollment_contradict() -> None:
    judged = screened(row(), removal("REMOVE-ENROLLMENT"), row(2))
    assert [f.flat for f in judged.findings] == [(2, "action", "action-conflict"), (3, "action", "action-conflict")]
    assert [f.detail["lines"] for f in judged.findings] == ["3", "2"]


@pytest.mark.parametrize("word", ["REMOVE-CLASS", "REMOVE-ENROLLMENT"])
def test_removing_one_target_at_two_schools_contradicts(word: str) -> None:
    rows = [removal(word), removal(word, schoolId="0009"), removal(word, 2)]
    assert flat(*rows) == [(2, "action", "action-conflict"), (3, "action", "action-conflict")]


def test_one_person_may_be_removed_at_two_schools() -> None:
    assert flat(removal("REMOVE-USER"), removal("REMOVE-USER", schoolId="0009")) == []


def test_contradicting_removals_of_a_class_take_nothing() -> None:
    rows = [removal("REMOVE-CLASS"), removal("REMOVE-CLASS", schoolId="0009"), row()]
    assert flat(*rows) == [(2, "action", "action-conflict"), (3, "action", "action-conflict")]


def test_removed_rows_make_no_conflict_with_a_removal_of_the_person() -> None:
    rows = [removal("REMOVE-USER"), row(), removal("REMOVE-ENROLLMENT")]
    assert flat(*rows) == [(3, None, "row-folded"), (4, None, "row-folded")]


def test_great_expectations_failing_is_our_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that raises is never "no bad rows", and the failure quotes no cell."""

    def broken(*_: object) -> None:
        raise RuntimeError("Quillfeather")

    monkeypatch.setattr(cell_rules.email_addresses, "invalid", broken)
    with pytest.raises(SuiteFailed) as failure:
        screened(row())
    assert "Quillfeather" not in str(failure.value)


def test_cut_lists_of_rows_are_our_failure() -> None:
    class Result:
        exception_info = {"raised_exception": False}
        result = {"unexpected_index_list": [1], "unexpected_count": 2}

    with pytest.raises(SuiteFailed):
        engine._rows_of(Result(), {"meta": {"code": "email-invalid"}})


def test_an_exception_is_seen_in_both_shapes_of_a_result() -> None:
    assert engine._raised({"raised_exception": True})
    assert engine._raised({"metric": {"raised_exception": True}})
    assert not engine._raised({"metric": {"raised_exception": False}})


def test_a_refused_reading_is_not_judged() -> None:
    refusal = make_finding("header-unknown", line=1, column="x")
    judged = engine.screen(replace(reading_of(row(userEmail="nobody")), findings=(refusal,)), DICTIONARY)
    assert (judged.refused, judged.findings, len(judged.rows)) == (True, (refusal,), 0)


def test_a_file_without_rows_is_fine() -> None:
    judged = screened()
    assert (judged.findings, len(judged.rows)) == ((), 0)


def test_rows_the_reader_rejected_are_there() -> None:
    reading = reading_of(row(), raw_rows=(RawRow(line=3, text="a,b"),))
    judged = engine.screen(reading, DICTIONARY)
    assert judged.rows[["line", "status", "userId"]].to_numpy().tolist() == [
        [2, "accepted", "000001"],
        [3, "rejected", ""],
    ]


def test_absent_optional_columns_break_no_rule() -> None:
    present = [c.header for c in DICTIONARY.columns if c.header_required]
    judged = screened(row(), headers=present)
    assert judged.findings == ()
    assert [h for h in judged.rows.columns if h in DICTIONARY.headers] == present
