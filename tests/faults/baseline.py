"""Made once: the database as it is before tonight, its files, and what an undisturbed night comes to."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from rostersync import database
from rostersync.embedded_postgres.server import Server
from tests.faults.fault_bench import NIGHT, Bench
from tests.faults.fork_client import Parent
from tests.faults.observer import Seen, look
from tests.faults.scenario import FILE, LAST_NIGHT, TONIGHT, TONIGHTS, plant
from tests.support.district_nights import Nights, district
from tests.support.servers import TEMPLATE, Accepted, SmtpServer, create_database, drop_database

GROUND, BENCH = "fault_ground", "fault_bench"
"""The templates, and the one name of their copies: an engine keeps its compiled statements as long as the URL stays."""
FRESH, VALIDATED = "fresh", "validated"
"""Stages: tonight's file lies in the inbox; it is landed and judged."""


@dataclass(slots=True, kw_only=True)
class Ground:
    """Makes benches, one after another."""

    server: Server
    parent: Parent
    smtp: SmtpServer
    folder: Path
    engine: Engine
    owner: Engine
    statements: dict[str, int] = field(default_factory=dict)
    mailed: list[Accepted] = field(default_factory=list)
    before: Seen | None = None
    after: Seen | None = None
    undisturbed: dict[str, Any] | None = None

    @property
    def superuser(self) -> str:
        return self.server.url_of("postgres", BENCH).replace("+psycopg", "")

    @contextmanager
    def bench(self, stage: str = FRESH) -> Iterator[Bench]:
        """A fresh copy of everything as it is at a stage of tonight."""
        self._reset(f"{GROUND}_{stage}", self.folder / stage)
        yield self._bench()

    def _reset(self, template: str, files: Path) -> None:
        self.owner.dispose()
        drop_database(self.server, BENCH)
        create_database(self.server, BENCH, template=template)
        shutil.rmtree(self.folder / "bench", ignore_errors=True)
        if files.exists():
            shutil.copytree(files, self.folder / "bench")
        self.smtp.forget()
        self.smtp.accepted = list(self.mailed)

    def _bench(self) -> Bench:
        folder = self.folder / "bench"
        nights = Nights(
            engine=self.engine, owner=self.owner, folder=folder, config=district(folder / "inbox"), now=TONIGHT
        )
        nights.inbox.mkdir(parents=True, exist_ok=True)
        return Bench(
            nights=nights,
            url=self.server.url_of("roster_sync", BENCH),
            superuser=self.superuser,
            log=folder / "tasks.log",
            parent=self.parent,
            smtp=self.smtp,
            before=self.before or look(self.superuser),
            after=self.after,
            undisturbed=self.undisturbed or {},
        )

    def prepare(self) -> None:
        """Last night and tonight up to each stage as templates; then tonight without any trouble."""
        self._reset(TEMPLATE, self.folder / "nothing")
        made = self._bench()
        with self.owner.begin() as conn:
            plant(conn)
        made.nights.put(LAST_NIGHT, FILE, at=TONIGHT - timedelta(hours=20))
        made.well(self.parent.warm(made.order(run="night-1", later=-timedelta(days=1))))
        made.nights.put(TONIGHTS, FILE)
        self.mailed = list(self.smtp.accepted)
        self.before = look(self.superuser)
        self._keep(made, FRESH)
        self._walk()
        with self.bench() as undisturbed:
            undisturbed.fine()
            self.after, self.undisturbed = look(self.superuser), undisturbed.outcome()

    def _walk(self) -> None:
        """Tonight in two steps, each in the parent, so that its forks have compiled everything."""
        with self.bench() as half:
            half.well(self.parent.warm(half.order(steps=NIGHT[:2])))
            self.statements[FRESH] = half.statements
            self._keep(half, VALIDATED)
            half.well(self.parent.warm(half.order(steps=NIGHT)))
        with self.bench(VALIDATED) as rest:
            rest.well(self.parent.work(rest.order()))
            self.statements[VALIDATED] = rest.statements

    def _keep(self, made: Bench, stage: str) -> None:
        self.owner.dispose()
        drop_database(self.server, f"{GROUND}_{stage}")
        create_database(self.server, f"{GROUND}_{stage}", template=BENCH)
        made.log.unlink(missing_ok=True)
        shutil.copytree(made.nights.folder, self.folder / stage)


@contextmanager
def prepared(server: Server, parent: Parent, smtp: SmtpServer, folder: Path) -> Iterator[Ground]:
    """The ground, ready for faults."""
    engines = [database.engine(server.url_of(role, BENCH)) for role in ("roster_sync", "postgres")]
    ground = Ground(server=server, parent=parent, smtp=smtp, folder=folder, engine=engines[0], owner=engines[1])
    try:
        ground.prepare()
        yield ground
    finally:
        for engine in engines:
            engine.dispose()
        for name in (BENCH, *(f"{GROUND}_{stage}" for stage in (FRESH, VALIDATED))):
            drop_database(server, name)
