"""docs/architecture.md cannot go stale: its tree, floors, stages and answers are those of the program."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator

import pytest

from rostersync import exceptions, pipeline
from rostersync.database import tables
from rostersync.settings import PROJECT

PAGE = (PROJECT / "docs" / "architecture.md").read_text(encoding="utf-8")
STAGES = ("pull", "validate", "upsert", "email")
QUESTIONS = 20
INDENT = 2


def section(title: str) -> str:
    """The text below a heading, up to the next."""
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def block(language: str) -> list[str]:
    """The lines of the page's one fenced block of this kind."""
    [text] = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return text.splitlines()


def table_rows(title: str) -> list[list[str]]:
    """The cells of a section's one table, without its head."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def places_on_the_page() -> Iterator[tuple[str, str]]:
    """Each path of the tree below the project (folders end with a slash), and what is said of it."""
    parents: list[str] = []
    for line in block("text"):
        name, _, words = line.strip().partition(" ")
        depth = (len(line) - len(line.lstrip())) // INDENT
        parents = [*parents[:depth], name]
        yield "".join(parents), words.strip()


def places_of_the_program() -> Iterator[str]:
    package = PROJECT / "rostersync"
    for path in [package, *package.rglob("*")]:
        place = path.relative_to(PROJECT).as_posix()
        if (path / "__init__.py").is_file():
            yield f"{place}/"
        elif path.suffix == ".py" and path.name != "__init__.py":
            yield place


def test_every_package_and_module_is_on_the_page_once_and_no_other() -> None:
    named = Counter(place for place, _ in places_on_the_page())
    there = Counter(places_of_the_program())
    missing, gone = sorted(there - named), sorted(named - there)
    assert not missing, f"give these a line in docs/architecture.md: {missing}"
    assert not gone, f"docs/architecture.md names what is not there: {gone}"


def test_every_room_has_its_line() -> None:
    """Commands are named like what they do; the command line's help has their lines."""
    bare = [place for place, words in places_on_the_page() if not words]
    assert [place for place in bare[1:] if not place.startswith("rostersync/cli/commands/")] == []


def test_the_floors_are_those_that_are_checked() -> None:
    contracts = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    [layers] = [contract["layers"] for contract in contracts["contracts"] if contract["type"] == "layers"]
    assert block("floors") == layers


def test_the_night_has_every_stage_in_its_order() -> None:
    stages = [row[0].strip("`") for row in table_rows("A night")]
    assert tuple(stages) == STAGES
    assert all(callable(getattr(pipeline, stage)) for stage in stages)


@pytest.mark.parametrize("row", table_rows("A night"), ids=STAGES)
def test_a_stage_raises_and_writes_what_there_is(row: list[str]) -> None:
    failures = re.findall(r"`([A-Z]\w+)`", row[3])
    written = set(re.findall(r"`((?:roster|intake)\.\w+)`", row[4]))
    assert failures
    assert all(issubclass(getattr(exceptions, name), exceptions.RosterSyncError) for name in failures)
    assert written
    assert written <= set(tables.metadata.tables)


def test_a_stage_raises_at_least_what_its_docstring_says() -> None:
    for name, _, _, raised, _ in table_rows("A night"):
        said = re.findall(r"[A-Z]\w+", (getattr(pipeline, name.strip("`")).__doc__ or "").partition("Raises")[2])
        own = {word for word in said if hasattr(exceptions, word)} - {"DatabaseUnavailable"}
        assert own <= set(re.findall(r"\w+", raised)), name


def test_twenty_questions_have_files_as_answers() -> None:
    rows = table_rows("Where is it decided?")
    assert len({question for question, _ in rows}) == len(rows) == QUESTIONS
    assert all(question.endswith("?") for question, _ in rows)
    for question, answer in rows:
        paths = re.findall(r"`([^`]+)`", answer)
        assert paths, question
        assert [path for path in paths if not (PROJECT / path).is_file()] == [], question


def test_every_path_that_the_page_names_is_there() -> None:
    paths = re.findall(r"`((?:rostersync|tests|scripts|include|dags|plugins|benchmarks)/[\w/.-]*)`", PAGE)
    assert [path for path in paths if not (PROJECT / path).exists()] == []
