"""Starting Airflow where another one answers at the port that was free a moment ago."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from rostersync.exceptions import ConfigurationError
from rostersync.local import airflow, airflow_api, processes

HEALTH = {name: {"status": "healthy"} for name in airflow_api.HEALTHY}


class AnotherAirflow(BaseHTTPRequestHandler):
    """Healthy, and without a login of ours."""

    def do_GET(self) -> None:
        self._answer(200, HEALTH)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(401, {"detail": "Invalid credentials"})

    def _answer(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def taken() -> Iterator[int]:
    with ThreadingHTTPServer((airflow.HOST, 0), AnotherAirflow) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ROSTERSYNC_STATE", str(tmp_path))
    (airflow.home() / "logs").mkdir(parents=True)
    return tmp_path


def stack(port: int) -> airflow.Stack:
    return airflow.Stack(port=port, login="admin", password="ours")


def begin(name: str, program: str) -> None:
    command = [sys.executable, "-c", program]
    processes.start(airflow._pid_file(name), command, dict(os.environ), log=airflow._log_file(name))


def test_another_airflow_at_the_port_is_not_taken_for_ours(taken: int) -> None:
    begin("api-server", "raise SystemExit(1)")
    with pytest.raises(airflow._PortTaken):
        airflow._wait(stack(taken))


def test_a_process_that_ends_at_a_port_of_its_own_is_told_as_such() -> None:
    begin("api-server", "raise SystemExit(1)")
    with pytest.raises(ConfigurationError) as told:
        airflow._wait(stack(airflow._free_port(0)))
    assert not isinstance(told.value, airflow._PortTaken)


def test_a_port_that_is_taken_meanwhile_is_replaced(monkeypatch: pytest.MonkeyPatch, taken: int) -> None:
    """The second start is at a free port."""
    ports = []

    def up_at(port: int, *_: object) -> airflow.Stack:
        ports.append(port)
        if port == taken:
            raise airflow._PortTaken("taken")
        return stack(port)

    free = [taken, 40_000]
    monkeypatch.setattr(airflow, "_free_port", lambda _: free.pop(0))
    monkeypatch.setattr(airflow, "_up_at", up_at)
    monkeypatch.setattr(airflow.embedded, "ensure_running", lambda: None)
    monkeypatch.setattr(airflow, "prepare_roster", lambda: None)
    monkeypatch.setattr(airflow_api.Api, "ensure_pools", lambda *_: None)
    assert airflow._up_from_nothing(8080, scheduled=False).port == 40_000
    assert ports == [taken, 40_000]
