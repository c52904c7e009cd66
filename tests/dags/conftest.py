"""Airflow on the session's PostgreSQL, set up before anything imports it: it reads its environment only once."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rostersync.settings import PROJECT

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag

    from rostersync.embedded import Server


# Airflow reads these when it is first imported, which test modules do while they are collected.
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="rostersync-airflow-")
_OPTIONS = {
    "CORE__LOAD_EXAMPLES": "False",
    "CORE__DAGS_FOLDER": str(PROJECT / "dags"),
    "CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
    "CORE__UNIT_TEST_MODE": "False",
    "LOGGING__LOGGING_LEVEL": "WARNING",
    "USAGE_DATA_COLLECTION__ENABLED": "False",
}
os.environ.update({f"AIRFLOW__{name}": value for name, value in _OPTIONS.items()})


@pytest.fixture(scope="session")
def airflow_home(postgres: Server) -> Path:
    """An Airflow of this test session: its database and the pools are there, its processes are not."""
    os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = postgres.airflow_url
    os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC"] = postgres.airflow_url
    with warnings.catch_warnings():
        # What Airflow's own modules warn of while they are imported is not ours to correct.
        warnings.simplefilter("ignore")
        from airflow.utils.db import initdb

        initdb()
    return Path(os.environ["AIRFLOW_HOME"])


@pytest.fixture(scope="session")
def dagbag(airflow_home: Path) -> Iterator[DagBag]:
    """The project's DAG files, as Airflow reads them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from airflow.dag_processing.dagbag import DagBag

        yield DagBag(str(PROJECT / "dags"))
