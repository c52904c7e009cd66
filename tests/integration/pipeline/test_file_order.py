"""Which file is the older one: clocks that are ahead, files that failed, two runs at one delivery."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from rostersync import ledger, pipeline, planning
from rostersync.database import tables, transaction
from rostersync.exceptions import DatabaseUnavailable, LostClaim, PlanMismatch
from rostersync.model import Outcome
from rostersync.pipeline import upserting, validating
from tests.support.district_nights import Nights, district, person

YEAR = timedelta(days=365)


def outcomes(results: list[pipeline.SyncResult]) -> list[Outcome]:
    return [result.outcome for result in results]


def holds(results: list[pipeline.SyncResult]) -> list[str]:
    return [finding.code for result in results for finding in result.findings if finding.severity == "hold"]


def last_name(nights: Nights) -> str | None:
    with nights.owner.connect() as conn:
        return conn.scalar(select(tables.person.c.last_name).where(tables.person.c.user_id == "u1"))


# --- clocks ----------------------------------------------------------------------------------------------------------


def test_a_clock_that_is_a_year_ahead_delays_no_later_file(nights: Nights) -> None:
    nights.put([person(1, userLastName="Ahead")], at=nights.now + YEAR)
    assert outcomes(nights.sync("night-1")) == [Outcome.APPLIED]
    for night, name in ((2, "Second"), (3, "Third")):
        nights.now += timedelta(days=1)
        nights.put([person(1, userLastName=name)])
        results = nights.sync(f"night-{night}")
        assert (outcomes(results), holds(results), last_name(nights)) == ([Outcome.APPLIED], [], name)


def test_known_bytes_sent_again_with_a_clock_ahead_delay_nothing_either(nights: Nights) -> None:
    rows = [person(1, userLastName="First")]
    nights.put(rows)
    nights.sync("night-1")
    nights.now += timedelta(days=1)
    nights.put(rows, at=nights.now + YEAR)
    assert outcomes(nights.sync("night-2")) == [Outcome.DUPLICATE]
    nights.now += timedelta(days=1)
    nights.put([person(1, userLastName="Second")])
    assert outcomes(nights.sync("night-3")) == [Outcome.APPLIED]


def test_in_one_look_a_clock_ahead_is_the_newest_and_no_more(nights: Nights) -> None:
    nights.put([person(1, userLastName="Ahead")], "users-a.csv", at=nights.now + YEAR)
    nights.put([person(1, userLastName="Before")], "users-b.csv", at=nights.now - timedelta(hours=1))
    nights.sync("night-1")
    assert last_name(nights) == "Ahead"


@pytest.mark.parametrize("back", [timedelta(hours=1), timedelta(hours=30), timedelta(days=40)])
def test_our_own_clock_that_jumps_back_makes_no_file_an_older_one(nights: Nights, back: timedelta) -> None:
    nights.put([person(1, userLastName="First")])
    nights.sync("night-1")
    written = nights.now + timedelta(days=1)
    nights.now = written - back
    nights.put([person(1, userLastName="Second")], at=written)
    results = nights.sync("night-2")
    assert (outcomes(results), holds(results), last_name(nights)) == ([Outcome.APPLIED], [], "Second")


def test_our_own_clock_that_jumps_back_lets_no_older_content_back(nights: Nights) -> None:
    first = [person(1, userLastName="First")]
    nights.put(first)
    nights.sync("night-1")
    nights.now += timedelta(days=1)
    nights.put([person(1, userLastName="Second")])
    nights.sync("night-2")
    nights.now -= timedelta(hours=30)
    nights.put(first, at=nights.now)
    assert (holds(nights.sync("night-3")), last_name(nights)) == (["hold-older-file"], "Second")


# --- a file that failed ----------------------------------------------------------------------------------------------


class Broken:
    """Plans that fail for the files with this many rows."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, error: Exception, rows: int = 2) -> None:
        self.real, self.error, self.rows = planning.plan, error, rows
        monkeypatch.setattr(planning, "plan", self)

    def __call__(self, conn: Any, context: Any, rows: Any, *rest: Any) -> planning.Plan:
        if len(rows) == self.rows:
            raise self.error
        return self.real(conn, context, rows, *rest)


