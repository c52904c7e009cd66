"""Fixtures of tests that need the servers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tests.nights import Nights


@pytest.fixture
def nights(engine: Engine, owner_engine: Engine, tmp_path: Path) -> Nights:
    """A district with two schools, an empty inbox and a fresh database."""
    from tests.nights import Nights, district

    made = Nights(engine=engine, owner=owner_engine, folder=tmp_path, config=district(tmp_path / "inbox"))
    made.inbox.mkdir()
    made.seed()
    return made
