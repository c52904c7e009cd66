"""`make demo`: interrupted, run, and run again - as an operator would meet it, in a state folder of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rostersync.embedded_postgres import server
from rostersync.local import airflow as local_airflow
from rostersync.settings import PROJECT

pytestmark = pytest.mark.timeout(1500)
DISTRICTS = ("birchmere", "fernhollow", "stonequay")
COMMAND = [sys.executable, "-m", "rostersync.local.demo"]


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """A state folder whose servers are stopped and deleted afterwards, whatever the demonstration did."""
    folder = tmp_path / "state"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROSTERSYNC_STATE", str(folder))
        yield folder
        local_airflow.down()
        server.remove(folder / "postgres")


def environment(state: Path) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("ROSTERSYNC_", "AIRFLOW_"))}
    return clean | {"ROSTERSYNC_STATE": str(state), "COLUMNS": "80"}


def demonstrate(state: Path) -> str:
    done = subprocess.run(COMMAND, cwd=PROJECT, env=environment(state), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def outcomes(said: str) -> dict[str, list[str]]:
    """district → its words in the table."""
    table = said[said.index("What each district got") : said.index("What to do next")]
    return {words[0]: words[1:] for words in map(str.split, table.splitlines()) if words and words[0] in DISTRICTS}


def test_an_interrupted_demonstration_leaves_nothing_running_and_the_next_ones_are_right(state: Path) -> None:
    with subprocess.Popen(COMMAND, cwd=PROJECT, env=environment(state), stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        while "Starting Airflow" not in first.stdout.readline():
            assert first.poll() is None
        first.send_signal(signal.SIGINT)
        said = first.stdout.read()
    assert first.returncode == 130
    assert "Interrupted" in said
    assert local_airflow.running() is None
    assert not server.is_running()

    said = demonstrate(state)
    table = outcomes(said)
    assert table["birchmere"][0] == "applied"
    assert table["fernhollow"][:3] == ["applied", "with", "errors"]
    assert table["stonequay"][0] == "refused"
    mails = sorted((state / "outbox").glob("*.eml"))
    assert {path.name.split("_")[0] for path in mails} == set(DISTRICTS)
    assert all(str(path) in said for path in mails)

    said = demonstrate(state)
    table = outcomes(said)
    assert [table[code][0] for code in DISTRICTS] == [
        "duplicate",
        "duplicate",
        "refused",
    ]
    assert "Nobody was mailed" in said
    assert sorted((state / "outbox").glob("*.eml")) == mails
    assert local_airflow.running() is None
    assert not server.is_running()
