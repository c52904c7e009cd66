"""A whole night through scheduler, dag-processor and api-server on the embedded database, steered over REST."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rostersync import database, pipeline
from rostersync.embedded_postgres import server
from rostersync.mailing import EmlFolder
from rostersync.transports import open_transport
from rostersync.transports.landing_store import LandingStore
from tests.e2e.running import CODES, Running, running_stack, wait_for
from tests.support.airflow_nights import DAG, ROSTER, Country, open_schools, row, state_of
from tests.support.canaries import search as canary_search
from tests.support.canaries.night import UNREAD
from tests.support.canaries.search import CanaryNight
from tests.support.canaries.words import WORDS
from tests.support.servers import fresh_database

pytestmark = pytest.mark.timeout(1200)
ASHFORD = [row("ashford", 1), row("ashford", 2), row("ashford", 3, userRole="Janitor")]
BROOKVALE = [row("brookvale", n, classId="c1", className="Reading", classGrade="3") for n in range(1, 5)]
BROOKVALE_LATER = [
    *BROOKVALE[:2],
    row("brookvale", 3, action="DELETE_ENROLLMENT", classId="c1"),
    row("brookvale", 4, userLastName="Renamed"),
    row("brookvale", 5),
]
DRAYTON = [row("drayton", n) for n in range(1, 11)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One Airflow for all tests here: it starts in half a minute."""
    with running_stack(tmp_path_factory.mktemp("night")) as made:
        yield made


@pytest.fixture(scope="module")
def first_night(running: Running) -> tuple[str, str]:
    """The first run of three districts: its id and state."""
    running.country.put("ashford", ASHFORD)
    running.country.put("brookvale", BROOKVALE)
    return running.night(*CODES)


def test_a_changed_host_key_turns_the_run_red_and_the_other_districts_are_finished(
    running: Running, first_night: tuple[str, str]
) -> None:
    run_id, state = first_night
    assert state == "failed"
    assert running.states(run_id) == {
        "districts": ["success"],
        "first_look": ["success"],
        "pull": ["success", "success", "failed"],
        "validate": ["success", "success", "upstream_failed"],
        "upsert": ["success", "success", "upstream_failed"],
        "email": ["success", "success", "upstream_failed"],
        "all_districts_fine": ["failed"],
        "ask_about_held": ["skipped"],
    }
    for code, people in (("ashford", 2), ("brookvale", 4)):
        evaluation = state_of(running.owner, code)
        assert (len(evaluation["person"]), len(evaluation["mails"])) == (people, 1)


def test_tasks_are_labelled_by_district(running: Running, first_night: tuple[str, str]) -> None:
    labels = {
        task["rendered_map_index"]
        for task in running.api.tasks(DAG, first_night[0])
        if task["task_id"] == "district.pull"
    }
    assert labels == set(CODES)


def test_the_watcher_names_the_district_that_failed_and_its_task(
    running: Running, first_night: tuple[str, str]
) -> None:
    logs = running.task_logs(first_night[0])
    assert "1 of 3 districts failed: cedarport (pull)." in logs["all_districts_fine"]
    assert "host-key-changed" in logs["district.pull"]


def test_task_logs_and_xcom_hold_nobodys_name_or_address(running: Running, first_night: tuple[str, str]) -> None:
    logs = "".join(running.task_logs(first_night[0]).values()).lower()
    entries = running.api.call("GET", f"/dags/{DAG}/dagRuns/~/taskInstances/~/xcomEntries?limit=1000")
    assert entries["total_entries"] > 0
    assert "canary" not in logs + str(entries).lower()


@pytest.mark.parametrize("step", ["pull", "validate", "upsert", "email"])
def test_clearing_a_task_of_a_district_applies_and_mails_nothing_twice(
    running: Running, first_night: tuple[str, str], step: str
) -> None:
    run_id, _ = first_night
    before = {code: state_of(running.owner, code) for code in CODES}
    running.api.clear(DAG, run_id, [(f"district.{step}", CODES.index("ashford"))])
    assert running.api.wait_for_run(DAG, run_id) == "failed"
    assert running.states(run_id)["email"] == ["success", "success", "upstream_failed"]
    assert {code: state_of(running.owner, code) for code in CODES} == before


def test_the_same_files_again_change_nothing_and_mail_nobody(running: Running, first_night: tuple[str, str]) -> None:
    before = {code: state_of(running.owner, code) for code in CODES}
    run_id, state = running.night("ashford", "brookvale")
    assert state == "success"
    assert running.states(run_id)["pull"] == ["skipped", "skipped"]
    assert {code: state_of(running.owner, code) for code in CODES} == before


