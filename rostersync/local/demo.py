"""What `make demo` runs: a night of three fictional districts through Airflow, on this machine only.

One sends a clean file, one a file with every kind of fault, one is refused for its header. Run again, nothing is new.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, Engine

from rostersync import database, ledger, sample
from rostersync.configuration.waves import waves
from rostersync.embedded_postgres import server
from rostersync.exceptions import RosterSyncError
from rostersync.ledger import Attempt
from rostersync.local import airflow as local_airflow
from rostersync.local.airflow_environment import home, prepare_roster
from rostersync.model import Outcome
from rostersync.settings import from_environment, state_path

DONE = {"pull": "file taken", "validate": "validated", "upsert": "applied or set aside", "email": "mail written"}
EARLIER = (Outcome.DUPLICATE, Outcome.WAITING)
BROKEN = 5
INTERRUPTED = 130


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one district got: its delivery's outcome, the numbers of the attempt behind it, and the new mails."""

    district: str
    delivery: str
    outcome: Outcome
    attempt: Attempt | None
    mails: tuple[Path, ...]


def main() -> int:
    """Run the night and print what came of it; an exit code of the command line's."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console(highlight=False)
    try:
        return _demonstrate(console)
    except KeyboardInterrupt:
        console.print("\nInterrupted. Everything that was started is stopped; `make demo` starts again.")
        return INTERRUPTED
    except RosterSyncError as error:
        print(error, file=sys.stderr)
        return BROKEN


def _demonstrate(console: Console) -> int:
    begun = time.time()
    with _database(console) as engine:
        night = _write_night()
        for sent in night.files:
            console.print(f"  {sent.district}: {sent.rows} rows in {sent.path}", soft_wrap=True)
        dag_id = f"staff_sync_{waves()[0].name}"
        with _airflow(console) as running:
            run_id, state = _run_night(console, running, dag_id)
        results = [result for sent in night.files for result in _results(engine, dag_id, run_id, sent.district, begun)]
    _print_table(console, results)
    _print_next(console, results)
    console.print(f"The run {'was green' if state == 'success' else 'failed'}; {time.time() - begun:.0f} s in all.")
    return 0 if state == "success" else BROKEN


@contextmanager
def _database(console: Console) -> Iterator[Engine]:
    """The roster's database, at its newest; the embedded server is stopped again if it was started here."""
    ran_before = server.is_running()
    console.print("Starting the database and writing three invented districts …")
    try:
        prepare_roster()
        engine = database.roster_engine(from_environment())
        yield engine
        engine.dispose()
    finally:
        if not ran_before and local_airflow.running() is None:
            server.stop()


def _write_night() -> sample.Night:
    """What the enrollment source and the districts send; only the source's own login may write the former."""
    source = database.source_engine(from_environment())
    try:
        return sample.write_demo(source)
    finally:
        source.dispose()


@contextmanager
def _airflow(console: Console) -> Iterator[local_airflow.Stack]:
    """The running stack, or one of our own that nothing but this demonstration starts nights in."""
    ran_before = local_airflow.running()
    if ran_before is not None:
        yield ran_before
        return
    console.print("Starting Airflow (api-server, scheduler, dag-processor) …")
    try:
        yield local_airflow.up(scheduled=False)
    finally:
        local_airflow.down()


def _run_night(console: Console, running: local_airflow.Stack, dag_id: str) -> tuple[str, str]:
    """Trigger the DAG and tell each task's end; the run's id and its last state."""
    api = running.api
    api.wait_for_dag(dag_id)
    run_id = api.trigger(dag_id)
    console.print(f"Run {run_id} of the DAG {dag_id}:", soft_wrap=True)
    told: set[tuple[str, int]] = set()
    begun = time.monotonic()
    while True:
        state = api.state(dag_id, run_id)
        for task in api.tasks(dag_id, run_id):
            _tell(console, task, told, time.monotonic() - begun)
        if state in ("success", "failed"):
            return run_id, state
        time.sleep(0.4)


