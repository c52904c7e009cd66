"""Fixtures of tests that need the servers."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from rostersync.embedded import Server
    from tests.nights import Nights
    from tests.tenancy import Logins


@pytest.fixture(scope="session")
def screening_loaded() -> None:
    """Great Expectations, imported: what others' modules warn of while they are imported is not ours to correct."""
    from rostersync import screening

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        screening.preload()


@pytest.fixture(scope="session")
def logins(postgres: Server) -> Iterator[Logins]:
    """A connection of each login to one planted database, in which nothing is ever committed."""
    from tests.tenancy import planted

    with planted(postgres) as opened:
        yield opened


@pytest.fixture
def nights(screening_loaded: None, engine: Engine, superuser_engine: Engine, tmp_path: Path) -> Nights:
    """A district with two schools, an empty inbox and a fresh database."""
    from tests.nights import Nights, district

    made = Nights(engine=engine, owner=superuser_engine, folder=tmp_path, config=district(tmp_path / "inbox"))
    made.inbox.mkdir()
    made.seed()
    return made


@pytest.fixture(scope="session")
def standing(postgres: Server, screening_loaded: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    """Nights on one database for many tests, for `emptied`: its engines compile each statement once."""
    from rostersync import database
    from tests.nights import Nights, district
    from tests.servers import fresh_database

    folder = tmp_path_factory.mktemp("standing") / "nights"
    folder.mkdir()
    with fresh_database(postgres) as made:
        engines = [database.engine(url) for url in (made.url, made.superuser_url)]
        yield Nights(engine=engines[0], owner=engines[1], folder=folder, config=district(folder / "inbox"))
        for each in engines:
            each.dispose()


@pytest.fixture
def emptied(standing: Nights) -> Nights:
    """The standing database without a row, an empty inbox: for tests that leave the schema as it was."""
    standing.empty()
    return standing
