"""Airflow with its servers and districts, as the tests of this folder steer it: over REST, like an operator."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from rostersync import database
from rostersync.database import tables
from rostersync.embedded_postgres import server as embedded
from rostersync.exceptions import ConfigurationError
from rostersync.local import airflow as local_airflow
from rostersync.local.airflow_api import Api
from rostersync.settings import PROJECT
from tests.support.airflow_nights import DAG, Country, open_schools
from tests.support.canaries import night as canary_night
from tests.support.servers import SftpServer, SmtpServer, running_sftp, running_smtp

CODES = ("ashford", "brookvale", "cedarport")
REVIEW = "held_delivery_review"


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The stack's REST API, its roster database, and the districts' folders."""

    api: Api
    owner: Engine
    country: Country
    crash_once: Path
    smtp: SmtpServer
    server: embedded.Server
    environment: Mapping[str, str]

    @property
    def state(self) -> Path:
        """The state folder."""
        return Path(self.environment["ROSTERSYNC_STATE"])

    @property
    def logs(self) -> Path:
        """Logs of tasks and of Airflow's processes."""
        return self.state / "airflow" / "logs"

    def command(self, *words: str) -> str:
        """What `rostersync` prints, on both streams, in this environment."""
        done = subprocess.run(
            [str(Path(sys.executable).with_name("rostersync")), *words],
            env=self.environment,
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.stdout

    def held(self, code: str, rows: list[dict[str, str]]) -> str:
        """Put the file down and run the district's night, which holds it: the delivery's id."""
        self.country.put(code, rows)
        assert self.night(code)[1] == "success"
        with self.owner.connect() as conn:
            d = tables.delivery.c
            newest = select(d.id).where(d.district == code, d.state == "held").order_by(d.sequence.desc())
            return conn.execute(newest.limit(1)).scalar_one()

    def answer(self, delivery: str, chosen: str) -> None:
        """Wait until the delivery's review asks, answer, and wait for its green end."""
        run = f"/dags/{REVIEW}/dagRuns/{delivery}"
        self.wait_for_question(delivery)
        # The scheduler must have read that the task is parked before somebody answers.
        time.sleep(3)
        choice = {"chosen_options": [chosen], "params_input": {}}
        self.api.call("PATCH", f"{run}/taskInstances/review/-1/hitlDetails", choice)
        assert self.api.wait_for_run(REVIEW, delivery) == "success"

    def wait_for_question(self, delivery: str) -> None:
        """Until the delivery's review waits for a person."""
        wait_for(lambda: self._task(delivery, "review") == "awaiting_input")

    def _task(self, delivery: str, name: str) -> str | None:
        """The state of a task of the delivery's review; None before the run is there."""
        try:
            return next(task["state"] for task in self.api.tasks(REVIEW, delivery) if task["task_id"] == name)
        except ConfigurationError:
            return None

    def state_of_delivery(self, delivery: str) -> tuple[str, str | None]:
        """Where the ledger says it stands, and who decided."""
        d = tables.delivery.c
        with self.owner.connect() as conn:
            return tuple(conn.execute(select(d.state, d.decided_by).where(d.id == delivery)).one())

    def night(self, *codes: str) -> tuple[str, str]:
        """Trigger a run for these districts (none: all) and wait; its id and state."""
        run_id = self.api.trigger(DAG, {"districts": list(codes)})
        return run_id, self.api.wait_for_run(DAG, run_id)

    def states(self, run_id: str) -> dict[str, list[str]]:
        """The last word of each task id → states in the order of the map indexes."""
        found: dict[str, list[str]] = {}
        for task in sorted(self.api.tasks(DAG, run_id), key=lambda task: task["map_index"]):
            found.setdefault(task["task_id"].rpartition(".")[2], []).append(task["state"])
        return found

    def task_logs(self, run_id: str) -> dict[str, str]:
        """task id → the text of all its logs of this run."""
        found: dict[str, str] = {}
        base = self.logs / f"dag_id={DAG}" / f"run_id={run_id}"
        for path in sorted(base.rglob("*.log")):
            task = path.relative_to(base).parts[0].removeprefix("task_id=")
            found[task] = found.get(task, "") + path.read_text()
        return found


@contextmanager
def running_stack(folder: Path) -> Iterator[Running]:
    """Everything below `folder`. Ashford, Brookvale and Drayton have inboxes, and so have those of the canary night.

    Cedarport's real SFTP server shows another host key than the pinned one; all mail goes to a real SMTP server.
    """
    country, marker = Country(folder=folder), folder / "crashed"
    codes = (*CODES, "drayton", *canary_night.CODES)
    sources = {"cedarport": {"sftp": "cedarport", "directory": "/"}, **canary_night.SOURCES}
    country.found(codes, sources, canary_night.FIELDS)
    marker.touch()  # no crash until a test takes it away
    (folder / "tmp").mkdir()
    with (
        pytest.MonkeyPatch.context() as patch,
        running_sftp(country.inbox("cedarport")) as cedarport,
        canary_night.quoting_sftp(country.inbox("ibis")) as ibis,
        running_smtp() as smtp,
    ):
        for name in [name for name in os.environ if name.startswith(("ROSTERSYNC_", "AIRFLOW_"))]:
            patch.delenv(name)
        patch.setenv("TMPDIR", str(folder / "tmp"))
        patch.setenv("ROSTERSYNC_STATE", str(folder / "state"))
        patch.setenv("ROSTERSYNC_INCLUDE", str(country.include))
        patch.setenv("ROSTERSYNC_SMTP_URL", smtp.url)
        patch.setenv("ROSTERSYNC_CRASH", "upsert.before_commit")
        patch.setenv("ROSTERSYNC_CRASH_ONCE", str(marker))
        patch.setenv("ROSTERSYNC_SFTP_CEDARPORT", _url(cedarport, _another_key()))
        patch.setenv("ROSTERSYNC_SFTP_IBIS", _url(ibis, ibis.host_key))
        try:
            api = local_airflow.up(scheduled=False).api
            for dag_id in (DAG, REVIEW):
                api.wait_for_dag(dag_id)
            server = embedded.ensure_running()
            owner = database.engine(server.url_of("postgres", "roster"))
            open_schools(owner, codes)
            yield Running(
                api=api,
                owner=owner,
                country=country,
                crash_once=marker,
                smtp=smtp,
                server=server,
                environment=dict(os.environ),
            )
            owner.dispose()
        finally:
            local_airflow.down()
            embedded.remove(folder / "state" / "postgres")


def _url(server: SftpServer, host_key: str) -> str:
    """How to log in there, for the environment."""
    key = host_key.replace(" ", "%20")
    return f"sftp://{server.user}:{server.password}@127.0.0.1:{server.port}?host_key={key}"


def _another_key() -> str:
    import asyncssh

    public: str = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    return " ".join(public.split()[:2])


def wait_for(condition: Callable[[], bool], seconds: float = 300.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.3)
