"""Nights of one district for tests: an inbox folder, a seeded roster, a clock one can set, and what came of it."""

from __future__ import annotations

import csv
import io
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert, select, text

from rostersync import pipeline
from rostersync.configuration import dictionary
from rostersync.configuration.districts import District
from rostersync.database import tables
from rostersync.mailing import EmlFolder, Sender
from rostersync.transports import Transport, open_transport
from rostersync.transports.landing_store import LandingStore

START = datetime(2026, 11, 24, 7, 0, tzinfo=UTC)
ROSTER = ("district", "school", "person", "placement", "class", "enrollment")
DAG = "staff_sync_nightly"


def person(number: int, **cells: str) -> dict[str, str]:
    """A valid row about a person of their own at school 100; `cells` override."""
    row = {
        "schoolId": "100",
        "userId": f"u{number}",
        "userRole": "Teacher",
        "userFirstName": f"Ada{number}",
        "userLastName": "Quimby",
        "userEmail": f"ada.{number}@springfield.example",
    }
    return row | cells


def teaching(number: int, class_id: str, **cells: str) -> dict[str, str]:
    """A valid row that places a person and gives them a class."""
    names = {"classId": class_id, "className": f"Reading {class_id}", "classGrade": "3", "primaryTeacher": "Yes"}
    return person(number, **(names | cells))


def users_csv(rows: Sequence[Mapping[str, str]]) -> bytes:
    """The rows under all headers of the dictionary, as a spreadsheet writes them."""
    headers = dictionary.load_dictionary().headers
    out = io.StringIO()
    writer = csv.DictWriter(out, headers, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def district(folder: Path, **fields: Any) -> District:
    """A configured district whose inbox is `folder`."""
    contacts = [
        {"address": "office@springfield.example", "name": "Office"},
        {"address": "desk@springfield.example", "name": "Desk", "reports": ["problems"]},
    ]
    given = {
        "code": "springfield",
        "name": "Springfield Unified",
        "state": "CA",
        "timezone": "America/Los_Angeles",
        "wave": "nightly",
        "source": {"file": str(folder), "pattern": "users*.csv"},
        "contacts": contacts,
        "email_domains": ["springfield.example"],
    }
    return District.model_validate(given | fields)


@dataclass(slots=True, kw_only=True)
class Nights:
    """One district night after night. `now` is the clock; `looks` counts how often the inbox was opened.

    `owner` is past all rights: a superuser's engine, which seeds and sees every district.
    """

    engine: Engine
    owner: Engine
    folder: Path
    config: District
    sender: Sender | None = None
    ops: tuple[str, ...] = ()
    now: datetime = START
    settle_seconds: float = 0
    lock_seconds: float = 60.0
    slept: list[float] = field(default_factory=list)
    looks: int = 0

    @property
    def inbox(self) -> Path:
        return self.folder / "inbox"

    @property
    def services(self) -> pipeline.Services:
        return pipeline.Services(
            engine=self.engine,
            landing=LandingStore(str(self.folder / "landing")),
            open_transport=self._open,
            sender=self.sender or EmlFolder(self.folder / "outbox"),
            clock=lambda: self.now,
            settle_seconds=self.settle_seconds,
            lock_seconds=self.lock_seconds,
            sleep=self.slept.append,
            district=lambda _: self.config,
            ops=self.ops,
        )

    @contextmanager
    def _open(self, config: District) -> Iterator[Transport]:
        self.looks += 1
        with open_transport(config.source, workbooks=config.policies.workbooks) as transport:
            yield transport

    def seed(self) -> None:
        """Schools 100 and 200, owned by the enrollment source."""
        schools = [
            {"district": "springfield", "school_id": i, "name": f"School {i}", "owner": "source"}
            for i in ("100", "200")
        ]
        with self.owner.begin() as conn:
            conn.execute(insert(tables.district).values(code="springfield", name="Springfield Unified"))
            conn.execute(insert(tables.school), schools)

    def empty(self) -> None:
        """Nothing is left: no row in any table, no file, the clock back at the start."""
        every = ", ".join(f'{t.schema}."{t.name}"' for t in tables.metadata.sorted_tables)
        with self.owner.begin() as conn:
            conn.execute(text(f"TRUNCATE {every} CASCADE"))
        shutil.rmtree(self.folder)
        self.inbox.mkdir(parents=True)
        self.config, self.now = district(self.inbox), START

    @contextmanager
    def refusing(self, table: str, constraint: str) -> Iterator[None]:
        """A fault in the database: a constraint that none of our rules knows."""
        with self.owner.begin() as conn:
            conn.execute(text(f"ALTER TABLE {table} ADD CONSTRAINT injected {constraint}"))
        try:
            yield
        finally:
            with self.owner.begin() as conn:
                conn.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT injected"))

    def put(
        self, rows: Sequence[Mapping[str, str]] | bytes, name: str = "users.csv", at: datetime | None = None
    ) -> None:
        """Put a file into the inbox, last modified `at` (default: an hour ago)."""
        path = self.inbox / name
        path.write_bytes(rows if isinstance(rows, bytes) else users_csv(rows))
        moment = (at or self.now - timedelta(hours=1)).timestamp()
        os.utime(path, (moment, moment))

    def run(self, name: str = "night-1", **fields: Any) -> pipeline.Run:
        return pipeline.Run(dag_id=DAG, run_id=name, actor="test", **fields)

    def sync(self, name: str = "night-1", **fields: Any) -> list[pipeline.SyncResult]:
        """The district's whole night under this run id."""
        return pipeline.sync(self.services, self.run(name, **fields), self.config.code)

    def roster(self) -> dict[str, list[Any]]:
        """Every row of the roster without moments: what two nights must agree on."""
        moments = ("created_at", "updated_at", "assigned_at")
        found: dict[str, list[Any]] = {}
        with self.owner.connect() as conn:
            for name in ROSTER:
                table = tables.metadata.tables[f"roster.{name}"]
                columns = [each for each in table.c if each.name not in moments]
                found[name] = sorted(tuple(map(str, row)) for row in conn.execute(select(*columns)))
        return found

    def fingerprint(self) -> dict[str, list[Any]]:
        """Every row of the roster with its place and its writer: any write at all changes it."""
        with self.owner.connect() as conn:
            return {name: _physical(conn, name) for name in ROSTER}

    def messages(self) -> list[tuple[str, str, str]]:
        """(kind of report, recipient, state) of every message in the outbox."""
        wanted = select(tables.report.c.kind, tables.message.c.recipient, tables.message.c.state)
        joined = wanted.join(tables.message, tables.message.c.report == tables.report.c.id)
        with self.owner.connect() as conn:
            return sorted(tuple(row) for row in conn.execute(joined))

    def states(self) -> list[str]:
        """The deliveries' states in arrival sequence."""
        with self.owner.connect() as conn:
            return list(conn.scalars(select(tables.delivery.c.state).order_by(tables.delivery.c.sequence)))

    def people(self) -> list[str]:
        """The userIds of active people."""
        p = tables.person.c
        with self.owner.connect() as conn:
            return sorted(conn.scalars(select(p.user_id).where(p.status == "active")))


def _physical(conn: Any, name: str) -> list[Any]:
    statement = text(f'SELECT ctid::text, xmin::text, t::text FROM roster."{name}" t ORDER BY 1')
    return [tuple(row) for row in conn.execute(statement)]
