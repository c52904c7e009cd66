"""The data beside the checkout may grow; what the tests know of it must be there."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from rostersync.settings import PROJECT
from tests.support import shared_data

FOLDERS = ("rosters", "torture", "names", "cases")


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with empty files of the known names."""
    for name in shared_data.KNOWN:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.setattr(shared_data, "ROOT", tmp_path)
    return tmp_path


@pytest.mark.parametrize("folder", FOLDERS)
def test_files_that_appear_change_nothing(copied: Path, folder: str) -> None:
    before = shared_data.known_files(folder)
    assert before
    for name in ("README.md", "new.csv", "later/case.json", "later/users.csv"):
        (copied / folder / name).parent.mkdir(exist_ok=True)
        (copied / folder / name).write_text("schoolId\n")
    assert shared_data.known_files(folder) == before


def test_a_file_that_is_gone_is_named(copied: Path) -> None:
    gone = shared_data.roster_files()[3]
    gone.unlink()
    with pytest.raises(FileNotFoundError, match=re.escape(str(gone))):
        shared_data.roster_files()


def test_without_the_data_there_is_no_file(copied: Path) -> None:
    shutil.rmtree(copied)
    assert shared_data.torture_files() == []


def test_no_test_lists_the_data_by_itself() -> None:
    texts = {path: path.read_text() for path in (PROJECT / "tests").rglob("*.py") if path != Path(__file__)}
    lists = re.compile(r"\bROOT\b[^\n]*\.(?:r?glob|iterdir)\(")
    assert [path for path, text in texts.items() if "shared_data" in text and lists.search(text)] == []
