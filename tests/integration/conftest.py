"""Fixtures of tests that need the servers."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tests.nights import Nights


@pytest.fixture(scope="session")
def screening_loaded() -> None:
    """Great Expectations, imported: what others' modules warn of while they are imported is not ours to correct."""
    from rostersync import screening

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        screening.preload()


@pytest.fixture
def nights(screening_loaded: None, engine: Engine, owner_engine: Engine, tmp_path: Path) -> Nights:
    """A district with two schools, an empty inbox and a fresh database."""
    from tests.nights import Nights, district

    made = Nights(engine=engine, owner=owner_engine, folder=tmp_path, config=district(tmp_path / "inbox"))
    made.inbox.mkdir()
    made.seed()
    return made
