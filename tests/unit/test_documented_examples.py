"""Every example of README and documentation is read by what will read it at a user's."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from rostersync.configuration import districts
from rostersync.settings import PROJECT
from tests.support.documented_examples import Example, documents, examples, lines
from tests.support.runbook_pages import FOLDER, commands, parse

README = PROJECT / "README.md"
JUDGED = {"sh", "yaml", "json", "text", "floors"}
"""text: drawings. floors: compared with the import contract by test_architecture."""
PROGRAMS = {"rostersync", "make", "docker", "python3", "airflow", "export", ".", "df", "ssh-keyscan"}
OPTIONAL = r"`((?:limits|blackouts|retention|policies|reports|holds): [^`]+)`"


def of(language: str) -> list[Example]:
    return [example for example in examples() if _language(example) == language]


def _language(example: Example) -> str:
    """The runbook's pages hold commands, unless they say otherwise."""
    return example.language or ("sh" if example.page.parent == FOLDER else "")


@pytest.mark.parametrize("page", documents(), ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_fence_of_a_page_is_closed(page: Path) -> None:
    fences = re.findall(r"^ *```", page.read_text(encoding="utf-8"), re.M)
    assert len(fences) % 2 == 0


def test_every_example_says_what_it_is_and_somebody_judges_it() -> None:
    assert [str(example) for example in examples() if _language(example) not in JUDGED] == []
    assert {_language(example) for example in examples()} == JUDGED


@pytest.fixture
def country(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An include folder without a district."""
    (tmp_path / "include" / "districts").mkdir(parents=True)
    for name in ("dictionary", "waves.yaml"):
        (tmp_path / "include" / name).symlink_to(PROJECT / "include" / name)
    monkeypatch.setenv("ROSTERSYNC_INCLUDE", str(tmp_path / "include"))
    return tmp_path / "include" / "districts"


def test_the_district_that_the_readme_adds_is_a_district(country: Path) -> None:
    [example] = [example for example in examples(README) if example.language == "yaml"]
    (country / "rivertown.yaml").write_text(example.text)
    district = districts.load_district("rivertown")
    assert (district.name, district.source.sftp, district.source.directory) == (
        "Rivertown School District",
        "rivertown",
        "upload",
    )
    [contact] = district.contacts
    assert (contact.address, contact.delivery) == ("roster@rivertown.example.org", "attach")
    assert set(contact.reports) == {"counts", "problems", "held"}


@pytest.mark.parametrize("said", re.findall(OPTIONAL, README.read_text(encoding="utf-8")))
def test_whatever_the_readme_offers_may_be_added_to_it(country: Path, said: str) -> None:
    [example] = [example for example in examples(README) if example.language == "yaml"]
    facts, more = yaml.safe_load(example.text), yaml.safe_load(said)
    where = facts["source"] if "reports" in more else facts
    where.update(more)
    (country / "rivertown.yaml").write_text(yaml.safe_dump(facts))
    [loaded] = districts.load_districts().values()
    assert loaded.code == "rivertown"


@pytest.mark.parametrize("example", of("yaml"), ids=str)
def test_yaml_examples_are_what_a_district_file_may_hold(country: Path, example: Example) -> None:
    facts: dict[str, Any] = {"code": "rivertown", "name": "R", "state": "NY", "timezone": "America/New_York"}
    (country / "rivertown.yaml").write_text(yaml.safe_dump({**facts, "source": {"file": "r"}, **_mapping(example)}))
    assert districts.load_district("rivertown").code == "rivertown"


def _mapping(example: Example) -> dict[str, Any]:
    loaded = yaml.safe_load(example.text)
    assert isinstance(loaded, dict)
    return loaded


@pytest.mark.parametrize("example", of("json"), ids=str)
def test_json_examples_are_json(example: Example) -> None:
    assert json.loads(example.text)


@pytest.mark.parametrize("example", of("sh"), ids=str)
def test_shell_examples_are_sound_and_call_what_there_is(example: Example) -> None:
    subprocess.run(["sh", "-n"], input=example.text, text=True, check=True, timeout=10)
    for line in lines(example):
        program, *words = shlex.split(line)
        assert program in PROGRAMS, line
        if program == "rostersync":
            parse(words)
        elif program == "make":
            command = ["make", "--dry-run", "--no-print-directory", *words]
            subprocess.run(command, cwd=PROJECT, capture_output=True, check=True, timeout=60)
        elif program == "airflow":
            assert (PROJECT / words[-1]).is_file(), line


PAGES = [page for page in documents() if page.parent != FOLDER and page.name != "CHANGELOG.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_commands_that_a_page_names_exist_with_their_options(page: Path) -> None:
    wrong = [problem for words in commands(page) if (problem := _problem_of([word for word in words if word != "…"]))]
    assert wrong == []


def _problem_of(words: list[str]) -> str | None:
    """A command may be named without what it needs: `rostersync sync`, `rostersync discard`."""
    try:
        parse(words)
    except typer.TyperException as error:
        return None if type(error).__name__ == "MissingParameter" else error.format_message()
    return None


@pytest.mark.parametrize("page", documents(), ids=lambda page: str(page.relative_to(PROJECT)))
def test_targets_that_a_page_names_are_in_the_makefile(page: Path) -> None:
    makefile = (PROJECT / "Makefile").read_text()
    named = re.findall(r"`make ([a-z-]+)", page.read_text(encoding="utf-8"))
    assert [name for name in named if f"\n{name}:" not in makefile] == []
