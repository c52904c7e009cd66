"""A whole night through scheduler, dag-processor and api-server on the embedded database, steered over REST."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine

from rostersync import database, embedded, pipeline, stack, stack_environment
from rostersync.airflow_api import Api
from rostersync.landing import LandingStore
from rostersync.mailing import EmlFolder
from rostersync.transports import open_transport
from tests.airflow_nights import DAG, Country, open_schools, row, state_of
from tests.servers import fresh_database, running_sftp

pytestmark = pytest.mark.timeout(1200)
CODES = ("ashford", "brookvale", "cedarport")
ASHFORD = [row("ashford", 1), row("ashford", 2), row("ashford", 3, userRole="Janitor")]
BROOKVALE = [row("brookvale", n, classId="c1", className="Reading", classGrade="3") for n in range(1, 5)]
BROOKVALE_LATER = [
    *BROOKVALE[:2],
    row("brookvale", 3, action="DELETE_ENROLLMENT", classId="c1"),
    row("brookvale", 4, userLastName="Renamed"),
    row("brookvale", 5),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The stack's REST API, its roster database, and the districts' folders."""

    api: Api
    owner: Engine
    country: Country
    crash_once: Path
    logs: Path

    def night(self, *codes: str) -> tuple[str, str]:
        """Trigger a run for these districts (none: all) and wait; its id and state."""
        run_id = self.api.trigger(DAG, {"districts": list(codes)})
        return run_id, self.api.wait_for_run(DAG, run_id)

    def states(self, run_id: str) -> dict[str, list[str]]:
        """The last word of each task id → states in the order of the map indexes."""
        found: dict[str, list[str]] = {}
        for task in sorted(self.api.tasks(DAG, run_id), key=lambda each: each["map_index"]):
            found.setdefault(task["task_id"].rpartition(".")[2], []).append(task["state"])
        return found

    def task_logs(self, run_id: str) -> dict[str, str]:
        """task id → the text of all its logs of this run."""
        found: dict[str, str] = {}
        base = self.logs / f"dag_id={DAG}" / f"run_id={run_id}"
        for path in sorted(base.rglob("*.log")):
            task = path.relative_to(base).parts[0].removeprefix("task_id=")
            found[task] = found.get(task, "") + path.read_text()
        return found


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Ashford and Brookvale have folders; Cedarport's real SFTP server shows another host key than the pinned one."""
    folder = tmp_path_factory.mktemp("night")
    country, marker = Country(folder=folder), folder / "crashed"
    country.found(CODES, {"cedarport": {"sftp": "cedarport", "directory": "/"}})
    marker.touch()  # no crash until a test takes it away
    with pytest.MonkeyPatch.context() as patch, running_sftp(folder / "inbox" / "cedarport") as sftp:
        for name in [name for name in os.environ if name.startswith(("ROSTERSYNC_", "AIRFLOW_"))]:
            patch.delenv(name)
        patch.setenv("ROSTERSYNC_STATE", str(folder / "state"))
        patch.setenv("ROSTERSYNC_INCLUDE", str(country.include))
        patch.setenv("ROSTERSYNC_CRASH", "upsert.before_commit")
        patch.setenv("ROSTERSYNC_CRASH_ONCE", str(marker))
        login = f"{sftp.user}:{sftp.password}@127.0.0.1:{sftp.port}"
        patch.setenv("ROSTERSYNC_SFTP_CEDARPORT", f"sftp://{login}?host_key={_another_key()}")
        try:
            api = stack.up(scheduled=False).api
            api.wait_for_dag(DAG)
            owner = database.engine(embedded.ensure_running().owner_url)
            open_schools(owner, CODES)
            yield Running(
                api=api, owner=owner, country=country, crash_once=marker, logs=stack_environment.home() / "logs"
            )
            owner.dispose()
        finally:
            stack.down()
            embedded.remove(folder / "state" / "postgres")


def _another_key() -> str:
    import asyncssh

    public: str = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    return "%20".join(public.split()[:2])


@pytest.fixture(scope="module")
def first_night(running: Running) -> tuple[str, str]:
    """The first run of all three districts: its id and state."""
    running.country.put("ashford", ASHFORD)
    running.country.put("brookvale", BROOKVALE)
    return running.night()


def test_a_changed_host_key_turns_the_run_red_and_the_other_districts_are_finished(
    running: Running, first_night: tuple[str, str]
) -> None:
    run_id, state = first_night
    assert state == "failed"
    assert running.states(run_id) == {
        "districts": ["success"],
        "pull": ["success", "success", "failed"],
        "validate": ["success", "success", "upstream_failed"],
        "upsert": ["success", "success", "upstream_failed"],
        "email": ["success", "success", "upstream_failed"],
        "all_districts_fine": ["failed"],
    }
    for code, people in (("ashford", 2), ("brookvale", 4)):
        came_to = state_of(running.owner, code)
        assert (len(came_to["person"]), len(came_to["mails"])) == (people, 1)


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


def test_a_worker_killed_inside_upsert_and_cleared_ends_like_an_undisturbed_night(
    running: Running, first_night: tuple[str, str], undisturbed: dict[str, object]
) -> None:
    running.country.put("brookvale", BROOKVALE_LATER)
    running.crash_once.unlink()
    run_id = running.api.trigger(DAG, {"districts": ["brookvale"]})
    _wait_for(lambda: running.states(run_id)["upsert"] == ["up_for_retry"])
    assert running.crash_once.exists()
    running.api.clear(DAG, run_id, [("district.upsert", 0)])
    assert running.api.wait_for_run(DAG, run_id) == "success"
    assert state_of(running.owner, "brookvale") == undisturbed


@pytest.fixture
def undisturbed(postgres: embedded.Server, running: Running, tmp_path: Path) -> Iterator[dict[str, object]]:
    """What Brookvale's two nights come to without Airflow and without trouble, in a database of their own."""
    other = Country(folder=tmp_path)
    other.found(CODES)
    with fresh_database(postgres) as made, pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROSTERSYNC_INCLUDE", str(other.include))
        engine, owner = database.engine(made.url), database.engine(made.owner_url)
        open_schools(owner, CODES)
        edges = pipeline.Edges(
            engine=engine,
            landing=LandingStore(str(tmp_path / "landing")),
            open_transport=lambda district: open_transport(district.source),
            sender=EmlFolder(tmp_path / "outbox"),
            settle_seconds=0,
        )
        for number, rows in enumerate((BROOKVALE, BROOKVALE_LATER)):
            other.put("brookvale", rows)
            pipeline.sync(edges, pipeline.Run(dag_id=DAG, run_id=f"night-{number}"), "brookvale")
        yield state_of(owner, "brookvale")
        engine.dispose()
        owner.dispose()


def _wait_for(condition: Callable[[], bool], seconds: float = 300.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.3)
