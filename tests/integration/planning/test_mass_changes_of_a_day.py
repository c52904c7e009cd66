"""Mass changes that none of the old limits saw: dates, names, classes, one column shifted, many small files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from rostersync import pipeline
from rostersync.database import tables
from rostersync.model import Outcome
from rostersync.operations import reviewing, undoing
from tests.support.district_nights import Nights, district, person, teaching

Rows = Sequence[dict[str, str]]
LOOSE = {"creates": {"share": 1, "least": 1000}, "updates": {"share": 1, "least": 1000}}


def today(nights: Nights) -> date:
    return nights.now.astimezone(nights.config.zone).date()


def in_days(nights: Nights, days: int) -> str:
    return (today(nights) + timedelta(days=days)).isoformat()


def employ(nights: Nights, rows: Rows, **holds: Any) -> None:
    """The rows are in the roster since the day before."""
    nights.config = district(nights.inbox, holds=LOOSE | holds)
    nights.put(rows)
    [result] = nights.sync("employ")
    assert result.outcome is Outcome.APPLIED
    nights.now += timedelta(days=1)


def night(nights: Nights, rows: Rows, name: str = "night") -> pipeline.SyncResult:
    """What one file comes to."""
    nights.put(rows)
    [result] = nights.sync(name)
    return result


def held(result: pipeline.SyncResult) -> list[tuple[str, Any, Any, Any]]:
    """(code, entity, count, of) of what holds a file back; `entity` is a school's with its ID."""
    return [
        (
            finding.code,
            "/".join(filter(None, (finding.detail.get("entity"), finding.detail.get("school")))),
            finding.detail.get("count"),
            finding.detail.get("of"),
        )
        for finding in result.findings
        if finding.severity == "hold"
    ]


def people(first: int, last: int, **cells: str) -> list[dict[str, str]]:
    return [person(number, **cells) for number in range(first, last + 1)]


def leaving(first: int, last: int) -> list[dict[str, str]]:
    return [{"action": "REMOVE-USER", "schoolId": "100", "userId": f"u{n}"} for n in range(first, last + 1)]


# --- end dates -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("staff", "dated", "days", "waits"),
    [
        (10, 10, 1, True),  # an end date of tomorrow on every row
        (10, 10, 0, True),  # today is the last day
        (10, 10, 14, True),
        (10, 10, 15, False),  # known for longer than two weeks
        (10, 10, 200, False),  # the end of the school year
        (50, 5, 1, False),  # just ten per cent
        (49, 5, 1, True),
        (8, 4, 1, False),  # four, and just half of them
        (7, 4, 1, True),  # small district: three or more, and more than half
        (4, 2, 1, False),
    ],
)
def test_people_who_are_made_to_end_soon_count_as_ended(
    nights: Nights, staff: int, dated: int, days: int, waits: bool
) -> None:
    employ(nights, people(1, staff))
    before = nights.roster()
    result = night(nights, people(1, dated, endDate=in_days(nights, days)))
    codes = [("hold-dates", "people", dated, staff)]
    codes += [("hold-school", "people/100", dated, staff)] if dated >= 5 else []
    assert held(result) == (codes if waits else [])
    assert (result.outcome is Outcome.HELD) == waits
    assert (nights.roster() == before) == waits


def test_enrollments_that_are_made_to_end_soon_count_as_ended(nights: Nights) -> None:
    employ(nights, [teaching(n, f"c{n}") for n in range(1, 11)])
    result = night(nights, [teaching(n, f"c{n}", endDate=in_days(nights, 1)) for n in range(1, 11)])
    assert held(result) == [("hold-dates", "enrollments", 10, 10), ("hold-school", "enrollments/100", 10, 10)]


def test_enrollments_end_with_the_placement_of_their_person(nights: Nights) -> None:
    """Ada's rows without a class date her placement; her two classes there end with it."""
    classes = [teaching(n, f"c{n}-{k}") for n in range(1, 7) for k in (1, 2)]
    employ(nights, classes)
    result = night(nights, people(1, 6, endDate=in_days(nights, 3)))
    assert held(result)[:2] == [("hold-dates", "people", 6, 6), ("hold-dates", "enrollments", 12, 12)]


