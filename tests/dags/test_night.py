"""A night in Airflow's own test runner: the real DAG, its mapping and skips, on a real roster database."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, text

from rostersync.database import tables
from tests.support.airflow_nights import DAG, Country, open_schools, row, state_of

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag
    from sqlalchemy import Engine

    from tests.support.servers import RosterDatabase

pytestmark = [
    pytest.mark.timeout(600),
    # Airflow and Great Expectations run in this process; their warnings are not ours to correct.
    pytest.mark.filterwarnings("default"),
]
CODES = ("ashford", "brookvale", "cedarport")
STEPS = ("pull", "validate", "upsert", "email")


@pytest.fixture
def country(
    tmp_path: Path, roster_database: RosterDatabase, superuser_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> Country:
    """Ashford sends a good file, Brookvale none, and Cedarport's connection was never made."""
    made = Country(folder=tmp_path)
    made.found(CODES, {"cedarport": {"sftp": "cedarport", "directory": "/"}})
    monkeypatch.setenv("ROSTERSYNC_INCLUDE", str(made.include))
    monkeypatch.setenv("ROSTERSYNC_DATABASE_URL", roster_database.url)
    open_schools(superuser_engine, CODES)
    made.put("ashford", [row("ashford", 1), row("ashford", 2, userRole="Janitor")])
    return made


def night(dagbag: DagBag, **conf: Any) -> tuple[str, dict[str, list[str]]]:
    """The run's state, and for each task of the group the states of its map indexes.

    The whole form is filled in: Airflow's test runner leaves what was chosen in the DAG, for the next run.
    """
    form = {"districts": [], "dry_run": False, "force": False, "reason": None, **conf}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run = dagbag.dags[DAG].test(run_conf=form)
    found = sorted((task.task_id, task.map_index, str(task.state)) for task in run.get_task_instances())
    by_step = {step: [state for name, _, state in found if name == f"district.{step}"] for step in STEPS}
    return str(run.state), by_step


def test_one_districts_trouble_makes_the_run_red_and_stops_no_other(
    dagbag: DagBag, country: Country, superuser_engine: Engine
) -> None:
    state, tasks = night(dagbag)
    assert state == "failed"
    assert tasks == {
        "pull": ["success", "skipped", "failed"],
        "validate": ["success", "skipped", "upstream_failed"],
        "upsert": ["success", "skipped", "upstream_failed"],
        "email": ["success", "skipped", "upstream_failed"],
    }
    ashford = state_of(superuser_engine, "ashford")
    assert (len(ashford["person"]), len(ashford["mails"])) == (1, 1)
    assert "'sent'" in ashford["mails"][0]


def test_a_chosen_district_runs_alone_and_the_same_file_again_skips_its_chain(
    dagbag: DagBag, country: Country, superuser_engine: Engine
) -> None:
    assert night(dagbag, districts=["ashford"]) == ("success", {step: ["success"] for step in STEPS})
    before = state_of(superuser_engine, "ashford")
    assert night(dagbag, districts=["ashford"]) == ("success", {step: ["skipped"] for step in STEPS})
    assert state_of(superuser_engine, "ashford") == before


def test_a_dry_run_writes_and_mails_nothing(dagbag: DagBag, country: Country, superuser_engine: Engine) -> None:
    state, tasks = night(dagbag, districts=["ashford"], dry_run=True)
    assert (state, tasks["upsert"]) == ("success", ["success"])
    ashford = state_of(superuser_engine, "ashford")
    assert (ashford["person"], ashford["attempts"], ashford["mails"]) == ([], [], [])


def test_force_without_a_reason_is_refused_before_any_district_is_touched(dagbag: DagBag, country: Country) -> None:
    state, tasks = night(dagbag, force=True)
    assert state == "failed"
    assert set(tasks["pull"]) <= {"upstream_failed"}


def test_a_login_that_is_too_strong_starts_nothing(
    dagbag: DagBag, country: Country, roster_database: RosterDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    for url in (roster_database.owner_url, roster_database.superuser_url):
        monkeypatch.setenv("ROSTERSYNC_DATABASE_URL", url)
        state, tasks = night(dagbag, districts=["ashford"])
        assert state == "failed"
        assert set(tasks["pull"]) <= {"upstream_failed"}


def states(dagbag: DagBag, *tasks: str) -> dict[str, str]:
    """The states of these tasks in the run that was started last."""
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session

    with create_session() as session:
        last = session.query(TaskInstance.run_id).order_by(TaskInstance.start_date.desc()).first()
        found = session.query(TaskInstance).filter(TaskInstance.run_id == last.run_id, TaskInstance.task_id.in_(tasks))
        return {instance.task_id: str(instance.state) for instance in found}


def looked_at(superuser_engine: Engine) -> list[str]:
    with superuser_engine.connect() as conn:
        return sorted(conn.scalars(select(tables.inbox_look.c.district)))


def test_the_first_look_sees_the_inboxes_it_can(dagbag: DagBag, country: Country, superuser_engine: Engine) -> None:
    """Cedarport's connection was never made: that is its pull's to say."""
    night(dagbag)
    assert states(dagbag, "first_look", "all_districts_fine") == {
        "first_look": "success",
        "all_districts_fine": "failed",
    }
    assert looked_at(superuser_engine) == ["ashford"]


def test_a_first_look_that_fails_is_no_failure_of_the_night(
    dagbag: DagBag, country: Country, superuser_engine: Engine
) -> None:
    with superuser_engine.begin() as conn:
        conn.execute(text("REVOKE INSERT ON intake.inbox_look FROM roster_sync"))
    state, tasks = night(dagbag, districts=["ashford", "brookvale"])
    assert (state, tasks["pull"], tasks["email"]) == ("success", ["success", "skipped"], ["success", "skipped"])
    assert states(dagbag, "first_look", "all_districts_fine") == {
        "first_look": "failed",
        "all_districts_fine": "success",
    }
