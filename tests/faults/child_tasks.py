"""What a forked child does: the tasks of a night, an approval, a relay; and where in it the fault strikes."""

from __future__ import annotations

import importlib
import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypedDict

from sqlalchemy import Engine, event

from rostersync import database, pipeline
from rostersync.configuration import dictionary
from rostersync.database import engines
from rostersync.exceptions import RosterSyncError
from rostersync.mailing import EmlFolder, SmtpSender
from rostersync.operations import reviewing, undoing
from rostersync.operations.monitoring import watch
from rostersync.transports import SftpCredentials, open_transport, sftp, sftp_login
from rostersync.transports.landing_store import LandingStore
from tests.faults.scenario import HERE
from tests.support.district_nights import DAG, district


class Order(TypedDict):
    """A piece of work. `steps` are tasks of the night, or `relay`, `watch`, `check`, `approve`, `undo`.

    `session` and `patience` replace time-outs: PostgreSQL's, and those of SFTP in seconds.
    `file_bytes`: no file may become larger, as on a disk that is full. `memory`: so many bytes more than now at most.
    `patched`: module attributes of another version. `force`: with a reason.
    """

    database: str
    folder: str
    log: str
    run: str
    now: str
    steps: list[str]
    delivery: str | None
    config: dict[str, Any]
    smtp: str | None
    sftp: dict[str, Any] | None
    session: dict[str, str]
    lock_seconds: float
    environment: dict[str, str]
    patience: float | None
    settle: float
    file_bytes: int | None
    memory: int | None
    force: bool
    patched: dict[str, Any]
    statement: int | None
    before: bool
    signal: str
    repeat: int
    child: bool


_engines: dict[str, Engine] = {}


def _engine(order: Order) -> Engine:
    """One engine for each URL, made by the parent when it warms up: forks share the statements it compiled."""
    engines.SESSION.update(order["session"])
    if order["session"]:
        return database.engine(order["database"])
    if order["database"] not in _engines:
        _engines[order["database"]] = database.engine(order["database"])
    found = _engines[order["database"]]
    found.dispose(close=not order["child"])
    return found


def _edges(order: Order) -> pipeline.Services:
    folder, now = Path(order["folder"]), datetime.fromisoformat(order["now"])
    config = district(folder / "inbox", **order["config"])
    return pipeline.Services(
        engine=_engine(order),
        landing=LandingStore(str(folder / "landing")),
        open_transport=lambda found: open_transport(found.source, lambda _: SftpCredentials(**order["sftp"] or {})),
        sender=SmtpSender(order["smtp"]) if order["smtp"] else EmlFolder(folder / "outbox"),
        clock=lambda: now,
        settle_seconds=order["settle"],
        lock_seconds=order["lock_seconds"],
        sleep=lambda _: None,
        district=lambda _: config,
    )


def work(order: Order) -> list[Any]:
    """Do it; ids, counts and outcomes. Raises what the tasks raise."""
    _limit(order)
    services = _edges(order)
    told: list[Any] = []
    with _struck(services.engine, order):
        for number in range(order["repeat"]):
            told += _night(services, order, order["run"]) if order["repeat"] == 1 else _round(services, order, number)
    services.engine.dispose()
    return told


def _limit(order: Order) -> None:
    """The environment of this child, and what it must make do with."""
    os.environ.update(order["environment"])
    if order["patience"] is not None:
        sftp_login.CONNECT_SECONDS = sftp.SILENCE_SECONDS = order["patience"]
    for name, value in order["patched"].items():
        module, _, attribute = name.rpartition(".")
        setattr(importlib.import_module(module), attribute, value)
    if "ROSTERSYNC_INCLUDE" in order["environment"]:
        dictionary.load_dictionary.cache_clear()
    if order["file_bytes"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["file_bytes"], order["file_bytes"]))
    if order["memory"] is not None:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + order["memory"]
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _round(services: pipeline.Services, order: Order, number: int) -> list[Any]:
    """One of many nights: what failed is told, and the next one begins."""
    try:
        return [each["outcome"] for each in _night(services, order, f"{order['run']}-{number}") if "outcome" in each]
    except RosterSyncError as error:
        return [f"error: {error.code}"]


def _night(services: pipeline.Services, order: Order, name: str) -> list[Any]:
    """The tasks in order: as a worker does them, they know nothing but ids and the ledger."""
    run = pipeline.Run(dag_id=DAG, run_id=name, actor="test", force=order["force"], reason="a fault")
    code, told = order["config"].get("code", HERE), list[Any]()
    deliveries: tuple[str, ...] = (order["delivery"],) if order["delivery"] else ()
    for step in order["steps"]:
        if step == "pull":
            pulled = pipeline.pull(services, run, code)
            deliveries = pulled.deliveries
            told.append({"step": step, "outcome": pulled.outcome, "deliveries": list(deliveries)})
        elif step == "check":
            database.check_revision(services.engine)
            database.check_role(services.engine)
        elif step == "watch":
            told += [{"step": step, "alert": each.code, "district": each.district} for each in watch(services)]
        elif step == "relay":
            told.append({"step": step, **pipeline.send_due(services)})
        else:
            told += [{"step": step, **_task(services, run, code, step, delivery)} for delivery in deliveries]
    return told


def _task(services: pipeline.Services, run: pipeline.Run, code: str, step: str, delivery: str) -> dict[str, Any]:
    if step == "approve":
        return reviewing.approve(services, delivery, actor="olga").summary()
    if step == "undo":
        return {"undone": undoing.undo(services, delivery, actor="olga", reason="wrong file").done}
    tasks = {"validate": pipeline.validate, "upsert": pipeline.upsert, "email": pipeline.email}
    return dict(tasks[step](services, run, code, delivery))


@contextmanager
def _struck(engine: Engine, order: Order) -> Iterator[None]:
    """The chosen signal before or after the database sees statement number `statement`."""
    seen = 0

    def count(*_: Any) -> None:
        nonlocal seen
        seen += 1
        if seen == order["statement"]:
            os.kill(os.getpid(), signal.Signals[f"SIG{order['signal']}"])

    moment = "before_cursor_execute" if order["before"] else "after_cursor_execute"
    event.listen(engine, moment, count)
    try:
        yield
    finally:
        event.remove(engine, moment, count)
    if order["statement"] is None:
        (Path(order["folder"]) / "statements").write_text(str(seen))
