"""A removal that is refused, by whichever stage, takes no other row with it; a rejected row raises nobody."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from rostersync.database import tables as t
from rostersync.model import Outcome, Severity
from rostersync.pipeline import SyncResult
from tests.integration.oracle.test_error_file_round_trip import attachments
from tests.support.district_nights import Nights, person, teaching

Flat = tuple[int | None, str | None, str]


@pytest.fixture
def nights(emptied: Nights) -> Nights:
    emptied.seed()
    return emptied


def removal(word: str, school: str = "100", **cells: str) -> dict[str, str]:
    return {"action": word, "schoolId": school} | cells


def night(nights: Nights, *rows: dict[str, str], name: str = "night-2", **fields: Any) -> SyncResult:
    nights.put(rows, at=nights.now)
    [result] = nights.sync(name, **fields)
    return result


def errors(result: SyncResult) -> list[Flat]:
    return [finding.flat for finding in result.findings if finding.severity is Severity.ROW]


def remarks(result: SyncResult) -> list[Flat]:
    return [finding.flat for finding in result.findings if finding.severity is Severity.REMARK]


def enrolled(nights: Nights) -> dict[tuple[str, str], str]:
    e = t.enrollment.c
    with nights.owner.connect() as conn:
        return {(row[0], row[1]): row[2] for row in conn.execute(select(e.user_id, e.class_id, e.status))}


def roles(nights: Nights) -> dict[str, str]:
    with nights.owner.connect() as conn:
        return {row[0]: row[1] for row in conn.execute(select(t.person.c.user_id, t.person.c.role))}


def sources(nights: Nights, record: Any) -> None:
    """The enrollment source takes everything of this kind over."""
    with nights.owner.begin() as conn:
        conn.execute(update(record).values(owner="source"))


@pytest.mark.parametrize(
    ("refused", "finding"),
    [
        (removal("REMOVE-USER", userId="u9"), (2, "userId", "action-target-unknown")),
        (removal("REMOVE-USER", "900", userId="u9"), (2, "schoolId", "school-unknown")),
    ],
    ids=["unknown target", "unknown school"],
)
def test_a_new_person_is_placed_though_a_refused_removal_names_them(
    nights: Nights, refused: dict[str, str], finding: Flat
) -> None:
    result = night(nights, refused, teaching(9, "c1", schoolId=refused["schoolId"]), person(9, schoolId="200"))
    unknown = refused["schoolId"] == "900"
    assert errors(result) == [finding, *([(3, "schoolId", "school-unknown")] if unknown else [])]
    assert "row-folded" not in {finding.code for finding in result.findings}
    assert nights.people() == ["u9"]
    assert enrolled(nights) == ({} if unknown else {("u9", "c1"): "active"})
    assert (result.rows.accepted, result.rows.rejected, result.rows.set_aside) == ((1, 2, 0) if unknown else (2, 1, 0))


def test_a_class_at_another_school_is_not_removed_and_its_rows_apply(nights: Nights) -> None:
    night(nights, teaching(1, "c1"), name="night-1")
    result = night(nights, removal("REMOVE-CLASS", "200", classId="c1"), teaching(1, "c1"), teaching(2, "c1"))
    assert errors(result) == [(2, "classId", "class-other-school")]
    assert enrolled(nights) == {("u1", "c1"): "active", ("u2", "c1"): "active"}
    assert result.rows.set_aside == 0


def test_a_class_of_the_source_is_not_removed_and_its_rows_apply(nights: Nights) -> None:
    night(nights, teaching(1, "c1"), name="night-1")
    sources(nights, t.class_)
    result = night(nights, removal("REMOVE-CLASS", classId="c1"), teaching(2, "c1"))
    assert errors(result) == [(2, "classId", "class-owned-by-source")]
    assert enrolled(nights) == {("u1", "c1"): "active", ("u2", "c1"): "active"}


def test_an_accepted_removal_still_takes_the_others(nights: Nights) -> None:
    night(nights, teaching(1, "c1"), person(2), name="night-1")
    taken = (teaching(1, "c1"), removal("REMOVE-ENROLLMENT", userId="u1", classId="c1"))
    result = night(nights, removal("REMOVE-USER", userId="u1"), *taken, teaching(2, "c1", primaryTeacher="No"))
    assert (errors(result), remarks(result)) == ([], [(3, None, "row-folded"), (4, None, "row-folded")])
    assert nights.people() == ["u2"]
    assert result.rows.set_aside == 2


def test_rows_that_a_refused_removal_would_have_taken_must_agree(nights: Nights) -> None:
    """Two last names for u9, and an address of u8's: the file rules could not know that the removal is refused."""
    rows = (
        removal("REMOVE-USER", userId="u9"),
        person(9, userLastName="Old"),
        person(9, schoolId="200", userLastName="New"),
        person(8),
        removal("REMOVE-USER", userId="u7"),
        person(7, userEmail="ada.8@springfield.example"),
    )
    result = night(nights, *rows)
    assert errors(result) == [
        (2, "userId", "action-target-unknown"),
        (3, "userLastName", "row-conflict"),
        (4, "userLastName", "row-conflict"),
        (5, "userEmail", "email-duplicate"),
        (6, "userId", "action-target-unknown"),
        (7, "userEmail", "email-duplicate"),
    ]
    assert nights.people() == []
    assert (result.rows.read, result.rows.rejected) == (6, 6)
    sent = attachments(nights)["users-errors.csv"]
    assert len(sent.splitlines()) == 1 + 6


