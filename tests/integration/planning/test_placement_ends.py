"""However a placement ends, the person's enrollments of the files in classes of that school end with it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from rostersync.database import tables as t
from rostersync.model import DateChanges, Severity
from rostersync.operations import date_changes
from rostersync.pipeline import SyncResult
from tests.support.district_nights import START, Nights, person, teaching

PAST, TODAY = "2026-11-20", "2026-11-23"
"""START is still November 23 in Los Angeles."""


@pytest.fixture
def nights(emptied: Nights) -> Nights:
    emptied.seed()
    return emptied


def night(nights: Nights, *rows: dict[str, str], name: str) -> SyncResult:
    nights.put(rows, at=nights.now)
    [result] = nights.sync(name)
    assert not [finding for finding in result.findings if finding.severity is Severity.ROW]
    return result


def statuses(nights: Nights, table: Any) -> dict[tuple[str, ...], str]:
    keys = [column for column in table.primary_key.columns if column.name != "district"]
    with nights.owner.connect() as conn:
        return {tuple(row[:-1]): row[-1] for row in conn.execute(select(*keys, table.c.status))}


def taught(number: int, *classes: str, **cells: str) -> list[dict[str, str]]:
    return [teaching(number, class_id, **cells) for class_id in classes]


def test_the_day_after_the_last_ends_placement_and_enrollments(nights: Nights) -> None:
    """u1 goes on at 200, u2 goes on at 100."""
    elsewhere = taught(1, "c3", schoolId="200")
    night(nights, *taught(1, "c1", "c2"), person(1, endDate=TODAY), *elsewhere, *taught(2, "c1"), name="first")
    assert date_changes.apply_district_date_changes(nights.services, nights.config) == DateChanges()
    nights.now = START + timedelta(days=1)
    assert date_changes.apply_district_date_changes(nights.services, nights.config) == DateChanges(ended=3)
    assert statuses(nights, t.placement) == {("u1", "100"): "ended", ("u1", "200"): "active", ("u2", "100"): "active"}
    assert statuses(nights, t.enrollment) == {
        ("u1", "c1"): "ended",
        ("u1", "c2"): "ended",
        ("u1", "c3"): "active",
        ("u2", "c1"): "active",
    }
    assert date_changes.apply_district_date_changes(nights.services, nights.config) == DateChanges()


def test_what_stayed_behind_in_earlier_times_ends_as_well_and_what_is_others_stays(nights: Nights) -> None:
    night(nights, *taught(1, "c1", "c2"), *taught(2, "c1"), name="first")
    p, e = t.placement, t.enrollment
    with nights.owner.begin() as conn:
        conn.execute(update(p).values(status="ended", end_date="2026-11-01").where(p.c.user_id == "u1"))
        conn.execute(update(e).values(owner="manual").where(e.c.user_id == "u1", e.c.class_id == "c2"))
    assert date_changes.apply_district_date_changes(nights.services, nights.config) == DateChanges(
        ended=1, deactivated=1
    )
    assert statuses(nights, e) == {("u1", "c1"): "ended", ("u1", "c2"): "active", ("u2", "c1"): "active"}


def test_a_file_that_says_the_last_day_is_over_ends_both(nights: Nights) -> None:
    night(nights, *taught(1, "c1", "c2"), *taught(2, "c1"), name="first")
    result = night(nights, person(1, endDate=PAST), *taught(2, "c1"), name="second")
    assert statuses(nights, t.enrollment) == {("u1", "c1"): "ended", ("u1", "c2"): "ended", ("u2", "c1"): "active"}
    assert result.counts["enrollment"]["removed"] == 2
    assert result.counts["staff"] == {"created": 0, "updated": 0, "unchanged": 1, "removed": 1, "errors": 0}
    assert [finding.flat for finding in result.findings] == [(2, "endDate", "date-past")]


def test_a_row_about_a_class_where_the_placement_is_over_starts_nothing_and_is_told(nights: Nights) -> None:
    night(nights, *taught(1, "c1"), name="first")
    result = night(nights, person(1, endDate=PAST), *taught(1, "c1", "c2"), name="second")
    assert statuses(nights, t.enrollment) == {("u1", "c1"): "ended", ("u1", "c2"): "ended"}
    assert [finding.flat for finding in result.findings if finding.code == "date-past"] == [
        (line, "endDate", "date-past") for line in (2, 3, 4)
    ]
    nights.now += timedelta(days=1)
    again = night(nights, person(1, endDate=PAST), *taught(1, "c1", "c2"), person(2), name="third")
    assert again.counts["enrollment"] == {"created": 0, "updated": 0, "unchanged": 2, "removed": 0, "errors": 0}


def test_a_corrected_id_takes_its_enrollments_along_to_their_end(nights: Nights) -> None:
    night(nights, *taught(1, "c1"), name="first")
    night(nights, person(1, userId="u9", endDate=PAST), name="second")
    assert statuses(nights, t.enrollment) == {("u9", "c1"): "ended"}


def test_a_removal_of_one_enrollment_ends_no_other(nights: Nights) -> None:
    """It names the placement, and asks nothing of it."""
    night(nights, *taught(1, "c1", "c2"), name="first")
    removal = {"action": "REMOVE-ENROLLMENT", "schoolId": "100", "userId": "u1", "classId": "c1"}
    result = night(nights, removal, person(2), name="second")
    assert statuses(nights, t.enrollment) == {("u1", "c1"): "ended", ("u1", "c2"): "active"}
    assert result.counts["enrollment"]["removed"] == 1
