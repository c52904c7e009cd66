"""Fixtures for all tests. Airflow is not imported here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from rostersync.embedded_postgres.server import Server
    from tests.support.servers import RosterDatabase, SftpServer, SmtpServer


@pytest.fixture(autouse=True)
def own_environment(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test sees the developer's settings or state; the private state folder of this test."""
    for name in list(os.environ):
        if name.startswith("ROSTERSYNC_"):
            monkeypatch.delenv(name)
    state = tmp_path_factory.mktemp("state", numbered=True)
    monkeypatch.setenv("ROSTERSYNC_STATE", str(state))
    return state


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The session's PostgreSQL 18."""
    from tests.support.servers import running_postgres

    with running_postgres(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture
def roster_database(postgres: Server) -> Iterator[RosterDatabase]:
    """A fresh migrated database: its name, `url` (tasks) and `owner_url`."""
    from tests.support.servers import fresh_database

    with fresh_database(postgres) as made:
        yield made


@pytest.fixture
def engine(roster_database: RosterDatabase) -> Iterator[Engine]:
    """The tasks' engine (role `roster_sync`) on a fresh migrated database."""
    from rostersync import database

    made = database.engine(roster_database.url)
    yield made
    made.dispose()


@pytest.fixture
def owner_engine(roster_database: RosterDatabase) -> Iterator[Engine]:
    """The owner's engine on the same database as `engine`."""
    from rostersync import database

    made = database.engine(roster_database.owner_url)
    yield made
    made.dispose()


@pytest.fixture
def source_engine(roster_database: RosterDatabase) -> Iterator[Engine]:
    """The enrollment source's engine (role `roster_source`) on the same database as `engine`."""
    from rostersync import database

    made = database.engine(roster_database.source_url)
    yield made
    made.dispose()


@pytest.fixture
def superuser_engine(roster_database: RosterDatabase) -> Iterator[Engine]:
    """What tests seed with and look with, past all rights: on the same database as `engine`."""
    from rostersync import database

    made = database.engine(roster_database.superuser_url)
    yield made
    made.dispose()


@pytest.fixture
def sftp_server(tmp_path: Path) -> Iterator[SftpServer]:
    """A real SFTP server with a folder of its own (`.root`), a host key to pin (`.host_key`) and one account."""
    from tests.support.servers import running_sftp

    root = tmp_path / "sftp-root"
    root.mkdir()
    with running_sftp(root) as server:
        yield server


@pytest.fixture
def smtp_server() -> Iterator[SmtpServer]:
    """A real SMTP server that records what it accepted and can be told to refuse, defer, delay or drop."""
    from tests.support.servers import running_smtp

    with running_smtp() as server:
        yield server
