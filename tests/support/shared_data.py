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


KNOWN = Path(__file__).with_name("shared_files.txt").read_text().split()
"""What was there when the tests were written. Files that appear later are judged once somebody has read them."""


def roster_files() -> list[Path]:
    """Every CSV of vendors' rosters, packed ones too."""
    return known_files("rosters")


def torture_files() -> list[Path]:
    """Every hostile file."""
    return known_files("torture")


def known_files(folder: str) -> list[Path]:
    """The known files of a folder; none without the data. Raises FileNotFoundError when some of them are missing."""
    if not ROOT.is_dir():
        return []
    found = [ROOT / name for name in KNOWN if name.startswith(f"{folder}/")]
    missing = [str(path) for path in found if not path.is_file()]
    if missing:
        raise FileNotFoundError(f"Missing beside the checkout: {', '.join(missing)}.")
    return found


def content(path: Path) -> bytes:
    """A file's bytes; of a packed file those inside."""
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