def test_a_date_that_stood_there_holds_nothing(nights: Nights) -> None:
    employ(nights, people(1, 10, endDate=in_days(nights, 20)))
    nights.now += timedelta(days=10)
    rows = people(1, 10, endDate=in_days(nights, 9), userMiddleName="Lee")
    assert held(night(nights, rows)) == []
    sooner = people(1, 10, endDate=in_days(nights, 8), userMiddleName="Lee")
    assert held(night(nights, sooner, "sooner"))[0] == ("hold-dates", "people", 10, 10)


def test_who_stays_at_another_school_does_not_end(nights: Nights) -> None:
    two = [*people(1, 10), *people(1, 10, schoolId="200")]
    employ(nights, two)
    result = night(nights, people(1, 10, endDate=in_days(nights, 1)))
    assert held(result) == [("hold-school", "people/100", 10, 10)]


def test_removals_and_dates_are_added_up(nights: Nights) -> None:
    employ(nights, people(1, 40))
    rows = [*leaving(1, 3), *people(4, 5, endDate=in_days(nights, 1))]
    assert held(night(nights, rows)) == [("hold-dates", "people", 5, 40), ("hold-school", "people/100", 5, 40)]


def test_new_people_with_a_date_do_not_end(nights: Nights) -> None:
    employ(nights, people(1, 10))
    assert held(night(nights, people(11, 20, endDate=in_days(nights, 1)))) == []


def test_how_soon_is_the_districts_to_say(nights: Nights) -> None:
    employ(nights, people(1, 10), dates_within_days=30)
    assert held(night(nights, people(1, 10, endDate=in_days(nights, 29))))[0][0] == "hold-dates"


# --- a small district ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("staff", "leave", "waits"), [(4, 4, True), (3, 3, True), (2, 2, False), (4, 3, True), (6, 3, False)]
)
def test_most_of_a_small_district(nights: Nights, staff: int, leave: int, waits: bool) -> None:
    employ(nights, people(1, staff))
    result = night(nights, leaving(1, leave))
    assert held(result) == ([("hold-removals", "people", leave, staff)] if waits else [])


def test_most_of_a_school_alone_holds_nothing(nights: Nights) -> None:
    employ(nights, [*people(1, 90, schoolId="200"), *people(91, 94)])
    assert held(night(nights, leaving(91, 94))) == []


def test_the_limit_for_most_of_a_district_is_its_own_to_say(nights: Nights) -> None:
    employ(nights, people(1, 4), removals_of_most={"share": 0.5, "least": 5})
    assert held(night(nights, leaving(1, 4))) == []


# --- files of one look and one day -----------------------------------------------------------------------------------


@pytest.mark.long
def test_twenty_five_files_of_four_removals_in_one_look(nights: Nights) -> None:
    employ(nights, people(1, 100))
    (nights.inbox / "users.csv").unlink()
    for number in range(25):
        nights.put(leaving(4 * number + 1, 4 * number + 4), f"users-{number:02}.csv")
    results = nights.sync("night")
    # Eight of a hundred are applied; with the third file they would be twelve.
    assert [result.outcome for result in results] == [Outcome.APPLIED] * 2 + [Outcome.HELD] * 23
    assert held(results[2])[0] == ("hold-removals", "people", 12, 100)
    assert len(nights.people()) == 92


def test_the_day_begins_anew(nights: Nights) -> None:
    employ(nights, people(1, 60))
    assert held(night(nights, leaving(1, 4), "first")) == []
    nights.now += timedelta(minutes=30)  # it is 23:00 in the district
    assert held(night(nights, leaving(5, 8), "same day"))[0] == ("hold-removals", "people", 8, 60)
    nights.now += timedelta(days=1)
    assert held(night(nights, leaving(9, 12), "next day")) == []


