"""What counts as a kill: a task that did not live to see its own failure, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest
from sqlalchemy import Connection, text

from rostersync import database, fault_points, pipeline
from rostersync.database import engines
from rostersync.exceptions import DatabaseUnavailable, DistrictBusy, KilledTwice, LandingUnavailable, LostClaim
from rostersync.pipeline import delivery_case
from rostersync.pipeline.run_progress import recording_failure
from rostersync.transports.landing_store import LandingStore
from tests.faults.proxy import Proxy, running_proxy
from tests.support.district_nights import Nights, person
from tests.support.servers import RosterDatabase

CLAIMED = {"validate": "validate.after_claim", "upsert": "upsert.after_claim"}
STAGES = {"validate": pipeline.validate, "upsert": pipeline.upsert}
At = Callable[[str, Callable[[], object]], None]


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> At:
    """`at(point, action)`: the action happens whenever a task comes to this point."""
    actions: dict[str, Callable[[], object]] = {}
    monkeypatch.setattr(fault_points, "reached", lambda name: actions.get(name, lambda: None)())
    return actions.__setitem__


@pytest.fixture
def line(nights: Nights, roster_database: RosterDatabase) -> Iterator[Proxy]:
    """A proxy in front of PostgreSQL that the tasks go through."""
    with running_proxy("127.0.0.1", nights.engine.url.port or 0) as proxy:
        engine = database.engine(proxy.url(roster_database.url))
        nights.engine = engine
        yield proxy
        engine.dispose()


def ready(nights: Nights, stage: str) -> str:
    """A delivery that is about to be validated or upserted."""
    nights.put([person(1), person(2)])
    [delivery] = pipeline.pull(nights.services, nights.run(), nights.config.code).deliveries
    if stage == "upsert":
        pipeline.validate(nights.services, nights.run(), nights.config.code, delivery)
    return delivery


def attempt(nights: Nights, stage: str, delivery: str, run: str = "night-1") -> None:
    STAGES[stage](nights.services, nights.run(run), nights.config.code, delivery)


def kill(nights: Nights, delivery: str, run: str = "night-1") -> None:
    """A task that claims the delivery and is never heard of again."""
    with recording_failure(nights.services, nights.run(run), nights.config.code, delivery) as work:
        delivery_case.open_case(nights.services, nights.run(run), nights.config, delivery, work)


@contextmanager
def zombie(nights: Nights, delivery: str, error: Exception, run: str = "night-1") -> Iterator[None]:
    """A task that claims the delivery and is taken for dead; in the end it lives, and fails."""
    with (
        suppress(type(error)),
        recording_failure(nights.services, nights.run(run), nights.config.code, delivery) as work,
    ):
        delivery_case.open_case(nights.services, nights.run(run), nights.config, delivery, work)
        yield
        raise error


@pytest.mark.parametrize("stage", ["validate", "upsert"])
def test_a_line_that_stays_cut_is_no_kill(nights: Nights, line: Proxy, at: At, stage: str) -> None:
    delivery = ready(nights, stage)
    at(CLAIMED[stage], lambda: setattr(line, "rule", lambda passing: "cut"))
    for _ in range(3):
        with pytest.raises(DatabaseUnavailable):
            attempt(nights, stage, delivery)
        line.rule = lambda passing: None
    at(CLAIMED[stage], lambda: None)
    attempt(nights, stage, delivery)
    assert nights.states() == [{"validate": "validated", "upsert": "applied"}[stage]]


def test_a_claim_whose_answer_was_lost_is_no_kill(nights: Nights, line: Proxy) -> None:
    """The commit of the claim came through; neither its answer nor the note about the failure did."""
    delivery = ready(nights, "upsert")
    claiming: set[int] = set()

    def rule(passing):
        if passing.up and b"claim_token" in passing.data and b"UPDATE" in passing.data:
            claiming.add(passing.connection)
        if claiming and passing.up and passing.connection not in claiming:
            return "cut"
        return "cut after" if passing.connection in claiming and passing.up and b"COMMIT" in passing.data else None

    for _ in range(3):
        claiming.clear()
        line.rule = rule
        with pytest.raises(DatabaseUnavailable):
            attempt(nights, "upsert", delivery)
        line.rule = lambda passing: None
    attempt(nights, "upsert", delivery)
    assert nights.states() == ["applied"]


def test_a_busy_lock_is_no_kill(
    nights: Nights, roster_database: RosterDatabase, at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody holds the delivery's row: the task cannot go on, nor write that it did not."""
    delivery = ready(nights, "upsert")
    monkeypatch.setitem(engines.SESSION, "lock_timeout", "300ms")
    impatient = database.engine(roster_database.url)
    others: list[Connection] = []

    def somebody_holds_the_row() -> None:
        others.append(nights.owner.connect())
        others[-1].execute(text("SELECT FROM intake.delivery FOR UPDATE"))

    at(CLAIMED["upsert"], somebody_holds_the_row)
    tasks = replace(nights, engine=impatient, lock_seconds=0.3)
    for _ in range(3):
        with pytest.raises(DistrictBusy):
            attempt(tasks, "upsert", delivery)
        others[-1].close()
    at(CLAIMED["upsert"], lambda: None)
    attempt(tasks, "upsert", delivery)
    impatient.dispose()
    assert nights.states() == ["applied"]


