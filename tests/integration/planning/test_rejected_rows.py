"""A row that a file rule rejects is also told what the roster says of its cells: one correction is enough."""

from __future__ import annotations

import pytest

from rostersync.model import Severity
from rostersync.pipeline import SyncResult
from tests.support.district_nights import Nights, district, person, teaching, users_csv

Flat = list[tuple[int | None, str | None, str]]
WRONG_GRADE = {"userGrade": "5"}
"""A file rule rejects the row, whatever the roster says."""


def errors(result: SyncResult) -> Flat:
    return sorted(finding.flat for finding in result.findings if finding.severity is Severity.ROW)


@pytest.fixture
def staffed(emptied: Nights) -> Nights:
    """Three people, one of them with a class and a second ID."""
    emptied.seed()
    emptied.put([teaching(1, "012", userDistrictId="0042"), person(2), person(3), person(70, userId="007")])
    emptied.sync()
    return emptied


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"schoolId": "999"}, ("schoolId", "school-unknown")),
        ({"userId": "7"}, ("userId", "cell-leading-zero-lost")),
        ({"userId": "U9", "userDistrictId": "42"}, ("userDistrictId", "cell-leading-zero-lost")),
        ({"classId": "12", "className": "Reading", "classGrade": "3"}, ("classId", "cell-leading-zero-lost")),
        (
            {"schoolId": "200", "classId": "012", "className": "Reading", "classGrade": "3"},
            ("classId", "class-other-school"),
        ),
        ({"userEmail": "ada.2@springfield.example"}, ("userEmail", "email-taken")),
        ({"userDistrictId": "0042"}, ("userDistrictId", "secondary-id-taken")),
        ({"userId": "u2"}, ("userId", "id-taken")),
    ],
)
def test_a_rejected_row_is_told_what_the_roster_says(
    staffed: Nights, cells: dict[str, str], code: tuple[str, str]
) -> None:
    staffed.put([person(9, **WRONG_GRADE, userLastName="Other", **cells), person(3)])
    [result] = staffed.sync("night-2")
    assert errors(result) == sorted([(2, "userGrade", "grade-for-staff"), (2, *code)])
    assert (result.rows.read, result.rows.accepted, result.rows.rejected) == (2, 1, 1)


def test_a_row_rejected_by_the_roster_is_told_the_taken_address_as_well(staffed: Nights) -> None:
    staffed.put([person(9, schoolId="999", userEmail="ada.2@springfield.example", userLastName="Other")])
    [result] = staffed.sync("night-2")
    assert errors(result) == [(2, "schoolId", "school-unknown"), (2, "userEmail", "email-taken")]


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(
            [person(9, userEmail="ada.2@springfield.example", userLastName="Qu\u00c3\u00a9")],
            id="a name that cannot be compared",
        ),
        pytest.param(
            [person(2, userEmail="no address", userFirstName="Bo", userLastName="Hill")], id="an ID without its address"
        ),
        pytest.param([person(1, userGrade="5"), person(1, userId="u2", userEmail="new@springfield.example")], id="own"),
        pytest.param([person(2, userId="u22", userGrade="5")], id="an ID that was corrected"),
        pytest.param([person(9, userEmail="ada.2@@springfield.example")], id="no address"),
        pytest.param([person(9, schoolId="", userEmail="")], id="blank cells"),
        pytest.param(
            [
                person(1, userEmail="ada.2@springfield.example", **WRONG_GRADE),
                person(2, userEmail="ada.1@springfield.example", **WRONG_GRADE),
            ],
            id="a swap of two rejected rows",
        ),
        pytest.param(
            [
                person(9, userEmail="ada.2@springfield.example", userLastName="Other", **WRONG_GRADE),
                {"action": "REMOVE-USER", "schoolId": "100", "userId": "u2"},
            ],
            id="the holder leaves",
        ),
    ],
)
def test_nothing_is_told_that_the_correction_may_mend(staffed: Nights, rows: list[dict[str, str]]) -> None:
    staffed.put(rows)
    [result] = staffed.sync("night-2")
    roster = {"school-unknown", "id-taken", "email-taken", "secondary-id-taken", "cell-leading-zero-lost"}
    assert not [flat for flat in errors(result) if flat[2] in roster]


def test_a_row_without_its_cells_and_a_school_that_a_file_may_make_are_not_unknown(staffed: Nights) -> None:
    staffed.config = district(staffed.inbox, policies={"school_creation": True})
    text = users_csv([person(9, schoolId="300", schoolName="School 300", **WRONG_GRADE)]) + b",100,u5,Teacher\r\n"
    staffed.put(text)
    [result] = staffed.sync("night-2")
    assert [code for _, _, code in errors(result)] == ["grade-for-staff", "row-cell-count"]


def test_the_same_correction_ends_it(staffed: Nights) -> None:
    """Whatever a rejected row is told, and nothing else, has to be corrected."""
    wrong = person(9, schoolId="999", userEmail="ada.2@springfield.example", userLastName="Other", **WRONG_GRADE)
    staffed.put([wrong])
    staffed.sync("night-2")
    staffed.put([wrong | {"schoolId": "100", "userEmail": "o@springfield.example", "userGrade": ""}])
    [result] = staffed.sync("night-3")
    assert errors(result) == []
    assert "u9" in staffed.people()
