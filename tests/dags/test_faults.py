"""F37-F39: faults that only Airflow can have, in its own test runner."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.dags.test_night import country, night
from tests.faults.markers import fault, long
from tests.support.airflow_nights import Country, row, state_of

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag
    from sqlalchemy import Engine

    from tests.support.servers import RosterDatabase

__all__ = ["country"]
pytestmark = [long, pytest.mark.timeout(600), pytest.mark.filterwarnings("default")]


@fault("F37", "A run without a logical date: nothing is derived from one.")
def test_f37(dagbag: DagBag, country: Country, superuser_engine: Engine) -> None:
    state, tasks = night(dagbag, districts=["ashford"])
    assert (state, tasks["email"]) == ("success", ["success"])
    assert len(state_of(superuser_engine, "ashford")["person"]) == 1


@fault("F38", "More districts in a wave than Airflow maps tasks: said so before any district is touched.")
def test_f38(
    dagbag: DagBag,
    tmp_path: Path,
    roster_database: RosterDatabase,
    superuser_engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    codes = [f"district-{number:04}" for number in range(1100)]
    made = Country(folder=tmp_path)
    made.found(codes)
    monkeypatch.setenv("ROSTERSYNC_INCLUDE", str(made.include))
    monkeypatch.setenv("ROSTERSYNC_DATABASE_URL", roster_database.url)
    state, tasks = night(dagbag)
    assert state == "failed"
    assert set(tasks["pull"]) <= {"upstream_failed"}


@fault("F39", "One district always fails: the others finish night after night, and the run is red.")
def test_f39(dagbag: DagBag, country: Country, superuser_engine: Engine) -> None:
    for number in (1, 2):
        country.put("ashford", [row("ashford", each) for each in range(number)])
        state, tasks = night(dagbag)
        assert (state, tasks["pull"]) == ("failed", ["success", "skipped", "failed"])
        assert len(state_of(superuser_engine, "ashford")["person"]) == number