def test_the_share_is_of_those_who_were_active_when_the_day_began(nights: Nights) -> None:
    employ(nights, people(1, 60))
    assert held(night(nights, leaving(1, 3), "first")) == []
    # Six of sixty, though of fifty-seven by now, are not more than a tenth.
    assert held(night(nights, leaving(4, 6), "second")) == []
    assert held(night(nights, people(61, 80), "new")) == []
    # Neither do those help who came in the meantime.
    assert held(night(nights, leaving(7, 7), "third"))[0] == ("hold-removals", "people", 7, 60)


def test_who_came_back_the_same_day_did_not_end(nights: Nights) -> None:
    employ(nights, people(1, 40))
    assert held(night(nights, leaving(1, 4), "first")) == []
    assert held(night(nights, people(1, 4), "back")) == []
    assert held(night(nights, leaving(5, 8), "second")) == []


def test_what_was_undone_does_not_count(nights: Nights) -> None:
    employ(nights, people(1, 40))
    gone = night(nights, leaving(1, 4), "first")
    undoing.undo(nights.services, str(gone.delivery), actor="olga", reason="wrong")
    assert held(night(nights, leaving(5, 8), "second")) == []


def test_what_a_person_approved_does_not_count(nights: Nights) -> None:
    employ(nights, people(1, 40))
    waiting = night(nights, leaving(1, 6), "first")
    assert waiting.outcome is Outcome.HELD
    reviewing.approve(nights.services, str(waiting.delivery), actor="olga")
    assert len(nights.people()) == 34
    assert held(night(nights, leaving(7, 10), "second")) == []
    assert held(night(nights, leaving(11, 11), "third"))[0] == ("hold-removals", "people", 5, 40)


def test_one_look_is_one_look_over_midnight_too(nights: Nights) -> None:
    nights.now = datetime(2026, 11, 24, 7, 50, tzinfo=UTC)  # 23:50 of the 23rd in the district
    employ(nights, people(1, 60))
    (nights.inbox / "users.csv").unlink()
    nights.put(leaving(1, 4), "users-1.csv")
    nights.put(leaving(5, 8), "users-2.csv")
    pulled = pipeline.pull(nights.services, nights.run(), "springfield")
    outcomes = []
    for delivery in pulled.deliveries:
        pipeline.validate(nights.services, nights.run(), "springfield", delivery)
        outcomes.append(pipeline.upsert(nights.services, nights.run(), "springfield", delivery)["outcome"])
        nights.now += timedelta(minutes=20)
    assert outcomes == [Outcome.APPLIED, Outcome.HELD]


def test_a_school_adds_up_its_files_as_well(nights: Nights) -> None:
    employ(nights, [*people(1, 30), *people(31, 100, schoolId="200")])
    assert held(night(nights, leaving(1, 3), "first")) == []
    assert held(night(nights, leaving(4, 6), "second")) == [("hold-school", "people/100", 6, 30)]


def test_dates_of_several_files_add_up(nights: Nights) -> None:
    employ(nights, people(1, 40))
    soon = in_days(nights, 2)
    assert held(night(nights, people(1, 4, endDate=soon), "first")) == []
    assert held(night(nights, people(5, 7, endDate=soon), "second"))[0] == ("hold-dates", "people", 7, 40)
    assert held(night(nights, people(1, 4, endDate=""), "taken back")) == []
    assert held(night(nights, people(8, 10, endDate=soon), "third")) == []


# --- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("column", ["userFirstName", "userLastName"])
@pytest.mark.parametrize(("staff", "changed", "waits"), [(50, 5, False), (50, 6, True), (49, 5, True), (8, 4, False)])
def test_names(nights: Nights, column: str, staff: int, changed: int, waits: bool) -> None:
    employ(nights, people(1, staff))
    result = night(nights, people(1, changed, **{column: "Other"}))
    assert held(result) == ([("hold-names", "people", changed, staff)] if waits else [])


def test_one_column_of_last_names_is_shifted_by_a_row(nights: Nights) -> None:
    names = [f"Name{chr(65 + n)}" for n in range(12)]
    employ(nights, [person(n, userLastName=names[n]) for n in range(12)])
    shifted = [person(n, userLastName=names[n - 1]) for n in range(12)]
    assert held(night(nights, shifted)) == [("hold-names", "people", 12, 12)]


