"""Reading the DAG files is quick and drags nothing heavy into Airflow's processes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rostersync.settings import PROJECT, include_path

# What `airflow.sdk` and its operator have loaded (SQLAlchemy and pydantic among it) was there before; the files may add
# none. The operator that starts other DAGs is not among them: it loads half of the server.
HEAVY = ("pandas", "sqlalchemy", "great_expectations", "pyarrow", "paramiko", "numpy", "pydantic", "alembic")
GENEROUS_SECONDS = 2.0
"""The goal is 0.5 s; other programs on this machine may take their share."""

MEASURE = """
import importlib.util, json, sys, time
import airflow.sdk, airflow.sdk.exceptions, airflow.providers.standard.operators.hitl
before = set(sys.modules)
begun = time.perf_counter()
for number, path in enumerate(sys.argv[1:]):
    spec = importlib.util.spec_from_file_location(f"dag_file_{number}", path)
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
seconds = time.perf_counter() - begun
print(json.dumps({"seconds": seconds, "added": sorted(set(sys.modules) - before)}))
"""


@pytest.fixture
def many_districts(tmp_path: Path) -> Path:
    """The project's include folder with 300 districts of realistic length."""
    include = tmp_path / "include"
    shutil.copytree(include_path(), include, ignore=shutil.ignore_patterns("districts"))
    (include / "districts").mkdir()
    sample = next(path for path in sorted(include_path("districts").glob("*.yaml"))).read_text()
    for number in range(300):
        code = f"district-{number:03}"
        lines = [f"code: {code}" if line.startswith("code:") else line for line in sample.splitlines()]
        (include / "districts" / f"{code}.yaml").write_text("\n".join(lines))
    return include


def parsed(files: list[Path], include: Path, home: Path) -> dict[str, Any]:
    """What a fresh process needs for these files once it has airflow.sdk."""
    environment = {**os.environ, "ROSTERSYNC_INCLUDE": str(include), "AIRFLOW_HOME": str(home)}
    command = [sys.executable, "-c", MEASURE, *map(str, files)]
    done = subprocess.run(command, env=environment, cwd=PROJECT, capture_output=True, text=True, check=True)
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


def test_dag_files_are_parsed_in_half_a_second_with_300_districts_and_import_nothing_heavy(
    many_districts: Path, tmp_path: Path
) -> None:
    files = sorted((PROJECT / "dags").glob("*.py"))
    measured = parsed(files, many_districts, tmp_path)
    print(f"parsed {len(files)} DAG files with 300 districts in {measured['seconds']:.2f} s")
    added = {name.split(".")[0] for name in measured["added"]}
    assert added.isdisjoint(HEAVY)
    assert measured["seconds"] < GENEROUS_SECONDS


def test_the_plugin_imports_nothing_heavy(tmp_path: Path) -> None:
    files = sorted((PROJECT / "plugins").glob("*.py"))
    assert files
    added = {name.split(".")[0] for name in parsed(files, include_path(), tmp_path)["added"]}
    assert added.isdisjoint(HEAVY)
