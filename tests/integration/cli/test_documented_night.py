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
    [example] = [each for each in examples(README) if "rostersync sync" in each.text]
    said = [shlex.split(line)[1:] for line in lines(example) if line.startswith("rostersync ")]
    assert [words[0] for words in said] == ["sample", "check", "sync", "sync"]
    outbox = tmp_path / ".rostersync" / "outbox"
    came_to = [(*command(*words), {path.name for path in outbox.glob("*.eml")}) for words in said]
    # The file that is checked has every fault; one of the night's is refused, and stays it.
    assert [code for code, *_ in came_to] == [0, 1, 2, 2]
    assert re.findall(r"^(\w+): (\w+)", came_to[-1][1], re.M) == [
        ("birchmere", "duplicate"),
        ("fernhollow", "duplicate"),
        ("stonequay", "refused"),
    ]
    assert [len(mails) for *_, mails in came_to] == [0, 0, 3, 3]
