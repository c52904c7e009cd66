"""The DAGs of housekeeping: their shape, and that each chore does its work and may be done again."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, select, update

from rostersync.configuration.waves import waves
from rostersync.local import airflow_environment
from tests.support.airflow_nights import Country, open_schools, state_of

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag
    from sqlalchemy import Engine

    from rostersync.embedded_postgres.server import Server
    from tests.support.servers import RosterDatabase

CODE = "ashford"
OFTEN, DAILY = "housekeeping_often", "housekeeping"


def test_what_is_due_often_is_apart_from_what_is_due_daily(dagbag: DagBag) -> None:
    shapes = {
        name: {task.task_id: task.downstream_task_ids for task in dagbag.dags[name].tasks} for name in (OFTEN, DAILY)
    }
    assert shapes == {
        OFTEN: {"relay": set(), "dates": set()},
        DAILY: {
            "dates": {"expire", "all_chores_done"},
            "expire": {"sweep", "all_chores_done"},
            "sweep": {"watch", "all_chores_done"},
            "watch": {"all_chores_done"},
            "all_chores_done": set(),
        },
    }


def test_they_start_by_the_clock_one_at_a_time_and_never_for_the_past(dagbag: DagBag) -> None:
    starts = {name: dagbag.dags[name].timetable for name in (OFTEN, DAILY)}
    assert (starts[OFTEN].expression, str(starts[OFTEN].timezone)) == ("*/15 * * * *", "UTC")
    assert (starts[DAILY].expression, starts[DAILY].timezone) == ("0 6 * * *", waves()[0].timezone)
    for name in (OFTEN, DAILY):
        dag = dagbag.dags[name]
        assert (dag.catchup, dag.max_active_runs) == (False, 1)
        assert {task.pool for task in dag.tasks} - {"default_pool"} <= set(airflow_environment.pools())


def test_one_chores_failure_keeps_none_from_its_turn_and_makes_the_run_red(dagbag: DagBag) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    from rostersync.airflow_bridge import tasks as bridge

    rules = {task.task_id: task.trigger_rule for task in dagbag.dags[DAILY].tasks}
    assert rules.pop("all_chores_done") == "one_failed"
    assert set(rules.values()) == {"all_done"}
    with pytest.raises(AirflowFailException):
        bridge.fail_for_chores()


@pytest.fixture
def country(
    tmp_path: Path,
    postgres: Server,
    roster_database: RosterDatabase,
    superuser_engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> Country:
    """Two configured districts with a school each; one file has not been put down yet."""
    made = Country(folder=tmp_path)
    made.found([CODE, "elsewhere"])
    monkeypatch.setenv("ROSTERSYNC_INCLUDE", str(made.include))
    monkeypatch.setenv("ROSTERSYNC_DATABASE_URL", roster_database.url)
    monkeypatch.setenv("ROSTERSYNC_SWEEP_URL", postgres.url_of("roster_sweep", roster_database.name))
    monkeypatch.setenv("ROSTERSYNC_OPS_MAIL", "ops@rostersync.example")
    open_schools(superuser_engine, [CODE, "elsewhere"])
    return made


def placed(engine: Engine, **dates: Any) -> None:
    """Somebody at Ashford's school, and in each of the two districts a change of long ago."""
    from rostersync.database import tables as t

    who = {"district": CODE, "user_id": "u1", "owner": "file"}
    names = {"role": "Teacher", "first_name": "Ada", "last_name": "Quimby", "email": "a@b.example"}
    with engine.begin() as conn:
        conn.execute(insert(t.person).values(**who, **names, email_key="a@b.example"))
        conn.execute(insert(t.placement).values(**who, school_id="100", status="active", **dates))
        for code in (CODE, "elsewhere"):
            row = {"entity": "person", "key": ["x"], "action": "created", "actor": "test"}
            conn.execute(insert(t.change).values(district=code, **row))
        conn.execute(update(t.change).values(at=t.change.c.at - timedelta(days=500)))


def test_each_chore_does_what_is_due_and_nothing_twice(country: Country, superuser_engine: Engine) -> None:
    from rostersync.airflow_bridge import tasks as bridge
    from rostersync.database import tables as t

    yesterday = select(t.district.c.created_at - timedelta(days=3)).where(t.district.c.code == CODE)
    with superuser_engine.connect() as conn:
        placed(superuser_engine, end_date=conn.scalar(yesterday).date())
    assert bridge.maintenance_task("dates") == {"districts": 2, "started": 0, "ended": 1, "deactivated": 1}
    assert bridge.maintenance_task("dates") == {"districts": 0, "started": 0, "ended": 0, "deactivated": 0}
    assert bridge.maintenance_task("expire") == {"discarded": 0}
    swept = bridge.maintenance_task("sweep")
    assert {kind: number for kind, number in swept.items() if number} == {"changes": 2}
    assert not any(bridge.maintenance_task("sweep").values())
    assert bridge.maintenance_task("watch") == {"wave-missed": 1}
    assert bridge.maintenance_task("watch") == {"wave-missed": 1}
    assert state_of(superuser_engine, "_operators")["mails"] != []
    assert len(state_of(superuser_engine, "_operators")["mails"]) == 1
    messages = {"sent", "refused", "deferred", "unknown", "waiting"}
    assert set(bridge.maintenance_task("relay")) == messages | {"files_dropped", "files_deferred", "files_refused"}


def test_a_districts_trouble_keeps_no_other_from_its_turn(country: Country, superuser_engine: Engine) -> None:
    """Another writer has Ashford's lock; elsewhere is gone through, and the task fails as one to be tried again."""
    from dataclasses import replace

    from rostersync.cli.environment import open_services
    from rostersync.exceptions import DistrictBusy
    from rostersync.operations import housekeeping
    from rostersync.planning import lock_district

    with open_services() as opened, superuser_engine.begin() as conn:
        lock_district(conn, CODE)
        with pytest.raises(DistrictBusy, match="1 of 2 failed: ashford"):
            housekeeping.apply_all_date_changes(replace(opened, lock_seconds=0.1))
    with open_services() as opened:
        assert list(housekeeping.apply_all_date_changes(opened)) == [CODE]


def test_a_district_whose_file_is_wrong_or_gone_is_left_alone(country: Country, superuser_engine: Engine) -> None:
    from rostersync.airflow_bridge import tasks as bridge

    placed(superuser_engine)
    (country.include / "districts" / "elsewhere.yaml").write_text("code: elsewhere\ntimezone: Nowhere\n")
    assert bridge.maintenance_task("dates")["districts"] == 1
    assert bridge.maintenance_task("sweep")["changes"] == 1
