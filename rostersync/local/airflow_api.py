"""The few calls to Airflow's REST API that the demonstration, health checks and tests need. Standard library only.

`python -m rostersync.local.airflow_api ADDRESS COMPONENT` ends with 0 when that component is healthy: for containers.
"""

from __future__ import annotations

import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rostersync.exceptions import ConfigurationError

TIMEOUT = 30.0
HEALTHY = ("metadatabase", "scheduler", "dag_processor")
ENDED = ("success", "failed")


@dataclass(slots=True)
class Api:
    """One server, one login; the token is fetched at the first call and kept."""

    address: str
    login: str
    password: str = field(repr=False)
    _token: str | None = field(default=None, init=False, repr=False)

    def healthy(self) -> bool:
        """Whether the database, the scheduler and the dag-processor answer."""
        return health(self.address, *HEALTHY)

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The JSON answer of `/api/v2` + path. Raises ConfigurationError with the server's own words."""
        try:
            return _send(method, f"{self.address}/api/v2{path}", self._headers(), body)
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")[:500]
            raise ConfigurationError(f"Airflow answered {error.code} to {method} {path}: {said}") from None
        except OSError as error:
            raise ConfigurationError(f"Airflow does not answer at {self.address}: {error}.") from error

    def lets_us_in(self) -> bool:
        """Whether this is the api-server that knows our login; another one may answer at the same address."""
        try:
            self._headers()
        except (OSError, ValueError):
            return False
        return True

    def ensure_pools(self, pools: Mapping[str, Mapping[str, Any]]) -> None:
        """Make the pools that are missing; those that are there keep their slots, which an operator may have chosen."""
        there = {pool["name"] for pool in self.call("GET", "/pools?limit=1000")["pools"]}
        for name, facts in pools.items():
            if name not in there:
                self.call("POST", "/pools", {"name": name, **facts})

    def wait_for_dag(self, dag_id: str, *, seconds: float = 60.0) -> None:
        """Until the dag-processor has found the DAG. Raises ConfigurationError with its import errors."""
        deadline = time.monotonic() + seconds
        while dag_id not in {dag["dag_id"] for dag in self.call("GET", "/dags?limit=1000")["dags"]}:
            if time.monotonic() > deadline:
                wrong = self.call("GET", "/importErrors")["import_errors"]
                raise ConfigurationError(f"Airflow has no DAG {dag_id}: {wrong}")
            time.sleep(0.25)

    def trigger(self, dag_id: str, conf: Mapping[str, Any] | None = None) -> str:
        """Start a run by hand; its id."""
        made = self.call("POST", f"/dags/{dag_id}/dagRuns", {"logical_date": None, "conf": dict(conf or {})})
        run_id: str = made["dag_run_id"]
        return run_id

    def state(self, dag_id: str, run_id: str) -> str:
        """The run's state."""
        state: str = self.call("GET", f"/dags/{dag_id}/dagRuns/{_quoted(run_id)}")["state"]
        return state

    def wait_for_run(self, dag_id: str, run_id: str, *, seconds: float = 600.0) -> str:
        """The state the run ends in. Raises ConfigurationError when it does not end in time."""
        deadline = time.monotonic() + seconds
        while (state := self.state(dag_id, run_id)) not in ENDED:
            if time.monotonic() > deadline:
                raise ConfigurationError(f"Run {run_id} of {dag_id} is still {state} after {seconds:.0f} s.")
            time.sleep(0.3)
        return state

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """The run's task instances."""
        answer = self.call("GET", f"/dags/{dag_id}/dagRuns/{_quoted(run_id)}/taskInstances?limit=1000")
        found: list[dict[str, Any]] = answer["task_instances"]
        return found

    def clear(self, dag_id: str, run_id: str, tasks: Sequence[str | tuple[str, int]]) -> None:
        """Run these tasks (or single map indexes of them) of a run again, with all that follows them."""
        body = {
            "dry_run": False,
            "dag_run_id": run_id,
            "task_ids": [task if isinstance(task, str) else list(task) for task in tasks],
            "include_downstream": True,
            "only_failed": False,
            "reset_dag_runs": True,
        }
        self.call("POST", f"/dags/{dag_id}/clearTaskInstances", body)

    def _headers(self) -> dict[str, str]:
        if self._token is None:
            body = {"username": self.login, "password": self.password}
            self._token = _send("POST", f"{self.address}/auth/token", {}, body)["access_token"]
        return {"Authorization": f"Bearer {self._token}"}


def health(address: str, *components: str) -> bool:
    """Whether all these components are healthy, as the api-server sees them."""
    try:
        told = _send("GET", f"{address}/api/v2/monitor/health", {}, None)
    except (OSError, ValueError):
        return False
    return all((told.get(name) or {}).get("status") == "healthy" for name in components)


def _send(method: str, url: str, headers: Mapping[str, str], body: Mapping[str, Any] | None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(  # noqa: S310 - the address is our own, http on loopback
        url, data=data, method=method, headers={**headers, "Content-Type": "application/json"}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=TIMEOUT) as answer:
        content = answer.read()
    return json.loads(content) if content else None


def _quoted(run_id: str) -> str:
    return urllib.parse.quote(run_id, safe="")


if __name__ == "__main__":
    sys.exit(not health(*sys.argv[1:]))