def test_a_proxy_that_fails_over_to_a_replica_is_no_kill(
    nights: Nights, roster_database: RosterDatabase, at: At
) -> None:
    """Nobody may write until the replica is promoted."""
    delivery = ready(nights, "upsert")

    def read_only(yes: bool) -> None:
        with nights.owner.begin() as conn:
            conn.execute(text(f"ALTER DATABASE {roster_database.name} SET default_transaction_read_only = {yes}"))
        nights.engine.dispose()

    at(CLAIMED["upsert"], lambda: read_only(True))
    for _ in range(3):
        with pytest.raises(DatabaseUnavailable):
            attempt(nights, "upsert", delivery)
        with nights.owner.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            conn.execute(text("SET default_transaction_read_only = off"))
            conn.execute(text(f"ALTER DATABASE {roster_database.name} RESET default_transaction_read_only"))
        nights.engine.dispose()
        nights.owner.dispose()
    at(CLAIMED["upsert"], lambda: None)
    attempt(nights, "upsert", delivery)
    assert nights.states() == ["applied"]


def test_with_the_landing_store_away_as_well_the_machine_itself_remembers(
    nights: Nights, line: Proxy, at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = ready(nights, "upsert")
    shared, remember = nights.services.landing, LandingStore.remember

    def away(store: LandingStore, name: str, content: bytes) -> None:
        if store._shelf._root == shared._shelf._root:  # type: ignore[union-attr] - a folder
            raise LandingUnavailable("away")
        remember(store, name, content)

    at(CLAIMED["upsert"], lambda: setattr(line, "rule", lambda passing: "cut"))
    monkeypatch.setattr(LandingStore, "remember", away)
    for _ in range(3):
        with pytest.raises(DatabaseUnavailable):
            attempt(nights, "upsert", delivery)
        line.rule = lambda passing: None
    at(CLAIMED["upsert"], lambda: None)
    attempt(nights, "upsert", delivery)
    assert nights.states() == ["applied"]


def test_two_kills_by_one_run_stop_it_and_another_run_begins_at_zero(nights: Nights) -> None:
    delivery = ready(nights, "upsert")
    for _ in range(2):
        kill(nights, delivery)
    for _ in range(2):
        with pytest.raises(KilledTwice):
            attempt(nights, "upsert", delivery)
    kill(nights, delivery, "night-2")
    attempt(nights, "upsert", delivery, "night-2")
    assert nights.states() == ["applied"]


def test_kills_of_different_runs_are_not_added_up(nights: Nights) -> None:
    delivery = ready(nights, "upsert")
    for run in ("night-1", "night-2", "night-1", "night-2"):
        kill(nights, delivery, run)
    attempt(nights, "upsert", delivery, "night-2")
    assert nights.states() == ["applied"]


def test_a_task_that_was_taken_for_dead_and_lives_was_not_killed(nights: Nights) -> None:
    """A zombie: its claim is lost, which it sees when it comes back."""
    delivery = ready(nights, "upsert")
    with zombie(nights, delivery, LostClaim("taken over")):
        kill(nights, delivery)
    attempt(nights, "upsert", delivery)
    assert nights.states() == ["applied"]


def test_the_failure_of_a_zombie_does_not_excuse_the_kills_of_others(nights: Nights) -> None:
    delivery = ready(nights, "upsert")
    with zombie(nights, delivery, DatabaseUnavailable("away"), "night-0"):
        for _ in range(2):
            kill(nights, delivery)
    with pytest.raises(KilledTwice):
        attempt(nights, "upsert", delivery)
