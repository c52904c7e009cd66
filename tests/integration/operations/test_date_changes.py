"""Dated assignments start and end on their day, in every district, whether a file came or not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import IntegrityError

from rostersync.database import tables as t
from rostersync.exceptions import DistrictBusy
from rostersync.model import DateChanges, Outcome
from rostersync.operations import date_changes
from rostersync.planning import lock_district
from tests.support.district_nights import START, Nights, person, teaching

TOMORROW = START + timedelta(days=1)
"""START is still November 23, 11 PM, in Los Angeles: an hour later the 24th begins there."""


@pytest.fixture
def nights(emptied: Nights) -> Nights:
    emptied.seed()
    return emptied


def day(nights: Nights, moment: datetime) -> DateChanges:
    nights.now = moment
    return date_changes.apply_district_date_changes(nights.services, nights.config)


def statuses(nights: Nights, table: Any) -> dict[tuple[str, ...], str]:
    keys = [column for column in table.primary_key.columns if column.name != "district"]
    with nights.owner.connect() as conn:
        return {tuple(row[:-1]): row[-1] for row in conn.execute(select(*keys, table.c.status))}


def logged(nights: Nights) -> list[tuple[Any, ...]]:
    c = t.change.c
    mine = select(c.entity, c.key, c.action, c.delivery, c.before["status"].astext, c.after["status"].astext)
    with nights.owner.connect() as conn:
        rows = conn.execute(mine.where(c.actor == "schedule").order_by(c.id))
        return [(row[0], tuple(row[1]), *row[2:]) for row in rows]


def version(nights: Nights) -> int:
    with nights.owner.connect() as conn:
        return conn.scalars(select(t.district.c.roster_version)).one()


def apply(nights: Nights, *rows: dict[str, str], name: str = "first") -> None:
    nights.put(rows, at=nights.now)
    assert nights.sync(name)[-1].outcome is Outcome.APPLIED


def test_an_assignment_ends_after_its_last_day_and_its_person_with_the_last_of_them(nights: Nights) -> None:
    apply(nights, person(1, endDate="2026-11-24"), person(2))
    before = version(nights)
    assert day(nights, datetime.fromisoformat("2026-11-25T07:59:00+00:00")) == DateChanges()  # the 24th, inclusive
    assert version(nights) == before
    assert day(nights, datetime.fromisoformat("2026-11-25T08:00:00+00:00")) == DateChanges(ended=1, deactivated=1)
    assert statuses(nights, t.placement) == {("u1", "100"): "ended", ("u2", "100"): "active"}
    assert nights.people() == ["u2"]
    assert version(nights) == before + 1
    assert logged(nights) == [
        ("person", ("u1",), "removed", None, "active", "inactive"),
        ("placement", ("u1", "100"), "removed", None, "active", "ended"),
    ]


def test_an_assignment_starts_on_its_first_day(nights: Nights) -> None:
    apply(nights, teaching(1, "c1", startDate="2026-11-26", endDate="2026-11-30"))
    assert statuses(nights, t.enrollment) == {("u1", "c1"): "planned"}
    assert day(nights, START + timedelta(days=2)) == DateChanges()
    assert day(nights, START + timedelta(days=3)) == DateChanges(started=1)
    assert statuses(nights, t.enrollment) == {("u1", "c1"): "active"}
    assert logged(nights) == [("enrollment", ("u1", "c1"), "updated", None, "planned", "active")]


def test_days_without_a_run_are_caught_up_at_once_and_once_more_does_nothing(nights: Nights) -> None:
    """What should have started and ended meanwhile has ended; it never was active."""
    apply(nights, person(1, startDate="2026-11-26", endDate="2026-11-28"), person(2, startDate="2026-11-26"))
    assert day(nights, START + timedelta(days=30)) == DateChanges(started=1, ended=1, deactivated=1)
    before = nights.fingerprint()
    assert day(nights, START + timedelta(days=30)) == DateChanges()
    assert day(nights, START + timedelta(days=31)) == DateChanges()
    assert nights.fingerprint() == before
    assert len(logged(nights)) == 3


def test_somebody_who_is_planned_or_placed_elsewhere_stays_active(nights: Nights) -> None:
    apply(
        nights,
        person(1, endDate="2026-11-24"),
        person(1, schoolId="200", startDate="2027-01-04"),
        person(2, endDate="2026-11-24"),
    )
    with nights.owner.begin() as conn:
        manual = {"district": "springfield", "user_id": "u2", "school_id": "200", "status": "active"}
        conn.execute(insert(t.placement).values(**manual, owner="manual"))
    assert day(nights, START + timedelta(days=3)) == DateChanges(ended=2)
    assert nights.people() == ["u1", "u2"]


def test_what_others_own_is_left_to_them(nights: Nights) -> None:
    apply(nights, person(1), person(2))
    yesterday = {"end_date": date(2026, 11, 20)}
    with nights.owner.begin() as conn:
        conn.execute(update(t.placement).values(owner="source", **yesterday).where(t.placement.c.user_id == "u1"))
        conn.execute(update(t.person).values(owner="source").where(t.person.c.user_id == "u2"))
    assert day(nights, TOMORROW) == DateChanges()
    assert nights.people() == ["u1", "u2"]


def test_what_a_file_has_ended_does_not_come_back_by_its_dates(nights: Nights) -> None:
    apply(nights, person(1, startDate="2026-11-30"), person(2))
    apply(nights, {"action": "REMOVE-USER", "schoolId": "100", "userId": "u1"}, name="second")
    assert day(nights, START + timedelta(days=20)) == DateChanges()
    assert nights.people() == ["u2"]


def test_an_address_is_free_once_its_person_is_over_and_is_judged_again_when_they_come_back(nights: Nights) -> None:
    address = "shared@springfield.example"
    apply(nights, person(1, endDate="2026-11-24", userEmail=address))
    day(nights, START + timedelta(days=2))
    apply(nights, person(2, userEmail=address), name="second")
    assert nights.people() == ["u2"]
    nights.put([person(1, userEmail=address)], at=nights.now)
    result = nights.sync("third")[-1]
    assert [finding.code for finding in result.findings] == ["email-taken"]
    back = update(t.person).values(status="active").where(t.person.c.user_id == "u1")
    with nights.owner.begin() as conn:
        conn.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        with pytest.raises(IntegrityError):
            conn.execute(back)
        conn.rollback()


def test_the_next_count_report_tells_of_it_once(nights: Nights) -> None:
    apply(nights, person(1, endDate="2026-11-24"), person(2, startDate="2026-11-25"), person(3))
    assert day(nights, START + timedelta(days=2)) == DateChanges(started=1, ended=1, deactivated=1)
    mails = len(nights.messages())
    apply(nights, person(4), name="second")
    nights.now += timedelta(days=1)
    apply(nights, person(5), name="third")
    assert len(nights.messages()) == mails + 2
    r = t.report.c
    with nights.owner.connect() as conn:
        told = conn.scalars(select(t.dating.c.told_in)).all()
        telling = conn.scalars(select(r.id).where(r.text_body.contains("Ended by date: 1; started by date: 1"))).all()
        assert told == telling
        assert conn.scalar(select(r.created_at).where(r.id == telling[0])) == nights.now - timedelta(days=1)
        assert len(conn.scalars(select(r.id).where(r.text_body.icontains("by date"))).all()) == 1


def test_no_counts_of_a_delivery_hold_what_dates_did(nights: Nights) -> None:
    apply(nights, person(1, endDate="2026-11-24"), person(2))
    day(nights, START + timedelta(days=2))
    nights.put([person(2)], at=nights.now)
    result = nights.sync("second")[-1]
    assert result.counts["staff"]["removed"] == 0
    with nights.owner.connect() as conn:
        assert conn.scalars(select(t.change.c.attempt).where(t.change.c.actor == "schedule")).all() == [None, None]


def test_a_file_that_lies_there_is_judged_again_after_the_dates_and_changes_nothing(nights: Nights) -> None:
    """Its row says the last day; what ended by it stays ended."""
    apply(nights, person(1, endDate="2026-11-24"), person(2))
    day(nights, START + timedelta(days=2))
    before = nights.fingerprint()
    nights.sync("second")
    assert nights.fingerprint() == before


def test_another_writer_of_the_district_is_waited_for_and_not_overtaken(nights: Nights) -> None:
    apply(nights, person(1, endDate="2026-11-24"))
    nights.now = START + timedelta(days=2)
    with nights.owner.begin() as conn:
        lock_district(conn, "springfield")
        with pytest.raises(DistrictBusy):
            date_changes.apply_district_date_changes(replace(nights.services, lock_seconds=0.1), nights.config)
    assert nights.people() == ["u1"]


def test_a_district_is_due_once_a_day_of_its_own(nights: Nights) -> None:
    known = {"springfield": nights.config, "elsewhere": nights.config.model_copy(update={"code": "elsewhere"})}
    assert date_changes.days_due(nights.services, known) == ["springfield"]  # nobody knows the other one yet
    day(nights, START)
    assert date_changes.days_due(nights.services, known) == []
    nights.now = START + timedelta(hours=1)
    assert date_changes.days_due(nights.services, known) == ["springfield"]
