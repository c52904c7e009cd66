"""Our night, by the same functions as the DAG's tasks, with the time each stage takes for itself."""

from __future__ import annotations

import shutil
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks.ground import NIGHTS, WARM, Ground
from rostersync import applying, database, mailing, pipeline, planning, reading, reporting
from rostersync.configuration.districts import District
from rostersync.screening import normalize
from rostersync.transports import landing_store, open_transport

STAGES = ("pull", "read", "screen", "read again", "stage", "plan", "apply", "report", "ledger", "mail")
"""`read again` is what a task of its own costs: upsert rebuilds the rows from the bytes and the stored findings."""


class Stopwatch:
    """Own seconds of each stage: what an inner stage takes is not the outer one's."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._inner: list[float] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the body under this name."""
        self._inner.append(0.0)
        start = time.perf_counter()
        try:
            yield
        finally:
            took = time.perf_counter() - start
            self.seconds[name] += took - self._inner.pop()
            if self._inner:
                self._inner[-1] += took

    @contextmanager
    def watching(self, module: ModuleType, function: str, name: str) -> Iterator[None]:
        """Time every call of a module's function under this name."""
        original: Callable[..., Any] = getattr(module, function)

        def timed(*args: Any, **kwargs: Any) -> Any:
            with self.stage(name):
                return original(*args, **kwargs)

        setattr(module, function, timed)
        try:
            yield
        finally:
            setattr(module, function, original)


class OurNights:
    """Nights of one database, one after another, in this process or in forks of it."""

    def __init__(self, ground: Ground) -> None:
        from rostersync import screening

        screening.preload()
        self.ground = ground
        self.engine = database.engine(ground.url)
        self.landing = landing_store.LandingStore(str(ground.folder / "landing"))

    def warm_up(self) -> None:
        """Two small nights of another district: imports, first connection, compiled statements."""
        for night in NIGHTS:
            self.night(WARM, self.ground.warming(night))

    def close(self) -> None:
        """Let the connections go: a fork opens its own."""
        self.engine.dispose()

    def night(self, code: str, file: Path) -> dict[str, float]:
        """Seconds of each stage of this file's night."""
        inbox = self.ground.folder / "inbox"
        inbox.mkdir(exist_ok=True)
        shutil.copyfile(file, inbox / "users.csv")
        return self._timed(code, self._edges(code, inbox))

    def _edges(self, code: str, inbox: Path) -> pipeline.Services:
        own = {"code": code, "source": {"file": str(inbox)}, "email_domains": [f"{code}.example.org"]}
        district = District.model_validate(_CONFIGURATION | own)
        return pipeline.Services(
            engine=self.engine,
            landing=self.landing,
            open_transport=lambda each: open_transport(each.source),
            sender=mailing.EmlFolder(self.ground.folder / "outbox"),
            settle_seconds=0.0,
            district=lambda _: district,
        )

    def _timed(self, code: str, services: pipeline.Services) -> dict[str, float]:
        watch = Stopwatch()
        run = pipeline.Run(dag_id="bench", run_id=f"bench-{time.time_ns()}", actor="bench")
        with watch.stage("pull"):
            (delivery,) = pipeline.pull(services, run, code).deliveries
        with _watched(watch, "read"), watch.stage("ledger"):
            pipeline.validate(services, run, code, delivery)
        with _watched(watch, "read again"), watch.stage("ledger"):
            summary = pipeline.upsert(services, run, code, delivery)
        with watch.stage("mail"):
            pipeline.email(services, run, code, delivery)
        if summary["outcome"] != "applied_with_errors":
            raise SystemExit(f"The night of {code} ended as {summary['outcome']}: there is nothing to compare.")
        return {stage: watch.seconds[stage] for stage in STAGES}


@contextmanager
def _watched(watch: Stopwatch, read_as: str) -> Iterator[None]:
    from rostersync import screening

    with (
        watch.watching(reading, "read", read_as),
        watch.watching(normalize, "rows_for_staging", read_as),
        watch.watching(screening, "screen", "screen"),
        watch.watching(planning, "open_workspace", "stage"),
        watch.watching(planning, "plan", "plan"),
        watch.watching(applying, "apply", "apply"),
        watch.watching(reporting, "count_reports", "report"),
    ):
        yield


_CONFIGURATION = {
    "name": "Bench",
    "state": "CA",
    "timezone": "America/Los_Angeles",
    "wave": "nightly",
    "contacts": [{"address": "office@bench.example", "name": "Office"}],
    "mail_domains": ["bench.example"],
    # Nobody is there to approve a first delivery of a million rows.
    "holds": {"first_delivery": 10_000_000},
}
