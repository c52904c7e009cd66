"""IDs of schools and classes, and secondary IDs, that lost their zeros or their case make no second record."""

from __future__ import annotations

import pytest
from sqlalchemy import insert

from rostersync.database import tables as t
from rostersync.model import Severity
from rostersync.pipeline import SyncResult
from tests.support.district_nights import Nights, district, person, teaching


def errors(result: SyncResult) -> list[tuple[int | None, str | None, str]]:
    return sorted(finding.flat for finding in result.findings if finding.severity is Severity.ROW)


@pytest.fixture
def taught(emptied: Nights) -> Nights:
    """Two classes, and a person with both secondary IDs."""
    emptied.seed()
    emptied.put([teaching(1, "012"), teaching(1, "Rd-1A"), person(2, userDistrictId="0042", userStateId="CA-7x")])
    emptied.sync()
    return emptied


def roster_classes(nights: Nights) -> list[str]:
    return sorted(row[1] for row in nights.roster()["class"])


def test_classes_that_lost_zeros_or_case_are_told_and_make_no_twin(taught: Nights) -> None:
    taught.put([teaching(1, "12"), teaching(1, "RD-1a"), teaching(1, "0012"), teaching(1, "13")])
    [result] = taught.sync("night-2")
    assert errors(result) == [(2, "classId", "cell-leading-zero-lost"), (3, "classId", "id-case-differs")]
    assert roster_classes(taught) == ["0012", "012", "13", "Rd-1A"]


@pytest.mark.parametrize("action", ["REMOVE-CLASS", "REMOVE-ENROLLMENT"])
def test_a_removal_names_the_class_it_may_mean_and_nothing_else(taught: Nights, action: str) -> None:
    taught.put([{"action": action, "schoolId": "100", "userId": "u1", "classId": "12"}])
    [result] = taught.sync("night-2")
    assert errors(result) == [(2, "classId", "cell-leading-zero-lost")]
    [found] = [finding for finding in result.findings if finding.severity is Severity.ROW]
    assert found.detail["known"] == "012"


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"userDistrictId": "42"}, [(2, "userDistrictId", "cell-leading-zero-lost")]),
        ({"userStateId": "ca-7X"}, [(2, "userStateId", "id-case-differs")]),
        ({"userDistrictId": "43", "userStateId": "CA-7y"}, []),
        ({"userDistrictId": "00042"}, []),
    ],
)
@pytest.mark.parametrize("number", [2, 3])
def test_secondary_ids_that_lost_zeros_or_case_are_told(
    taught: Nights, number: int, cells: dict[str, str], expected: list[tuple[int, str, str]]
) -> None:
    """For the person who has it, and for a new one."""
    taught.put([person(number, **cells)])
    [result] = taught.sync("night-2")
    assert errors(result) == expected


@pytest.fixture
def schools(emptied: Nights) -> Nights:
    """Two schools whose IDs a spreadsheet or a typist may damage."""
    emptied.seed()
    with emptied.owner.begin() as conn:
        rows = [("0310", "Lincoln"), ("Oak-A", "Oak")]
        columns = [{"district": "springfield", "school_id": i, "name": name, "owner": "source"} for i, name in rows]
        conn.execute(insert(t.school), columns)
    return emptied


@pytest.mark.parametrize("creation", [False, True])
def test_schools_that_lost_zeros_or_case_are_told_and_make_no_twin(schools: Nights, creation: bool) -> None:
    schools.config = district(schools.inbox, policies={"school_creation": creation})
    schools.put(
        [person(1, schoolId="310"), person(2, schoolId="OAK-a"), person(3, schoolId="0310"), person(4, schoolId="0100")]
    )
    [result] = schools.sync()
    unknown = [] if creation else [(5, "schoolId", "school-unknown")]
    assert errors(result) == [(2, "schoolId", "cell-leading-zero-lost"), (3, "schoolId", "id-case-differs"), *unknown]
    known = {finding.value: finding.detail["known"] for finding in result.findings if "known" in finding.detail}
    assert known == {"310": "0310", "OAK-a": "Oak-A"}


def test_of_a_class_at_a_school_without_its_zeros_the_school_is_the_fault(schools: Nights) -> None:
    schools.put([teaching(1, "c1", schoolId="0310")])
    schools.sync()
    schools.config = district(schools.inbox, policies={"school_creation": True})
    removal = {"action": "REMOVE-USER", "schoolId": "310", "userId": "u1"}
    schools.put([teaching(1, "c1", schoolId="310", className="New"), removal])
    [result] = schools.sync("night-2")
    assert errors(result) == [(line, "schoolId", "cell-leading-zero-lost") for line in (2, 3)]


def test_ids_of_one_file_are_not_compared_with_each_other(emptied: Nights) -> None:
    emptied.seed()
    emptied.put([teaching(1, "12", userDistrictId="7"), teaching(2, "012", userDistrictId="07")])
    [result] = emptied.sync()
    assert errors(result) == []
    emptied.put([teaching(1, "12", userDistrictId="7", userMiddleName="X"), teaching(2, "012", userDistrictId="07")])
    [again] = emptied.sync("night-2")
    assert errors(again) == []
