"""A whole night through scheduler, dag-processor and api-server on the embedded database, steered over REST."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from rostersync import database, embedded, pipeline, stack, stack_environment, tables
from rostersync.airflow_api import Api
from rostersync.errors import ConfigurationError
from rostersync.landing import LandingStore
from rostersync.mailing import EmlFolder
from rostersync.transports import open_transport
from tests.airflow_nights import DAG, ROSTER, Country, open_schools, row, state_of
from tests.servers import fresh_database, running_sftp

pytestmark = pytest.mark.timeout(1200)
CODES = ("ashford", "brookvale", "cedarport")
REVIEW = "held_delivery_review"
ASHFORD = [row("ashford", 1), row("ashford", 2), row("ashford", 3, userRole="Janitor")]
BROOKVALE = [row("brookvale", n, classId="c1", className="Reading", classGrade="3") for n in range(1, 5)]
BROOKVALE_LATER = [
    *BROOKVALE[:2],
    row("brookvale", 3, action="DELETE_ENROLLMENT", classId="c1"),
    row("brookvale", 4, userLastName="Renamed"),
    row("brookvale", 5),
]
DRAYTON = [row("drayton", n) for n in range(1, 11)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The stack's REST API, its roster database, and the districts' folders."""

    api: Api
    owner: Engine
    country: Country
    crash_once: Path
    logs: Path

    def held(self, code: str, rows: list[dict[str, str]]) -> str:
        """Put the file down and run the district's night, which holds it: the delivery's id."""
        self.country.put(code, rows)
        assert self.night(code)[1] == "success"
        with self.owner.connect() as conn:
            d = tables.delivery.c
            newest = select(d.id).where(d.district == code, d.state == "held").order_by(d.sequence.desc())
            return conn.execute(newest.limit(1)).scalar_one()

    def answer(self, delivery: str, chosen: str) -> None:
        """Wait until the delivery's review asks, answer, and wait for its green end."""
        run = f"/dags/{REVIEW}/dagRuns/{delivery}"
        _wait_for(lambda: self._task(delivery, "review") == "awaiting_input")
        # The scheduler must have read that the task is parked before somebody answers.
        time.sleep(3)
        choice = {"chosen_options": [chosen], "params_input": {}}
        self.api.call("PATCH", f"{run}/taskInstances/review/-1/hitlDetails", choice)
        assert self.api.wait_for_run(REVIEW, delivery) == "success"

    def _task(self, delivery: str, name: str) -> str | None:
        """The state of a task of the delivery's review; None before the run is there."""
        try:
            return next(task["state"] for task in self.api.tasks(REVIEW, delivery) if task["task_id"] == name)
        except ConfigurationError:
            return None

    def state_of_delivery(self, delivery: str) -> tuple[str, str | None]:
        """Where the ledger says it stands, and who decided."""
        d = tables.delivery.c
        with self.owner.connect() as conn:
            return tuple(conn.execute(select(d.state, d.decided_by).where(d.id == delivery)).one())

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
    country.found((*CODES, "drayton"), {"cedarport": {"sftp": "cedarport", "directory": "/"}})
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
            for dag_id in (DAG, REVIEW):
                api.wait_for_dag(dag_id)
            owner = database.engine(embedded.ensure_running().url_of("postgres", "roster"))
            open_schools(owner, (*CODES, "drayton"))
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
        "pull": ["success", "success", "failed"],
        "validate": ["success", "success", "upstream_failed"],
        "upsert": ["success", "success", "upstream_failed"],
        "email": ["success", "success", "upstream_failed"],
        "all_districts_fine": ["failed"],
        "ask_about_held": ["skipped"],
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
        engine, owner = database.engine(made.url), database.engine(made.superuser_url)
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


def leaving(code: str, number: int) -> dict[str, str]:
    """The row that takes a person out of the school."""
    return {"action": "REMOVE-USER", "schoolId": "100", "userId": f"{code}-{number}"}


def _wait_for(condition: Callable[[], bool], seconds: float = 300.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.3)