def test_a_mass_removal_waits_and_is_loaded_only_when_it_is_approved(
    running: Running, first_night: tuple[str, str]
) -> None:
    running.country.put("drayton", DRAYTON)
    assert running.night("drayton")[1] == "success"
    before = state_of(running.owner, "drayton")
    held = running.held("drayton", [leaving("drayton", n) for n in range(1, 7)])
    waiting = state_of(running.owner, "drayton")
    assert {name: waiting[name] for name in ROSTER} == {name: before[name] for name in ROSTER}
    running.answer(held, "Discard")
    assert running.state_of_delivery(held) == ("discarded", "admin")
    assert state_of(running.owner, "drayton")["person"] == before["person"]
    again = running.held("drayton", [leaving("drayton", n) for n in range(1, 6)])
    running.answer(again, "Approve")
    assert running.state_of_delivery(again) == ("applied", "admin")
    after = state_of(running.owner, "drayton")
    assert sum("'active'" in each for each in after["person"]) == len(DRAYTON) - 5
    assert all("'sent'" in mail for mail in after["mails"])
    assert [kind for mail in after["mails"] if (kind := mail.split("'")[1]) != "held"] == [
        "count_report",
        "count_report",
        "discarded",
    ]


def test_a_worker_killed_inside_upsert_and_cleared_ends_like_an_undisturbed_night(
    running: Running, first_night: tuple[str, str], undisturbed: dict[str, object]
) -> None:
    running.country.put("brookvale", BROOKVALE_LATER)
    running.crash_once.unlink()
    run_id = running.api.trigger(DAG, {"districts": ["brookvale"]})
    wait_for(lambda: running.states(run_id)["upsert"] == ["up_for_retry"])
    assert running.crash_once.exists()
    running.api.clear(DAG, run_id, [("district.upsert", 0)])
    assert running.api.wait_for_run(DAG, run_id) == "success"
    assert state_of(running.owner, "brookvale") == undisturbed


@pytest.fixture(scope="module")
def canary_night(running: Running, first_night: tuple[str, str]) -> CanaryNight:
    """A night of 50 canaries and five faults."""
    return canary_search.spend(running)


@pytest.mark.long
def test_the_canary_night_met_its_faults(running: Running, canary_night: CanaryNight) -> None:
    assert canary_night.states == {
        "districts": ["success"],
        "first_look": ["success"],
        "pull": ["success", "success", "success", "success", "failed"],
        "validate": ["success", "success", "success", "success", "upstream_failed"],
        "upsert": ["success", "failed", "success", "success", "upstream_failed"],
        "email": ["success", "upstream_failed", "success", "success", "upstream_failed"],
        "all_districts_fine": ["failed"],
        "ask_about_held": ["success"],
    }
    logs = running.task_logs(canary_night.run_id)
    assert "[source-unreachable]" in logs["district.pull"]
    assert "[source-refused]" in logs["district.pull"]
    assert canary_night.killed in ("egret", "grouse")
    mails = state_of(running.owner, "egret")["mails"]
    assert len(mails) == 1
    assert "'refused'" in mails[0]


@pytest.mark.long
def test_the_last_words_of_a_failed_task_name_code_remedy_and_page(running: Running, canary_night: CanaryNight) -> None:
    logs = running.task_logs(canary_night.run_id)
    assert "[statement-refused]" in logs["district.upsert"]
    assert "What to do: Everything was rolled back." in logs["district.upsert"]
    assert "docs/runbook/statement-refused.md" in logs["district.upsert"]


@pytest.mark.long
def test_no_canary_is_outside_roster_landing_store_reports_and_mail(
    running: Running, canary_night: CanaryNight
) -> None:
    assert canary_search.hits(running, canary_night) == []
    inside = canary_search.found_where_they_belong(running)
    assert set(WORDS) - inside == UNREAD


@pytest.mark.long
def test_a_canary_in_a_log_or_in_airflows_tables_would_be_found(running: Running, canary_night: CanaryNight) -> None:
    places = canary_search.plant(running, WORDS[0])
    assert sorted(hit.place for hit in canary_search.hits(running, canary_night)) == sorted(places)


@pytest.fixture
def undisturbed(postgres: server.Server, running: Running, tmp_path: Path) -> Iterator[dict[str, object]]:
    """What Brookvale's two nights come to without Airflow and without trouble, in a database of their own."""
    other = Country(folder=tmp_path)
    other.found(CODES)
    with fresh_database(postgres) as made, pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROSTERSYNC_INCLUDE", str(other.include))
        engine, owner = database.engine(made.url), database.engine(made.superuser_url)
        open_schools(owner, CODES)
        services = pipeline.Services(
            engine=engine,
            landing=LandingStore(str(tmp_path / "landing")),
            open_transport=lambda district: open_transport(district.source, workbooks=district.policies.workbooks),
            sender=EmlFolder(tmp_path / "outbox"),
            settle_seconds=0,
        )
        for number, rows in enumerate((BROOKVALE, BROOKVALE_LATER)):
            other.put("brookvale", rows)
            pipeline.sync(services, pipeline.Run(dag_id=DAG, run_id=f"night-{number}"), "brookvale")
        yield state_of(owner, "brookvale")
        engine.dispose()
        owner.dispose()


def leaving(code: str, number: int) -> dict[str, str]:
    """The row that takes a person out of the school."""
    return {"action": "REMOVE-USER", "schoolId": "100", "userId": f"{code}-{number}"}
