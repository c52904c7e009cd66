"""The data folder beside the checkout: hostile files, vendors' samples, national lists. Used in place, never copied."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3] / "shared" / "data"
needs_data = pytest.mark.skipif(
    not ROOT.is_dir(),
    reason="no ../shared/data beside the checkout; with it: make test ARGS='-k \"torture or foreign or sample\"'",
)


def roster_files() -> list[Path]:
    """Every CSV of vendors' rosters, packed ones too."""
    return _files("rosters", "*.csv*")


def torture_files() -> list[Path]:
    """Every hostile file."""
    return _files("torture", "*")


def _files(folder: str, pattern: str) -> list[Path]:
    found = sorted(path for path in (ROOT / folder).rglob(pattern) if path.is_file())
    if ROOT.is_dir() and not found:
        raise FileNotFoundError(f"{ROOT / folder} is missing.")
    return found


def content(path: Path) -> bytes:
    """A file's bytes; of a packed file those inside."""
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
