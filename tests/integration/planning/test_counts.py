"""Whatever way a row takes through the plan, its person, class, school and enrollment are counted once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from rostersync.model import Outcome
from rostersync.pipeline import SyncResult
from rostersync.planning import counts as planned_counts
from tests.support.district_nights import Nights, person, teaching


@pytest.fixture
def nights(emptied: Nights) -> Nights:
    emptied.seed()
    return emptied


def two_classes(*numbers: int, school: str = "100") -> list[dict[str, str]]:
    """People who teach a class of their own and a common one."""
    return [
        teaching(number, class_id, schoolId=school)
        for number in numbers
        for class_id in (f"own-{number}", f"all-{school}")
    ]


def filled(counts: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    """The buckets that hold something."""
    return {entity: {name: number for name, number in by.items() if number} for entity, by in counts.items()}


def night(nights: Nights, name: str, *rows: dict[str, str]) -> SyncResult:
    nights.put(rows, at=nights.now)
    [result] = nights.sync(name)
    return result


def test_a_new_person_in_a_class_of_people_with_two_classes(nights: Nights) -> None:
    """The others' rows about the common class are planned, those about their own classes are not."""
    known = two_classes(1, 2, 3, 4, 5)
    night(nights, "night-1", *known)
    result = night(nights, "night-2", *known, teaching(6, "all-100"))
    assert result.outcome is Outcome.APPLIED
    assert filled(result.counts) == {
        "school": {"unchanged": 1},
        "staff": {"created": 1, "unchanged": 5},
        "class": {"unchanged": 6},
        "enrollment": {"created": 1, "unchanged": 10},
    }
    assert filled(result.by_school["100"]) == {
        "staff": {"created": 1, "unchanged": 5},
        "class": {"unchanged": 6},
        "enrollment": {"created": 1, "unchanged": 10},
    }


def test_a_person_leaves_one_of_two_schools_where_others_teach_two_classes(nights: Nights) -> None:
    """u1 teaches x at 100 and y at 200; u2 teaches x and z at 100, so only the row about x is planned."""
    known = [
        *(teaching(1, class_id, schoolId=school) for class_id, school in (("x", "100"), ("y", "200"))),
        *(teaching(2, class_id) for class_id in ("x", "z")),
        person(3, schoolId="200"),
    ]
    night(nights, "night-1", *known)
    removal = {"action": "REMOVE-CLASS", "schoolId": "100", "classId": "x"}
    result = night(nights, "night-2", removal, *known, person(2, schoolId="900"))
    assert result.outcome is Outcome.APPLIED_WITH_ERRORS
    assert filled(result.counts) == {
        "school": {"unchanged": 2, "errors": 1},
        "staff": {"unchanged": 3},
        "class": {"unchanged": 2, "removed": 1},
        "enrollment": {"unchanged": 2, "removed": 2},
    }
    assert filled(result.by_school["100"])["staff"] == {"unchanged": 2}
    assert filled(result.by_school["200"])["staff"] == {"unchanged": 2}


@pytest.fixture
def counted_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault in the counting: what the plan does not name is counted a second time."""
    right = planned_counts._unchanged

    def twice(*arguments: Any) -> Iterator[Any]:
        yield from right(*arguments)
        yield from right(*arguments)

    monkeypatch.setattr(planned_counts, "_unchanged", twice)


def test_counts_that_do_not_add_up_fail_the_delivery_and_change_nothing(
    nights: Nights, request: pytest.FixtureRequest
) -> None:
    night(nights, "night-1", person(1), person(2))
    before, mails = nights.fingerprint(), nights.messages()
    request.getfixturevalue("counted_twice")
    result = night(nights, "night-2", person(1), person(2), person(3))
    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert result.error.startswith("[invariant-broken] staff: 5 were counted, the file names or ends 3.")
    assert (nights.fingerprint(), nights.messages(), nights.states()) == (before, mails, ["applied", "failed"])


def test_a_dry_run_says_so_as_well(nights: Nights, request: pytest.FixtureRequest) -> None:
    night(nights, "night-1", person(1))
    request.getfixturevalue("counted_twice")
    nights.put([person(1), person(2)], at=nights.now)
    [result] = nights.sync("night-2", dry_run=True)
    assert result.error is not None
    assert "invariant-broken" in result.error
    assert nights.states() == ["applied"]
