"""Fixtures of tests that need the servers."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from rostersync.embedded_postgres.server import Server
    from tests.support.district_nights import Nights
    from tests.support.servers import RosterDatabase
    from tests.support.tenancy import Logins


@pytest.fixture(scope="session")
def screening_loaded() -> None:
    """Great Expectations, imported: what others' modules warn of while they are imported is not ours to correct."""
    from rostersync import screening

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        screening.preload()


@pytest.fixture(scope="session")
def opened_logins(postgres: Server) -> Iterator[Logins]:
    """A connection of each login to one planted database, in which nothing is ever committed."""
    from tests.support.tenancy import planted

    with planted(postgres) as opened:
        yield opened


@pytest.fixture
def logins(opened_logins: Logins, record_property: Callable[[str, object], None]) -> Iterator[Logins]:
    """The same, and it is told how many statements were refused."""
    before = opened_logins.refusals
    yield opened_logins
    record_property("forbidden statements refused, none let through", opened_logins.refusals - before)


@pytest.fixture
def nights(screening_loaded: None, engine: Engine, superuser_engine: Engine, tmp_path: Path) -> Nights:
    """A district with two schools, an empty inbox and a fresh database."""
    from tests.support.district_nights import Nights, district

    made = Nights(engine=engine, owner=superuser_engine, folder=tmp_path, config=district(tmp_path / "inbox"))
    made.inbox.mkdir()
    made.seed()
    return made


@pytest.fixture(scope="session")
def standing(postgres: Server, screening_loaded: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    """Nights on one database for many tests, for `emptied`: its engines compile each statement once."""
    from rostersync import database
    from tests.support.district_nights import Nights, district
    from tests.support.servers import fresh_database

    folder = tmp_path_factory.mktemp("standing") / "nights"
    folder.mkdir()
    with fresh_database(postgres) as made:
        engines = [database.engine(url) for url in (made.url, made.superuser_url)]
        yield Nights(engine=engines[0], owner=engines[1], folder=folder, config=district(folder / "inbox"))
        for engine in engines:
            engine.dispose()


@pytest.fixture
def emptied(standing: Nights) -> Nights:
    """The standing database without a row, an empty inbox: for tests that leave the schema as it was.

    An object of the test's own: a sender or a clock that it sets is nobody else's.
    """
    mine = replace(standing, slept=[])
    mine.empty()
    return mine


@pytest.fixture
def command(
    screening_loaded: None,
    roster_database: RosterDatabase,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., tuple[int, str, str]]:
    """`command(*words)` runs rostersync on a fresh database: exit code, stdout, stderr. No pause between looks."""
    from rostersync.cli import app as cli
    from rostersync.cli import environment as cli_edges

    monkeypatch.setenv("ROSTERSYNC_DATABASE_URL", roster_database.url)
    monkeypatch.setenv("ROSTERSYNC_OWNER_URL", roster_database.owner_url)
    monkeypatch.setenv("ROSTERSYNC_SOURCE_URL", roster_database.source_url)
    monkeypatch.setattr(cli_edges.Services, "__init__", _without_pause(cli_edges.Services.__init__))

    def run(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = cli.run(words)
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


def _without_pause(construct: Callable[..., None]) -> Callable[..., None]:
    def with_no_pause(self: object, **parts: Any) -> None:
        construct(self, **{**parts, "settle_seconds": 0.0})

    return with_no_pause