def _tell(console: Console, task: dict[str, object], told: set[tuple[str, int]], seconds: float) -> None:
    name, index, state = str(task["task_id"]), int(str(task["map_index"])), task["state"]
    step = name.removeprefix("district.")
    if state not in ("success", "failed", "skipped") or step not in DONE or index < 0 or (name, index) in told:
        return
    told.add((name, index))
    if state == "skipped" and step != "pull":
        return
    word = {"success": DONE[step], "skipped": "nothing to do", "failed": f"{step} failed"}[str(state)]
    console.print(f"  {seconds:5.1f} s  {task['rendered_map_index']}: {word}")
    if state == "failed":
        folder = f"dag_id={task['dag_id']}/run_id={task['dag_run_id']}/task_id={name}/map_index={index}"
        console.print(f"           see {home() / 'logs' / folder}", soft_wrap=True)


def _results(engine: Engine, dag_id: str, run_id: str, code: str, begun: float) -> list[Result]:
    with database.transaction(engine, code) as conn:
        taken = ledger.deliveries_of_run(conn, dag_id, run_id, code)
        return [_result(conn, code, port.delivery, port.outcome or Outcome.FAILED, begun) for port in taken]


def _result(conn: Connection, code: str, delivery: str, outcome: Outcome, begun: float) -> Result:
    mails = from_environment().outbox.glob(f"*{delivery}*.eml")
    fresh = tuple(sorted(path for path in mails if path.stat().st_mtime >= begun - 1))
    attempt = ledger.latest_attempt(conn, delivery)
    return Result(district=code, delivery=delivery, outcome=outcome, attempt=attempt, mails=fresh)


def _print_table(console: Console, results: list[Result]) -> None:
    table = Table(
        title="What each district got", title_justify="left", box=SIMPLE, padding=(0, 1, 0, 0), pad_edge=False
    )
    table.add_column("District", no_wrap=True)
    table.add_column("Outcome", no_wrap=True)
    for heading in ("Rows", "Accepted", "Rejected", "New staff", "Mails"):
        table.add_column(heading, justify="right", no_wrap=True)
    for district_result in results:
        table.add_row(
            district_result.district,
            district_result.outcome.replace("_", " "),
            *_numbers(district_result),
            str(len(district_result.mails)),
        )
    console.print()
    console.print(table)


def _numbers(result: Result) -> list[str]:
    """What this run did; nothing for a file that was known already."""
    found = result.attempt
    if found is None or result.outcome in EARLIER:
        return ["-"] * 4
    numbers = (found.rows.read, found.rows.accepted, found.rows.rejected, found.counts["staff"]["created"])
    return [str(number) for number in numbers]


def _print_next(console: Console, results: list[Result]) -> None:
    mails = [path for district_result in results for path in district_result.mails]
    if mails:
        lines = ["", "The mails (a mail program or a text editor opens them; the error report is attached):"]
    else:
        lines = ["", "Nobody was mailed: these files were known, and nothing has changed since."]
    lines += [f"  {path}" for path in mails]
    for line in [*lines, "What to do next:", *_advice(results)]:
        console.print(line, soft_wrap=True, markup=False)


def _advice(results: list[Result]) -> Iterator[str]:
    for district_result in results:
        if district_result.outcome in (Outcome.APPLIED_WITH_ERRORS, Outcome.REFUSED):
            file = state_path("inbox", district_result.district, "users.csv")
            yield f"  see what is wrong:   .venv/bin/rostersync check {file}"
    for shown_result in results:
        yield f"  read the report:     .venv/bin/rostersync report {shown_result.delivery}"
    yield "  correct a file above, then:  .venv/bin/rostersync sync --district CODE"
    yield "  the same night again, nothing new and no mail:  make demo"
    yield "  look at the runs in Airflow:  make up"


if __name__ == "__main__":
    sys.exit(main())
