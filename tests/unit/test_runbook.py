"""Every word that somebody may look up has a page, and every page is true: its links, its commands, its four parts."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import pytest
import typer

from rostersync import exceptions, runbook
from rostersync.settings import PROJECT
from tests.support.runbook_pages import FOLDER, PARTS, bare_raises, codes, commands, failures, pages, parse

named = pytest.mark.parametrize("page", pages(), ids=lambda page: page.stem)


@pytest.mark.parametrize("code", sorted(codes()))
def test_a_code_has_a_heading_on_its_page(code: str) -> None:
    page = PROJECT / runbook.page(code)
    assert re.search(rf"^##? {code}$", page.read_text(), re.M), f"{page} needs a heading '# {code}'"


def test_every_page_is_about_a_code_and_is_in_the_index() -> None:
    index = (FOLDER / "README.md").read_text()
    names = {page.name for page in pages()} - {"README.md"}
    assert names == {Path(runbook.page(code)).name for code in codes()}
    assert [name for name in names if f"({name})" not in index] == []


@named
def test_a_page_has_its_four_parts_in_order(page: Path) -> None:
    if page.stem == "README":
        return
    text = page.read_text()
    places = [text.find(part) for part in PARTS]
    assert -1 not in places
    assert places == sorted(places)


@named
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)", page.read_text())
    assert [link for link in links if not (FOLDER / link).is_file()] == []


@named
def test_the_commands_of_a_page_exist_with_their_options(page: Path) -> None:
    for words in commands(page):
        parse(words)


@named
def test_the_targets_and_files_that_a_page_names_exist(page: Path) -> None:
    text = page.read_text()
    makefile = (PROJECT / "Makefile").read_text()
    assert [name for name in re.findall(r"`make ([a-z-]+)`", text) if f"\n{name}:" not in makefile] == []
    files = re.findall(r"\b(include/[a-z/]+\.(?:json|yaml))", text)
    assert [name for name in files if not (PROJECT / name).is_file()] == []


@pytest.mark.parametrize(
    "words",
    [["telephone"], ["sync", "--district"], ["sync", "--sideways"], ["db", "telephone"], ["discard", "DELIVERY"]],
    ids=" ".join,
)
def test_a_command_that_does_not_exist_would_be_found(words: list[str]) -> None:
    with pytest.raises(typer.TyperException):
        parse(words)


def test_no_failure_is_raised_without_a_code_of_its_own() -> None:
    assert list(bare_raises()) == []
    found = [failure.code for failure in failures()]
    assert len(found) == len(set(found))


def test_a_failure_tells_code_hint_and_page_also_after_a_journey(monkeypatch: pytest.MonkeyPatch) -> None:
    error = pickle.loads(pickle.dumps(exceptions.DistrictBusy("Springfield waits.")))
    assert str(error) == (
        "[district-busy] Springfield waits. What to do: Wait for the other run of this district to end, then clear the "
        "task. See docs/runbook/district-busy.md"
    )
    monkeypatch.setenv("ROSTERSYNC_RUNBOOK_URL", "https://code.example.org/docs/runbook/")
    assert str(error).endswith("See https://code.example.org/docs/runbook/district-busy.md")


def test_an_exception_of_others_is_told_without_its_text() -> None:
    try:
        int("Canary")
    except ValueError as error:
        told = exceptions.Unexpected.of(error)
    assert "Canary" not in str(told)
    assert "ValueError-test_runbook-" in str(told)