def test_a_middle_name_is_not_one_by_which_people_are_known(nights: Nights) -> None:
    employ(nights, people(1, 12))
    assert held(night(nights, people(1, 12, userMiddleName="Lee"))) == []


# --- classes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("classes", "renamed", "waits"), [(66, 20, True), (67, 20, False), (19, 19, False)])
def test_renamed_classes(nights: Nights, classes: int, renamed: int, waits: bool) -> None:
    employ(nights, [teaching(1, f"c{n}") for n in range(classes)])
    result = night(nights, [teaching(1, f"c{n}", className=f"Other {n}") for n in range(renamed)])
    assert held(result) == ([("hold-classes", "classes", renamed, classes)] if waits else [])


def test_classes_that_lose_their_primary_teacher(nights: Nights) -> None:
    """A blank primaryTeacher means No: an export without the mark takes it from every class."""
    employ(nights, [teaching(1, f"c{n}") for n in range(20)])
    result = night(nights, [teaching(1, f"c{n}", primaryTeacher="") for n in range(20)])
    assert held(result) == [("hold-classes", "classes", 20, 20)]


def test_a_class_with_another_primary_teacher_has_lost_nothing(nights: Nights) -> None:
    employ(nights, [teaching(n, f"c{k}") for n in (1, 2) for k in range(20)])
    assert held(night(nights, [teaching(1, f"c{k}", primaryTeacher="No") for k in range(20)], "one of two")) == []
    swapped = [teaching(2, f"c{k}", primaryTeacher="No") for k in range(20)]
    swapped += [teaching(1, f"c{k}") for k in range(20)]
    assert held(night(nights, swapped, "swapped")) == []


def test_what_happens_to_one_class_counts_once(nights: Nights) -> None:
    employ(nights, [teaching(1, f"c{n}") for n in range(30)])
    rows = [teaching(1, f"c{n}", className="Other", primaryTeacher="") for n in range(15)]
    assert held(night(nights, rows)) == []


# --- nothing to approve ----------------------------------------------------------------------------------------------


def test_every_school_without_its_zeros_is_to_correct_not_to_approve(nights: Nights) -> None:
    with_school(nights, "0300")
    employ(nights, people(1, 10, schoolId="0300"))
    result = night(nights, people(1, 10, schoolId="300"))
    assert (result.outcome, held(result), result.rows.rejected) == (Outcome.APPLIED_WITH_ERRORS, [], 10)


def with_school(nights: Nights, school_id: str) -> None:
    school = {"district": "springfield", "school_id": school_id, "name": school_id, "owner": "source"}
    with nights.owner.begin() as conn:
        conn.execute(insert(tables.school).values(school))


def test_some_schools_without_their_zeros(nights: Nights) -> None:
    """Four rows are right and would be applied; the other six name known schools that lost their zeros."""
    with_school(nights, "0300")
    employ(nights, [*people(1, 6, schoolId="0300"), *people(7, 10)])
    result = night(nights, [*people(1, 6, schoolId="300"), *people(7, 10, userMiddleName="Lee")])
    assert (result.outcome, held(result)) == (Outcome.APPLIED_WITH_ERRORS, [])


def test_a_file_no_row_of_which_can_be_applied_waits_for_nobody(nights: Nights) -> None:
    employ(nights, people(1, 10))
    result = night(nights, people(1, 10, schoolId="999"))
    assert (result.outcome, held(result)) == (Outcome.APPLIED_WITH_ERRORS, [])


def test_an_older_file_no_row_of_which_can_be_applied_waits_for_nobody(nights: Nights) -> None:
    employ(nights, people(1, 10))
    nights.put(people(1, 10, userRole="Janitor"), at=nights.now - timedelta(days=9))
    [result] = nights.sync("older")
    assert (result.outcome, held(result)) == (Outcome.APPLIED_WITH_ERRORS, [])


def test_foreign_schools_beside_rows_that_could_be_applied_are_held(nights: Nights) -> None:
    employ(nights, people(1, 10))
    result = night(nights, [*people(1, 5, schoolId="999"), *people(6, 10, userMiddleName="Lee")])
    assert held(result) == [("hold-foreign", "", 5, 10)]