OLD = [person(1, userLastName="Old"), person(2)]


def two_files(nights: Nights) -> None:
    """In one look an older file, which is going to fail, and a newer one."""
    nights.put(OLD, "users-1.csv", at=nights.now - timedelta(hours=3))
    nights.put([person(1, userLastName="New")], "users-2.csv", at=nights.now - timedelta(hours=2))


def test_a_failed_file_delays_newer_ones_by_one_night_only(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    two_files(nights)
    Broken(monkeypatch, PlanMismatch("injected"))
    # The night on which it fails, nothing newer overtakes it.
    assert outcomes(nights.sync("night-1")) == [Outcome.FAILED]
    nights.now += timedelta(days=1)
    nights.put([person(1, userLastName="Newer")], "users-3.csv")
    assert outcomes(nights.sync("night-2")) == [Outcome.APPLIED, Outcome.APPLIED, Outcome.FAILED]
    assert last_name(nights) == "Newer"
    nights.now += timedelta(days=1)
    nights.put([person(1, userLastName="Newest")], "users-4.csv")
    nights.sync("night-3")
    assert last_name(nights) == "Newest"


def test_a_failed_file_that_was_overtaken_waits_for_a_person(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    two_files(nights)
    with monkeypatch.context() as patch:
        Broken(patch, PlanMismatch("injected"))
        nights.sync("night-1")
    nights.now += timedelta(hours=2)
    results = nights.sync("night-2")
    # Three hours older only, and yet the older one.
    assert (outcomes(results), holds(results)) == ([Outcome.APPLIED, Outcome.HELD], ["hold-older-file"])
    assert last_name(nights) == "New"


def test_a_failed_file_that_nothing_has_overtaken_is_applied(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    nights.put(OLD)
    with monkeypatch.context() as patch:
        Broken(patch, PlanMismatch("injected"))
        nights.sync("night-1")
    nights.now += timedelta(days=1)
    assert outcomes(nights.sync("night-2")) == [Outcome.APPLIED]


def test_a_failed_file_that_is_sent_again_is_the_newest(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    two_files(nights)
    with monkeypatch.context() as patch:
        Broken(patch, PlanMismatch("injected"))
        nights.sync("night-1")
        nights.sync("night-2")
    assert last_name(nights) == "New"
    nights.now += timedelta(days=1)
    nights.put(OLD, "users-1.csv")
    nights.sync("night-3")
    assert last_name(nights) == "Old"


def test_a_file_at_which_two_nights_had_an_error_is_tried_last(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    """A statement timeout every night is no state of the delivery; one night may have had another reason."""
    two_files(nights)
    Broken(monkeypatch, DatabaseUnavailable("injected"))
    assert outcomes(nights.sync("night-1")) == [Outcome.FAILED]
    assert outcomes(nights.sync("night-2")) == [Outcome.FAILED]
    assert outcomes(nights.sync("night-3")) == [Outcome.APPLIED, Outcome.FAILED]
    assert last_name(nights) == "New"


def test_one_night_without_a_database_changes_no_order(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    two_files(nights)
    with monkeypatch.context() as patch:
        Broken(patch, DatabaseUnavailable("injected"))
        nights.sync("night-1")
        # Tries of one night are one failure.
        nights.sync("night-1")
    results = nights.sync("night-2")
    assert (outcomes(results), last_name(nights)) == ([Outcome.APPLIED, Outcome.APPLIED], "New")


def test_in_tasks_a_failed_file_is_judged_after_the_others_are_applied(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The task `validate` goes through all files before `upsert` begins: what fails there would stop them all."""
    two_files(nights)
    real = validating.screen_landed_bytes

    def broken(reading: Any, *rest: Any) -> Any:
        if len(reading.frame) == len(OLD):
            raise PlanMismatch("injected")
        return real(reading, *rest)

    monkeypatch.setattr(validating, "screen_landed_bytes", broken)
    nights.sync("night-1")
    nights.now += timedelta(days=1)
    run = nights.run("night-2")
    pulled = pipeline.pull(nights.services, run, "springfield")
    for delivery in pulled.deliveries:
        pipeline.validate(nights.services, run, "springfield", delivery)
    newer, failed = pulled.deliveries
    assert pipeline.upsert(nights.services, run, "springfield", newer)["outcome"] == Outcome.APPLIED
    with pytest.raises(PlanMismatch):
        pipeline.upsert(nights.services, run, "springfield", failed)
    assert pipeline.tried_last(nights.services, run, "springfield") == {failed}
    assert last_name(nights) == "New"


def test_a_refused_file_that_other_rules_accept_is_older_than_what_was_applied_since(nights: Nights) -> None:
    nights.config = district(nights.inbox, limits={"max_rows": 1})
    nights.put(OLD, "users-1.csv")
    assert outcomes(nights.sync("night-1")) == [Outcome.REFUSED]
    nights.now += timedelta(hours=2)
    nights.put([person(1, userLastName="New")], "users-2.csv")
    nights.sync("night-2")
    nights.config = district(nights.inbox, email_domains=["springfield.example", "b.example"])
    nights.now += timedelta(hours=2)
    results = nights.sync("night-3")
    assert (holds(results), last_name(nights)) == (["hold-older-file"], "New")


# --- two runs at one delivery ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["lock_district", "screen_landed_bytes"])
def test_the_run_that_was_overtaken_ends_with_the_result_of_the_other(
    nights: Nights, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    """While our run is at its delivery, another one takes it over and applies it."""
    module: Any = planning if stage == "lock_district" else validating
    real, done = getattr(module, stage), []

    def overtaken(*args: Any) -> Any:
        if not done:
            done.append("once")
            done.extend(nights.sync("by hand"))
        return real(*args)

    nights.put([person(1)])
    monkeypatch.setattr(module, stage, overtaken)
    results = nights.sync("night-1")
    assert outcomes(done[1:]) == [Outcome.APPLIED]
    assert outcomes(results) == [Outcome.DUPLICATE]
    assert len(nights.messages()) == 1
    assert nights.states() == ["applied"]


def test_the_run_that_was_overtaken_goes_on_when_the_other_came_to_nothing(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, done = planning.lock_district, []

    def overtaken(*args: Any) -> int:
        if not done:
            done.append("once")
            with transaction(nights.engine, "springfield") as conn:
                delivery = conn.scalars(select(tables.delivery.c.id)).one()
                ledger.begin_work(conn, delivery, "another run", "its work")
                ledger.claim(conn, delivery, "another run")
                ledger.end_work(conn, delivery, "its work")
        return real(*args)

    nights.put([person(1)])
    monkeypatch.setattr(planning, "lock_district", overtaken)
    assert outcomes(nights.sync("night-1")) == [Outcome.APPLIED]


def test_a_claim_lost_to_a_task_that_never_ends_is_an_error_in_the_end(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = planning.lock_district

    def overtaken(*args: Any) -> int:
        with transaction(nights.engine, "springfield") as conn:
            token = tables.delivery.c.claim_token + 1
            conn.execute(update(tables.delivery).values(claim_token=token, worked_on_by="another run"))
        return real(*args)

    nights.put([person(1)])
    pulled = pipeline.pull(nights.services, nights.run(), "springfield")
    pipeline.validate(nights.services, nights.run(), "springfield", pulled.deliveries[0])
    monkeypatch.setattr(planning, "lock_district", overtaken)
    with pytest.raises(LostClaim):
        upserting.upsert(nights.services, nights.run(), "springfield", pulled.deliveries[0])
    assert sum(nights.slept) <= nights.services.lock_seconds
