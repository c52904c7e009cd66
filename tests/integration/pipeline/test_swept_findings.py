"""A known file whose findings are gone, or not all there: its bytes are screened again, whichever way it comes in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, delete, func, select, update

from rostersync import database, pipeline
from rostersync.configuration.district import Retention
from rostersync.database import tables as t
from rostersync.embedded_postgres.server import Server
from rostersync.exceptions import ConfigurationError
from rostersync.model import Outcome
from rostersync.operations import replaying, retention, reviewing
from rostersync.operations.retention import Stores
from rostersync.pipeline import SyncResult
from rostersync.transports.landing_store import LandingStore
from tests.support.district_nights import Nights, person, users_csv

CODE = "springfield"
FILE = [person(1), person(2, userRole="Janitor"), person(3, userEmail="ada.3"), person(4, userId="u 4")]
"""One row that is right and three that break a file rule, each another one."""
FOUND = [(3, "userRole", "value-not-allowed"), (4, "userEmail", "email-invalid"), (5, "userId", "id-character")]


@pytest.fixture
def nights(emptied: Nights) -> Nights:
    """Nights that begin today: the database's own clock dates what retention counts from."""
    emptied.seed()
    emptied.now = datetime.now(UTC).replace(microsecond=0)
    return emptied


@pytest.fixture
def sweep(nights: Nights, postgres: Server) -> Iterator[Callable[[], int]]:
    """Sweeps the district as of now and gives how many findings went."""
    engine: Engine = database.engine(postgres.url_of("roster_sweep", str(nights.engine.url.database)))

    def swept() -> int:
        stores = Stores(
            engine=engine,
            notes=nights.engine,
            landing=LandingStore(str(nights.folder / "landing")),
            outbox=nights.folder / "outbox",
            clock=lambda: nights.now,
        )
        return retention.sweep(stores, CODE, Retention())["findings"].swept

    yield swept
    engine.dispose()


def flat(result: SyncResult) -> list[tuple[int | None, str | None, str]]:
    return sorted(finding.flat for finding in result.findings if finding.line)


def attempts(nights: Nights) -> int:
    with nights.owner.connect() as conn:
        return conn.scalar(select(func.count()).select_from(t.attempt)) or 0


def lose_findings(nights: Nights, *codes: str) -> None:
    """As if somebody else had deleted them: all, or those of these codes."""
    with nights.owner.begin() as conn:
        conn.execute(delete(t.finding).where(t.finding.c.code.in_(codes)) if codes else delete(t.finding))


def paused(nights: Nights, sweep: Callable[[], int]) -> None:
    """Nobody looks at the inbox for a hundred days, while retention goes on."""
    nights.now += timedelta(days=100)
    assert sweep() == len(FOUND)


def first_night(nights: Nights) -> SyncResult:
    nights.put(FILE)
    [first] = nights.sync("first")
    assert (first.outcome, flat(first), nights.people()) == (Outcome.APPLIED_WITH_ERRORS, FOUND, ["u1"])
    return first


def test_left_in_the_inbox_it_is_a_duplicate_and_mails_nobody(nights: Nights, sweep: Callable[[], int]) -> None:
    first_night(nights)
    paused(nights, sweep)
    before, mails = nights.fingerprint(), nights.messages()
    [again] = nights.sync("after")
    assert (again.outcome, flat(again), again.rows.rejected) == (Outcome.DUPLICATE, FOUND, 3)
    assert (nights.fingerprint(), nights.messages(), attempts(nights)) == (before, mails, 1)