def test_the_error_file_sent_back_says_the_same_and_corrected_it_applies(nights: Nights) -> None:
    rows = (removal("REMOVE-USER", userId="u9"), person(9, userLastName="Old"), person(9, schoolId="200"))
    first = night(nights, *rows)
    sent = attachments(nights)["users-errors.csv"]
    nights.now += timedelta(days=1)
    nights.put(sent)
    [again] = nights.sync("night-3")
    assert errors(again) == errors(first)
    nights.now += timedelta(days=1)
    corrected = night(nights, person(9), person(9, schoolId="200"), name="night-4")
    assert (corrected.outcome, nights.people()) == (Outcome.APPLIED, ["u9"])


def test_removals_of_one_enrollment_and_its_row_contradict_when_nothing_takes_them(nights: Nights) -> None:
    night(nights, teaching(1, "c1"), name="night-1")
    sources(nights, t.placement)
    both = (teaching(1, "c1"), removal("REMOVE-ENROLLMENT", userId="u1", classId="c1"))
    result = night(nights, removal("REMOVE-USER", userId="u1"), *both)
    assert errors(result) == [
        (2, "userId", "person-owned-by-source"),
        (3, "action", "action-conflict"),
        (4, "action", "action-conflict"),
    ]
    assert enrolled(nights) == {("u1", "c1"): "active"}


def test_what_was_refused_for_the_roster_is_judged_anew_by_another_roster(nights: Nights) -> None:
    """The verdict of the file rules is kept, and what only the roster brought up is not part of it."""
    rows = (removal("REMOVE-USER", "300", userId="u9"), person(9, schoolId="300"))
    night(nights, *rows, name="night-1")
    with nights.owner.begin() as conn:
        conn.execute(insert(t.school).values(district="springfield", school_id="300", name="New", owner="source"))
        bump = update(t.district).values(roster_version=t.district.c.roster_version + 1)
        conn.execute(bump)
    [result] = nights.sync("night-2")
    assert errors(result) == [(2, "userId", "action-target-unknown")]
    assert nights.people() == ["u9"]


@pytest.mark.parametrize(
    "raising", [{"schoolId": "900"}, {"schoolId": "200", "classId": "c1"}], ids=["school", "class"]
)
def test_a_row_that_the_roster_rejects_makes_nobody_administrator(nights: Nights, raising: dict[str, str]) -> None:
    night(nights, teaching(1, "c1"), person(2), name="night-1")
    cells = {"className": "Reading c1", "classGrade": "3"} if "classId" in raising else {}
    result = night(nights, person(2), person(2, userRole="Administrator", **raising, **cells))
    [(line, _, code)] = errors(result)
    assert (line, code) == (3, "class-other-school" if cells else "school-unknown")
    assert remarks(result) == []
    assert roles(nights) == {"u1": "Teacher", "u2": "Teacher"}
    assert result.counts["staff"]["updated"] == 0


def test_an_accepted_row_makes_an_administrator_and_the_others_are_remarked(nights: Nights) -> None:
    night(nights, person(1), name="night-1")
    result = night(nights, person(1), person(1, schoolId="200", userRole="Administrator"))
    assert errors(result) == []
    assert remarks(result) == [(2, "userRole", "role-both"), (2, "userRole", "role-raised")]
    assert roles(nights) == {"u1": "Administrator"}
    nights.now += timedelta(days=1)
    again = night(nights, person(1), person(1, schoolId="200", userRole="Administrator"), person(2), name="night-3")
    assert remarks(again) == [(2, "userRole", "role-both")]
    assert again.counts["staff"]["unchanged"] == 1


def test_a_dry_run_comes_to_the_same(nights: Nights) -> None:
    rows = (removal("REMOVE-USER", userId="u9"), person(9))
    nights.put(rows, at=nights.now)
    [tried] = nights.sync("night-1", dry_run=True)
    assert [finding.code for finding in tried.findings] == ["action-target-unknown"]
    assert (tried.rows.accepted, tried.rows.rejected, tried.rows.set_aside) == (1, 1, 0)
