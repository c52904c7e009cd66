"""The README's night from the command line, word by word, on a real database."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from rostersync.settings import PROJECT
from tests.support.documented_examples import examples, lines

Command = Callable[..., tuple[int, str, str]]
README = PROJECT / "README.md"


def test_the_readmes_night_goes_as_it_says(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROSTERSYNC_STATE", str(tmp_path / ".rostersync"))
    monkeypatch.chdir(tmp_path)
    [example] = [example for example in examples(README) if "rostersync sync" in example.text]
    said = [shlex.split(line)[1:] for line in lines(example) if line.startswith("rostersync ")]
    assert [words[0] for words in said] == ["sample", "check", "sync", "sync"]
    outbox = tmp_path / ".rostersync" / "outbox"
    evaluation = [(*command(*words), {path.name for path in outbox.glob("*.eml")}) for words in said]
    # The file that is checked has every fault; one of the night's is refused, and stays it.
    assert [code for code, *_ in evaluation] == [0, 1, 2, 2]
    assert re.findall(r"^(\w+): (\w+)", evaluation[-1][1], re.M) == [
        ("birchmere", "duplicate"),
        ("fernhollow", "duplicate"),
        ("stonequay", "refused"),
    ]
    assert [len(mails) for *_, mails in evaluation] == [0, 0, 3, 3]


def test_a_sample_is_made_again_after_its_own_printed_export(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROSTERSYNC_STATE", str(tmp_path / "state"))
    _, _, told = command("sample", "--districts", "2")
    [folder] = re.findall(r"^  export ROSTERSYNC_INCLUDE=(.+)$", told, re.M)
    monkeypatch.setenv("ROSTERSYNC_INCLUDE", shlex.split(folder)[0])
    again = command("sample", "--districts", "2")
    assert (again[0], again[2]) == (0, "Next: rostersync sync\n")
    code, night, _ = command("sync")
    assert code in (0, 1)
    assert len(re.findall(r"^\S+: applied", night, re.M)) == 2
    # The demo's districts are in no folder that the export names.
    assert "unset ROSTERSYNC_INCLUDE" in command("sample")[2]
