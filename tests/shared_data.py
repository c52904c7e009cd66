"""The data folder beside the checkout: hostile files and vendors' samples, used in place and never copied in."""

from __future__ import annotations

import gzip
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2] / "shared" / "data"
HOW = "Put the data folder beside the checkout, then: make test ARGS='-k \"torture or foreign\"'"


def roster_files() -> list[Path]:
    """Every CSV of vendors' rosters, packed ones too."""
    return _files("rosters", "*.csv*")


def torture_files() -> list[Path]:
    """Every hostile file."""
    return _files("torture", "*")


def _files(folder: str, pattern: str) -> list[Path]:
    found = sorted(path for path in (ROOT / folder).rglob(pattern) if path.is_file())
    if not found:
        raise FileNotFoundError(f"{ROOT / folder} is missing. {HOW}")
    return found


def content(path: Path) -> bytes:
    """A file's bytes; of a packed file those inside."""
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
