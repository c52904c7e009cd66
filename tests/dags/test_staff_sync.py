"""The shape and the rules of the nightly DAGs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from rostersync import exceptions
from rostersync.configuration.waves import codes_of_wave, waves
from rostersync.local import airflow_environment

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag

CHAIN = ["district.pull", "district.validate", "district.upsert", "district.email"]


@pytest.fixture
def patience() -> Mapping[str, Any]:
    """How long a task is tried; Airflow must not be imported before its environment is set."""
    from rostersync.airflow_bridge.tasks import TASK_DEFAULTS

    return TASK_DEFAULTS


def test_all_dag_files_can_be_imported(dagbag: DagBag) -> None:
    assert dagbag.import_errors == {}


def test_there_is_one_dag_per_wave(dagbag: DagBag) -> None:
    nightly = {dag_id for dag_id in dagbag.dags if dag_id.startswith("staff_sync_")}
    assert nightly == {f"staff_sync_{wave.name}" for wave in waves()}


@pytest.mark.parametrize("wave", waves(), ids=lambda wave: wave.name)
class TestWave:
    """Each wave's DAG."""

    def test_goes_from_districts_through_each_chain_to_the_watcher(self, dagbag: DagBag, wave) -> None:
        dag = dagbag.dags[f"staff_sync_{wave.name}"]
        following = {task.task_id: task.downstream_task_ids for task in dag.tasks}
        assert following == {
            # The list of codes goes to every task; the order inside a district is the chain's.
            "districts": {*CHAIN, "all_districts_fine"},
            # No district waits for it, and its failure is no failure of the night: it is not among the last tasks.
            "first_look": {"all_districts_fine"},
            # The deliveries go from pull to each step, and each step waits for the one before it.
            "district.pull": {"district.validate", "district.upsert", "district.email"},
            "district.validate": {"district.upsert"},
            "district.upsert": {"district.email"},
            "district.email": {"all_districts_fine", "ask_about_held"},
            "all_districts_fine": set(),
            "ask_about_held": set(),
        }

    def test_starts_at_the_waves_time_once_at_a_time_and_never_for_the_past(self, dagbag: DagBag, wave) -> None:
        dag = dagbag.dags[f"staff_sync_{wave.name}"]
        assert (dag.timetable.expression, dag.timetable.timezone) == (wave.cron, wave.timezone)
        assert (dag.catchup, dag.max_active_runs) == (False, 1)

    def test_uses_only_pools_that_set_up_makes(self, dagbag: DagBag, wave) -> None:
        dag = dagbag.dags[f"staff_sync_{wave.name}"]
        used = {task.task_id: task.pool for task in dag.tasks}
        assert used == {
            "districts": "roster_db",
            "first_look": "sftp",
            "district.pull": "sftp",
            "district.validate": "roster_db",
            "district.upsert": "roster_db",
            "district.email": "smtp",
            "all_districts_fine": "default_pool",
            "ask_about_held": "roster_db",
        }
        assert set(used.values()) - {"default_pool"} == set(airflow_environment.pools())

    def test_labels_each_task_of_a_district_with_its_code(self, dagbag: DagBag, wave) -> None:
        dag = dagbag.dags[f"staff_sync_{wave.name}"]
        labels = {dag.get_task(name).map_index_template for name in CHAIN}
        assert labels == {"{{ task.op_kwargs['code'] }}"}

    def test_tries_for_an_hour_and_fails_at_once_when_a_person_must_act(self, dagbag: DagBag, patience, wave) -> None:
        dag = dagbag.dags[f"staff_sync_{wave.name}"]
        for name in CHAIN:
            task = dag.get_task(name)
            delays = [min(task.retry_delay * 2**n, task.max_retry_delay) for n in range(task.retries)]
            assert sum(delays, timedelta()) == timedelta(hours=1)
            assert task.retry_policy is patience["retry_policy"]
            assert task.execution_timeout == timedelta(hours=2)

    def test_runs_the_watcher_whatever_happened(self, dagbag: DagBag, wave) -> None:
        dag = dagbag.dags[f"staff_sync_{wave.name}"]
        for name in ("all_districts_fine", "ask_about_held"):
            assert dag.get_task(name).trigger_rule == "all_done"

    def test_offers_its_districts_in_the_form(self, dagbag: DagBag, wave) -> None:
        form = dagbag.dags[f"staff_sync_{wave.name}"].params
        assert set(form) == {"districts", "dry_run", "force", "reason"}
        assert form.get_param("districts").schema["examples"] == codes_of_wave(wave.name)
        assert form.dump() == {"districts": [], "dry_run": False, "force": False, "reason": None}


@pytest.mark.parametrize(
    ("error", "action"),
    [
        (exceptions.SourceUnreachable("x"), "retry"),
        (exceptions.DatabaseUnavailable("x"), "retry"),
        (exceptions.HostKeyChanged("x"), "fail"),
        (exceptions.SourceRefused("x"), "fail"),
        (exceptions.LostClaim("x"), "retry"),
        (ValueError("x"), "default"),
    ],
    ids=lambda value: getattr(value, "code", str(value)),
)
def test_our_errors_decide_about_retries(patience: Mapping[str, Any], error: Exception, action: str) -> None:
    decision = patience["retry_policy"].evaluate(error, try_number=1, max_tries=7)
    assert decision.action.value == action


def test_failed_districts_are_named_with_the_task_that_failed() -> None:
    from rostersync.airflow_bridge.tasks import failed_districts

    states = {
        "districts": "success",
        "district.pull_0": "success",
        "district.validate_0": "failed",
        "district.upsert_0": "upstream_failed",
        "district.pull_1": "skipped",
        "district.pull_10": "failed",
    }
    codes = [f"d{n:02}" for n in range(11)]
    assert failed_districts(codes, states) == ["d00 (validate)", "d10 (pull)"]
