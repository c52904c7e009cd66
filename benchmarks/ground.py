"""What a measurement stands on: a server and a database of its own, the files of two nights, a seeded roster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import Engine

from rostersync import database
from rostersync.embedded_postgres import server as embedded
from rostersync.sample import big_file, records

NIGHTS = ("first", "second")
CHANGED = {"first": 0.0, "second": 0.01}
DISTRICT, WARM = "big", "warm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Folder and database of one size. `faulty` files are ours to judge; the floor cannot, and gets `clean` ones."""

    rows: int
    folder: Path
    url: str = field(repr=False)
    owner_url: str = field(repr=False)
    source_url: str = field(repr=False)

    def faulty(self, night: str) -> Path:
        return self.folder / f"{night}-faulty.csv"

    def clean(self, night: str) -> Path:
        return self.folder / f"{night}-clean.csv"

    def warming(self, night: str) -> Path:
        return self.folder / f"{night}-warming.csv"


@contextmanager
def server(folder: Path) -> Iterator[embedded.Server]:
    """A durable server of its own below `folder`, deleted at the end."""
    try:
        yield embedded.ensure_running(folder / "postgres")
    finally:
        embedded.remove(folder / "postgres")


def ground(folder: Path, rows: int) -> Ground:
    """Where the measurement of this size is; the server must run."""
    running = embedded.ensure_running(folder / "postgres")
    name = f"bench_{rows}"
    return Ground(
        rows=rows,
        folder=folder / str(rows),
        url=running.url_of("roster_sync", name),
        owner_url=running.url_of("roster_owner", name),
        source_url=running.url_of("roster_source", name),
    )


def prepare(folder: Path, rows: int) -> None:
    """Make the database, the roster of record and the files. In a process of its own: this needs much memory."""
    made = ground(folder, rows)
    made.folder.mkdir(mode=0o700, parents=True)
    _create_database(folder, rows)
    owner = database.engine(made.owner_url)
    database.upgrade_schema(owner)
    owner.dispose()
    source = database.engine(made.source_url)
    _write_files(made, source)
    source.dispose()


def _create_database(folder: Path, rows: int) -> None:
    admin = embedded.ensure_running(folder / "postgres").admin_url.replace("+psycopg", "")
    make = sql.SQL("CREATE DATABASE {} OWNER roster_owner").format(sql.Identifier(f"bench_{rows}"))
    with psycopg.connect(admin, autocommit=True) as conn:
        conn.execute(make)


def _write_files(made: Ground, source: Engine) -> None:
    for night in NIGHTS:
        big = big_file(made.rows, changed_share=CHANGED[night], code=DISTRICT)
        made.faulty(night).write_bytes(big.data)
        clean = big_file(made.rows, changed_share=CHANGED[night], fault_share=0.0, code=DISTRICT)
        made.clean(night).write_bytes(clean.data)
        records.write(source, big.place, big.roster)
        small = big_file(200, changed_share=10 * CHANGED[night], code=WARM)
        made.warming(night).write_bytes(small.data)
        records.write(source, small.place, small.roster)
