"""Looking waits for nobody: no command takes a lock that a night holds, unless the schema is behind."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from rostersync import database
from rostersync.cli import app as cli
from rostersync.database import engines
from rostersync.embedded_postgres import server
from rostersync.exceptions import DistrictBusy
from tests.support.servers import RosterDatabase, fresh_database

CODE = "springfield"


@pytest.fixture
def impatient(roster_database: RosterDatabase, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """The owner's engine, which waits for no lock."""
    monkeypatch.setitem(engines.SESSION, "lock_timeout", "500ms")
    made = database.engine(roster_database.owner_url)
    yield made
    made.dispose()


def test_a_schema_that_is_the_newest_is_compared_while_a_night_is_under_way(engine: Engine, impatient: Engine) -> None:
    with database.transaction(engine, CODE):
        database.upgrade_schema(impatient)


def test_a_schema_that_is_behind_is_not_migrated_under_a_night(
    engine: Engine, impatient: Engine, superuser_engine: Engine
) -> None:
    with superuser_engine.begin() as conn:
        conn.execute(text("UPDATE intake.alembic_version SET version_num = '0009_by_delivery'"))
    with database.transaction(engine, CODE), pytest.raises(DistrictBusy):
        database.upgrade_schema(impatient)


def test_a_database_without_a_schema_gets_one(postgres: server.Server) -> None:
    with fresh_database(postgres, template="template0") as made:
        owner, tasks = (database.engine(url) for url in (made.owner_url, made.url))
        database.upgrade_schema(owner)
        database.check_revision(tasks)
        owner.dispose()
        tasks.dispose()


@pytest.mark.parametrize(
    "words",
    [
        ("report", "springfield-0123456789abcdef"),
        ("mail", "status"),
        ("db", "query", "SELECT count(*) FROM intake.delivery"),
    ],
)
def test_a_command_on_the_embedded_server_looks_while_a_night_is_under_way(
    postgres: server.Server,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
) -> None:
    monkeypatch.setattr(server, "ensure_running", lambda: postgres)
    assert cli.run(["db", "upgrade"]) == 0
    monkeypatch.setitem(engines.SESSION, "lock_timeout", "2s")
    tasks = database.engine(postgres.url)
    capsys.readouterr()
    with database.transaction(tasks, CODE) as night:
        night.execute(text("SELECT pg_advisory_xact_lock(1, 1)"))
        began = time.monotonic()
        code = cli.run(words)
        assert (time.monotonic() - began < 2, "district-busy" in capsys.readouterr().err) == (True, False)
        assert code in (0, 4)  # 4: there is no such delivery
    tasks.dispose()


def test_a_night_begins_while_a_command_looks(postgres: server.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that waits for the migration's lock would let every later night queue up behind itself."""
    monkeypatch.setattr(server, "ensure_running", lambda: postgres)
    assert cli.run(["db", "upgrade"]) == 0
    tasks = database.engine(postgres.url)
    with database.transaction(tasks, CODE), tasks.connect() as looker:
        assert cli.run(["mail", "status"]) == 0
        waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock'")
        assert looker.execute(waiting).scalar() == 0
    tasks.dispose()
