"""Airflow on the session's PostgreSQL. It keeps what it reads at its first import, so no test module imports it."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import pytest

from rostersync.settings import PROJECT

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag

    from rostersync.embedded_postgres.server import Server


@pytest.fixture(scope="session")
def airflow_options(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of this session's Airflow, which has a database but no processes of its own."""
    options = {
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
        "CORE__UNIT_TEST_MODE": "False",
        "DATABASE__SQL_ALCHEMY_CONN": postgres.airflow_url,
        "DATABASE__SQL_ALCHEMY_CONN_ASYNC": postgres.airflow_url,
        "LOGGING__LOGGING_LEVEL": "WARNING",
        "USAGE_DATA_COLLECTION__ENABLED": "False",
    }
    home = tmp_path_factory.mktemp("airflow")
    return {"AIRFLOW_HOME": str(home)} | {f"AIRFLOW__{name}": value for name, value in options.items()}


@pytest.fixture(autouse=True)
def airflow_environment(airflow_options: dict[str, str], dagbag: DagBag, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given to the tests of this folder only: for the others there is no Airflow."""
    for name, value in airflow_options.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def dagbag(airflow_options: dict[str, str]) -> DagBag:
    """The project's DAG files, as Airflow reads them; its database is made."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        for name, value in airflow_options.items():
            patch.setenv(name, value)
        # What Airflow's own modules warn of while they are imported is not ours to correct.
        warnings.simplefilter("ignore")
        from airflow.dag_processing.dagbag import DagBag
        from airflow.utils.db import initdb

        initdb()
        return DagBag(str(PROJECT / "dags"))
