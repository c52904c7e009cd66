"""Background programs end with everything they have started, and nobody else's program is touched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rostersync.local import processes

DEAF = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], process_group=0)
print("ready", flush=True)
time.sleep(300)
"""


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def begin(folder: Path, *command: str) -> Path:
    pid_file = folder / "program.pid"
    processes.start(pid_file, command, dict(os.environ), log=folder / "log")
    return pid_file


def leader(pid_file: Path) -> int:
    return int(json.loads(pid_file.read_text())["pid"])


def members(session: int) -> list[int]:
    return processes._members([session])


def test_a_program_runs_in_a_session_of_its_own_until_it_is_stopped(tmp_path: Path) -> None:
    pid_file = begin(tmp_path, "sleep", "300")
    assert processes.is_alive(pid_file)
    assert os.getsid(leader(pid_file)) == leader(pid_file)
    assert processes.stop_process(pid_file)
    assert not pid_file.exists()
    assert not processes.stop_process(pid_file)


def test_children_in_their_own_groups_end_with_a_program_that_does_not_listen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "GRACE_SECONDS", 0.3)
    monkeypatch.setattr(processes, "FORCE_SECONDS", 1.0)
    pid_file = begin(tmp_path, sys.executable, "-c", DEAF)
    session = leader(pid_file)
    wait_for(lambda: "ready" in (tmp_path / "log").read_text())
    assert len(members(session)) == 2
    processes.stop_process(pid_file)
    assert members(session) == []


def test_children_of_a_program_that_was_killed_end_too(tmp_path: Path) -> None:
    pid_file = begin(tmp_path, "sh", "-c", "sleep 300 & echo ready; wait")
    session = leader(pid_file)
    wait_for(lambda: "ready" in (tmp_path / "log").read_text())
    os.kill(session, 9)
    wait_for(lambda: not processes.is_alive(pid_file))
    assert len(members(session)) == 1
    assert processes.stop_process(pid_file)
    assert members(session) == []


def test_a_stale_pid_file_ends_nobody_elses_program(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "300"], start_new_session=True) as stranger:
        pid_file = tmp_path / "program.pid"
        pid_file.write_text(json.dumps({"pid": stranger.pid, "started": "long ago"}))
        assert not processes.is_alive(pid_file)
        assert not processes.stop_process(pid_file)
        assert stranger.poll() is None
        stranger.kill()


@pytest.mark.parametrize("content", ["", "{}", "not json", '{"pid": "x", "started": "1"}', "[]"])
def test_an_unreadable_pid_file_counts_as_nothing_running(tmp_path: Path, content: str) -> None:
    pid_file = tmp_path / "program.pid"
    pid_file.write_text(content)
    assert not processes.is_alive(pid_file)
    assert not processes.stop_process(pid_file)