def test_what_was_screened_again_is_known_from_then_on(
    nights: Nights, sweep: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    first_night(nights)
    paused(nights, sweep)
    nights.sync("after")
    monkeypatch.setattr("rostersync.pipeline.validating.screen_landed_bytes", None)
    nights.now += timedelta(days=1)
    [again] = nights.sync("a-day-later")
    assert (again.outcome, flat(again), nights.people()) == (Outcome.DUPLICATE, FOUND, ["u1"])


def test_sent_again_it_applies_none_of_its_wrong_rows(nights: Nights, sweep: Callable[[], int]) -> None:
    first_night(nights)
    paused(nights, sweep)
    nights.put(FILE, at=nights.now)
    before = nights.fingerprint()
    [again] = nights.sync("after")
    assert (again.outcome, flat(again), nights.fingerprint()) == (Outcome.DUPLICATE, FOUND, before)


def test_forced_it_applies_none_of_its_wrong_rows(nights: Nights, sweep: Callable[[], int]) -> None:
    first_night(nights)
    paused(nights, sweep)
    [again] = nights.sync("after", force=True, reason="they insist")
    assert (again.outcome, flat(again), nights.people()) == (Outcome.APPLIED_WITH_ERRORS, FOUND, ["u1"])


def test_task_by_task_it_applies_none_of_its_wrong_rows(nights: Nights, sweep: Callable[[], int]) -> None:
    """Validate finds them whole, and they are swept before upsert reads them."""
    first_night(nights)
    nights.now += timedelta(days=100)
    services, run = nights.services, nights.run("after")
    [delivery] = pipeline.pull(services, run, CODE).deliveries
    assert pipeline.validate(services, run, CODE, delivery)["findings"]["row"] == 3
    lose_findings(nights)
    assert pipeline.upsert(services, run, CODE, delivery)["rows"]["rejected"] == 3
    assert nights.people() == ["u1"]


@pytest.mark.parametrize("state", ["discarded", "superseded", "undone"])
def test_set_aside_and_forced_it_applies_none_of_its_wrong_rows(
    nights: Nights, sweep: Callable[[], int], state: str
) -> None:
    first_night(nights)
    with nights.owner.begin() as conn:
        conn.execute(update(t.delivery).values(state=state, decided_by="olga"))
    paused(nights, sweep)
    services, run = nights.services, nights.run("after", force=True, reason="they insist")
    [delivery] = pipeline.pull(services, run, CODE).deliveries
    assert pipeline.validate(services, run, CODE, delivery)["findings"]["row"] == 3
    # Killed here, nothing of it would be applied without force.
    assert nights.states() == [state]
    assert pipeline.upsert(services, run, CODE, delivery)["rows"]["rejected"] == 3
    assert (nights.states(), nights.people()) == (["applied"], ["u1"])


def test_failed_and_found_again_it_applies_none_of_its_wrong_rows(nights: Nights, sweep: Callable[[], int]) -> None:
    nights.put(FILE)
    services, run = nights.services, nights.run("first")
    [delivery] = pipeline.pull(services, run, CODE).deliveries
    pipeline.validate(services, run, CODE, delivery)
    with nights.owner.begin() as conn:
        conn.execute(update(t.delivery).values(state="failed"))
    nights.now += timedelta(days=100)
    assert sweep() == 0  # it is undecided, and keeps all it needs
    lose_findings(nights)
    [again] = nights.sync("after")
    assert (again.outcome, flat(again), nights.people()) == (Outcome.APPLIED_WITH_ERRORS, FOUND, ["u1"])


def test_killed_and_resumed_it_applies_none_of_its_wrong_rows(nights: Nights) -> None:
    nights.put(FILE)
    services, run = nights.services, nights.run("first")
    [delivery] = pipeline.pull(services, run, CODE).deliveries
    pipeline.validate(services, run, CODE, delivery)
    lose_findings(nights)
    [again] = nights.sync("first")
    assert (again.outcome, flat(again), nights.people()) == (Outcome.APPLIED_WITH_ERRORS, FOUND, ["u1"])


def test_approved_it_applies_none_of_its_wrong_rows(nights: Nights) -> None:
    first_night(nights)
    nights.now += timedelta(hours=1)
    nights.put([person(1, userLastName="Newer")], at=nights.now)
    nights.sync("second")
    nights.now += timedelta(hours=1)
    nights.put(FILE, at=nights.now)
    [held] = nights.sync("third")
    assert held.outcome is Outcome.HELD
    lose_findings(nights, "value-not-allowed")
    reviewed = reviewing.approve(nights.services, held.delivery or "", actor="olga")
    assert reviewed.result is not None
    assert (flat(reviewed.result), reviewed.result.rows.rejected, nights.people()) == (FOUND, 3, ["u1"])


@pytest.mark.parametrize("lost", ["value-not-allowed", "email-invalid"])
def test_short_is_as_good_as_gone(nights: Nights, lost: str) -> None:
    first_night(nights)
    lose_findings(nights, lost)
    nights.now += timedelta(days=1)
    [again] = nights.sync("after")
    assert (again.outcome, flat(again), nights.people()) == (Outcome.DUPLICATE, FOUND, ["u1"])


def test_a_new_attempt_has_all_findings_it_was_judged_by(nights: Nights, sweep: Callable[[], int]) -> None:
    first_night(nights)
    with nights.owner.begin() as conn:
        conn.execute(update(t.placement).values(status="ended"))
        conn.execute(update(t.person).values(status="inactive"))
        conn.execute(update(t.district).values(roster_version=t.district.c.roster_version + 1))
    paused(nights, sweep)
    [again] = nights.sync("after")
    [stored] = nights.sync("after")
    assert again.attempt == stored.attempt != 1
    assert flat(again) == flat(stored)
    assert [finding for finding in flat(again) if finding[0] in (3, 4, 5)] == FOUND
    assert nights.people() == ["u1"]


def test_a_refused_file_keeps_its_reasons_and_is_not_mailed_twice(nights: Nights, sweep: Callable[[], int]) -> None:
    nights.put(users_csv(FILE).replace(b"userEmail", b"userEmial"))
    [first] = nights.sync("first")
    assert first.outcome is Outcome.REFUSED
    nights.now += timedelta(days=100)
    assert sweep() == len(first.findings) > 0
    mails = nights.messages()
    [again] = nights.sync("after")
    assert (again.outcome, again.findings, nights.messages()) == (Outcome.REFUSED, first.findings, mails)
    nights.now += timedelta(days=1)
    [recalled] = nights.sync("a-day-later")
    assert (recalled.outcome, recalled.findings) == (Outcome.REFUSED, first.findings)
    assert len(nights.messages()) == len(mails) + 2


def test_replay_renders_no_report_without_its_findings(nights: Nights) -> None:
    """A message that is not settled keeps its report beyond the findings' term."""
    first = first_night(nights)
    with nights.owner.begin() as conn:
        conn.execute(update(t.message).values(state="refused"))
        files = conn.execute(select(t.report_file.c.content)).all()
    lose_findings(nights)
    replayed = replaying.replay(nights.services, first.delivery or "")
    assert (replayed.swept, replayed.rendered) == (True, 0)
    with nights.owner.connect() as conn:
        assert conn.execute(select(t.report_file.c.content)).all() == files


def test_without_its_schools_an_approval_needs_all_reasons(nights: Nights) -> None:
    """Which schools are held is a finding, too: nothing is approved on half of them."""
    rows = [person(n, schoolId=school) for n, school in enumerate(["100"] * 10 + ["200"] * 10, 1)]
    nights.put(rows)
    nights.sync("first")
    nights.now += timedelta(hours=1)
    away = [{"action": "REMOVE-USER", "schoolId": row["schoolId"], "userId": row["userId"]} for row in rows]
    nights.put([*away[:6], *away[10:16]], at=nights.now)
    [held] = nights.sync("second")
    assert sum(finding.code == "hold-school" for finding in held.findings) == 2
    with nights.owner.begin() as conn:
        school = t.finding.c.detail["school"].as_string()
        conn.execute(delete(t.finding).where(t.finding.c.code == "hold-school", school == "200"))
    with pytest.raises(ConfigurationError):
        reviewing.approve(nights.services, held.delivery or "", actor="olga", without_held_schools=True)
    assert (nights.states(), len(nights.people())) == (["applied", "held"], 20)
