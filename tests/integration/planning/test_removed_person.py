"""A removal whose userId is one person's and whose name and address are another's removes nobody."""

from __future__ import annotations

import pytest

from rostersync.model import Severity
from rostersync.pipeline import SyncResult
from tests.support.district_nights import Nights, person, teaching

ANA = {"userFirstName": "Ana", "userLastName": "Lopez", "userEmail": "ana.lopez@springfield.example"}
BEN = {"userFirstName": "Ben", "userLastName": "Miller", "userEmail": "ben.miller@springfield.example"}
NOBODY = {"userFirstName": "Zoe", "userLastName": "Zander", "userEmail": "zoe.zander@springfield.example"}
DIFFERS = (2, "userId", "action-person-differs")


@pytest.fixture
def nights(emptied: Nights) -> Nights:
    """Ana (u1), Ben (u2) and another Ana Lopez (u3) at school 100; Ana teaches c1."""
    emptied.seed()
    namesake = ANA | {"userEmail": "ana.2@springfield.example"}
    emptied.put([teaching(1, "c1", **ANA), person(2, **BEN), person(3, **namesake)], at=emptied.now)
    emptied.sync("night-1")
    return emptied


def removal(nights: Nights, **cells: str) -> tuple[list[tuple[int | None, str | None, str]], SyncResult]:
    """What a file with this removal of Ana comes to."""
    nights.put([{"action": "REMOVE-USER", "schoolId": "100", "userId": "u1"} | cells], at=nights.now)
    [result] = nights.sync("night-2")
    return [finding.flat for finding in result.findings if finding.severity is Severity.ROW], result


@pytest.mark.parametrize(
    "cells",
    [
        BEN,
        {"userEmail": BEN["userEmail"]},
        {"userLastName": "Miller"},
        {"userFirstName": " ben ", "userLastName": "MILLER"},
        ANA | {"userEmail": "ana.2@springfield.example"},
        NOBODY,
        {"userFirstName": "Zoe", "userLastName": "Zander"},
    ],
    ids=["all", "address", "last name", "names", "a namesake's address", "a stranger", "a stranger's names"],
)
def test_the_cells_of_another_remove_nobody(nights: Nights, cells: dict[str, str]) -> None:
    before = nights.fingerprint()
    errors, _ = removal(nights, **cells)
    assert errors == [DIFFERS]
    assert nights.fingerprint() == before


@pytest.mark.parametrize(
    "cells",
    [
        {},
        ANA,
        {"userFirstName": "ANA"},
        ANA | {"userLastName": "Lopez-Miller"},
        ANA | {"userEmail": "ana.new@springfield.example"},
        {"userEmail": "ana.new@springfield.example"},
        {"userFirstName": "N/A", "userLastName": "-", "userEmail": "none"},
        {"userEmail": "not an address", "userGrade": "x", "userRole": "Student"},
    ],
    ids=["none", "own", "own name", "married", "new address", "new address alone", "placeholders", "unusable"],
)
def test_own_or_few_or_unusable_cells_do_no_harm(nights: Nights, cells: dict[str, str]) -> None:
    errors, _ = removal(nights, **cells)
    assert errors == []
    assert nights.people() == ["u2", "u3"]


def test_such_a_removal_of_an_enrollment_is_refused_and_takes_nothing_with_it(nights: Nights) -> None:
    rows = [
        {"action": "REMOVE-ENROLLMENT", "schoolId": "100", "userId": "u1", "classId": "c1"} | BEN,
        {"action": "REMOVE-USER", "schoolId": "100", "userId": "u3"} | BEN,
        person(3, **ANA | {"userEmail": "ana.2@springfield.example", "userMiddleName": "Q"}),
    ]
    nights.put(rows, at=nights.now)
    [result] = nights.sync("night-2")
    errors = [finding.flat for finding in result.findings if finding.severity is Severity.ROW]
    assert errors == [DIFFERS, (3, "userId", "action-person-differs")]
    assert result.counts["staff"]["updated"] == 1
    assert nights.people() == ["u1", "u2", "u3"]


def test_whose_the_cells_are_is_said_and_what_would_only_follow_is_not(nights: Nights) -> None:
    """Ana is not at school 200; but it is not she who was meant."""
    errors, result = removal(nights, schoolId="200", **BEN)
    assert errors == [DIFFERS]
    [finding] = [finding for finding in result.findings if finding.code == "action-person-differs"]
    assert finding.detail["user_id"] == "u2"
