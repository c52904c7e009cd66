"""Under which rules and on which day a content was judged last decides whether it is a duplicate at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, text

from rostersync import pipeline, planning
from rostersync.configuration.districts import District
from rostersync.database import tables as t
from rostersync.exceptions import ConfigurationError
from rostersync.model import DeliveryState, Outcome
from rostersync.operations import housekeeping
from rostersync.pipeline import upserting
from tests.support.district_nights import Nights, district, person

CODE = "springfield"
NEW_SCHOOL = [person(1), person(2, schoolId="300", schoolName="New")]
JUST_BEFORE_MIDNIGHT = datetime(2026, 11, 24, 7, 59, 59, tzinfo=UTC)
"""In Los Angeles it is the 23rd for one more second."""


@pytest.fixture
def nights(emptied: Nights) -> Nights:
    emptied.seed()
    return emptied


def between_other_rules(nights: Nights) -> str:
    """A file with an unknown school was applied; then the district lets files create schools."""
    nights.put(NEW_SCHOOL)
    [first] = nights.sync("first")
    assert (first.outcome, nights.people()) == (Outcome.APPLIED_WITH_ERRORS, ["u1"])
    nights.config = district(nights.inbox, policies={"school_creation": True})
    [delivery] = pipeline.pull(nights.services, nights.run("killed"), CODE).deliveries
    pipeline.validate(nights.services, nights.run("killed"), CODE, delivery)
    return delivery


def test_what_was_only_screened_by_the_new_rules_is_judged_by_the_next_run(nights: Nights) -> None:
    between_other_rules(nights)
    [again] = nights.sync("next")
    assert (again.outcome, again.attempt is None, nights.people()) == (Outcome.APPLIED, False, ["u1", "u2"])
    assert [result.outcome for result in nights.sync("third")] == [Outcome.DUPLICATE]


def test_an_upsert_that_failed_under_the_new_rules_is_made_up_for_the_same_day(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = between_other_rules(nights)

    def stopped(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(upserting, "plan_approved", stopped)
        with pytest.raises(SystemExit):
            pipeline.upsert(nights.services, nights.run("killed"), CODE, delivery)
    nights.now += timedelta(minutes=5)
    assert [result.outcome for result in nights.sync("next")] == [Outcome.APPLIED]
    assert nights.people() == ["u1", "u2"]


def past_midnight_after(monkeypatch: pytest.MonkeyPatch, nights: Nights) -> None:
    """The day of the district ends just when the plan is made."""
    plan = planning.plan

    def planned(*args: Any) -> planning.Plan:
        made = plan(*args)
        nights.now += timedelta(seconds=2)
        return made

    monkeypatch.setattr(planning, "plan", planned)


def dates(nights: Nights) -> list[date | None]:
    with nights.owner.connect() as conn:
        return list(conn.scalars(select(t.delivery.c.judged_on)))


def test_the_day_of_a_judgement_is_the_day_of_its_plan(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    nights.now = JUST_BEFORE_MIDNIGHT
    nights.put([person(1)])
    past_midnight_after(monkeypatch, nights)
    nights.sync("first")
    assert dates(nights) == [date(2026, 11, 23)]


def test_what_was_planned_for_yesterday_is_judged_again_today(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    nights.now = JUST_BEFORE_MIDNIGHT
    nights.put([person(1, startDate="2026-11-24")])
    with monkeypatch.context() as patched:
        past_midnight_after(patched, nights)
        nights.sync("first")
    p = t.placement.c
    with nights.owner.connect() as conn:
        assert conn.scalars(select(p.status)).all() == ["planned"]
    [again] = nights.sync("second")
    assert again.outcome is Outcome.APPLIED
    with nights.owner.connect() as conn:
        assert conn.scalars(select(p.status)).all() == ["active"]
    assert dates(nights) == [date(2026, 11, 24)]


def held_deliveries(nights: Nights, *codes: str) -> None:
    """One delivery a district that has waited since the start."""
    rules = {"dictionary_version": "1", "code_version": "1", "config_digest": "1"}
    rows: Mapping[str, Any] = {"rows": {}, "counts": {}, "by_school": {}, "changes": 0, "outcome": "held"}
    with nights.owner.begin() as conn:
        for code in codes:
            conn.execute(text("INSERT INTO roster.district VALUES (:c, :c) ON CONFLICT DO NOTHING"), {"c": code})
            stored = {"id": code, "district": code, "sha256": code, "size_bytes": 1, "state": "held"} | rules
            conn.execute(insert(t.delivery).values(**stored, modified_at=nights.now))
            made = {"delivery": code, "number": 1, "district": code, "roster_version": 0, "actor": "test"} | rules
            conn.execute(insert(t.attempt).values(**made, **rows, ended_at=nights.now))


def configured_only(nights: Nights, monkeypatch: pytest.MonkeyPatch, *codes: str) -> pipeline.Services:
    known = {code: nights.config.model_copy(update={"code": code}) for code in codes}

    def load(code: str) -> District:
        if code not in known:
            raise ConfigurationError(f"There is no district {code}.")
        return known[code]

    monkeypatch.setattr("rostersync.configuration.districts.load_readable", lambda: (known, {}))
    return replace(nights.services, district=load)


@pytest.mark.parametrize("configured", [["springfield"], [], ["north"], ["north", "springfield"]])
def test_the_end_of_waiting_leaves_districts_alone_whose_configuration_is_gone(
    nights: Nights,
    monkeypatch: pytest.MonkeyPatch,
    configured: list[str],
) -> None:
    held_deliveries(nights, "springfield", "north")
    nights.now += timedelta(days=15)
    services = configured_only(nights, monkeypatch, *configured)
    assert housekeeping.expire_everywhere(services) == {"discarded": len(configured)}
    states = DeliveryState.DISCARDED.value, DeliveryState.HELD.value
    d = t.delivery.c
    with nights.owner.connect() as conn:
        found = dict(conn.execute(select(d.id, d.state)).all())
    assert found == {code: states[0] if code in configured else states[1] for code in ("springfield", "north")}
    assert housekeeping.expire_everywhere(services) == {"discarded": 0}
