"""`rostersync docs`: the rules and a delivery's validation as pages, in sentences and numbers, without a cell."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine

from rostersync import sample, settings
from tests.support.canaries import words as canaries
from tests.support.district_nights import person, users_csv

Command = Callable[..., tuple[int, str, str]]
WORDS = iter(canaries.WORDS)
UNKNOWN_ROLE = {"userRole": next(WORDS)}
ROWS = [
    person(
        number, schoolId="0100", userId=next(WORDS), userFirstName=next(WORDS), userLastName=next(WORDS),
        userMiddleName=next(WORDS), userEmail=f"{next(WORDS)}@birchmere.example.org", classId=next(WORDS),
        className=next(WORDS), classGrade="3",
    )
    for number in range(3)
]  # fmt: skip


@pytest.fixture
def delivery(command: Command, source_engine: Engine, tmp_path: Path) -> Callable[[bytes], str]:
    """`delivery(data)`: the id of a delivery of birchmere with this file, on the demo's roster."""
    sample.write_demo(source_engine)

    def synced(data: bytes) -> str:
        file = tmp_path / "users.csv"
        file.write_bytes(data)
        _, out, err = command("sync", "--district", "birchmere", "--file", str(file), "--format", "json")
        assert out, err
        return str(json.loads(out)[0]["delivery"])

    return synced


def text_of(page: Path) -> str:
    """What a browser shows of a page, on one line."""
    shown = re.sub(r"<(script|style)\b.*?</\1>", " ", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", shown)).split())


def test_without_a_delivery_the_rules_are_said_in_sentences(command: Command, screening_loaded: None) -> None:
    code, out, err = command("docs")
    assert code == 0, err
    page = settings.state_path("docs", "expectations", "users.html")
    assert Path(out.strip()) == page
    shown = text_of(page)
    assert "userRole: one of Teacher, Administrator;" in shown
    assert "cell-spreadsheet-damage (row): ^[0-9](\\.[0-9]+)?E\\+[0-9]{2,}$" in shown
    assert "column_list" not in shown
    assert not list(settings.state_path("docs").glob("validations/**/*.html"))


def test_a_deliverys_page_has_numbers_and_none_of_its_cells(
    command: Command, delivery: Callable[[bytes], str], tmp_path: Path
) -> None:
    id_, out = delivery(users_csv([*ROWS[:2], ROWS[2] | UNKNOWN_ROLE])), tmp_path / "my pages"
    out.mkdir()
    (out / "mine.txt").write_text("kept")
    code, told, err = command("docs", id_, "--out", str(out))
    assert code == 0, err
    assert [Path(told.strip())] == list(out.glob("validations/**/*.html"))
    shown = text_of(Path(told.strip()))
    assert f"{id_} " in shown
    assert "Data asset: users.csv Status: Failed" in shown
    assert "primaryTeacher: one of Yes, No, or blank 1 of 3 rows do not meet it" in shown
    assert "endDate: not before startDate all 3 rows meet it" in shown
    assert list(canaries.in_files(out)) == []
    assert (out / "mine.txt").read_text() == "kept"


def test_a_refused_file_has_no_page(command: Command, delivery: Callable[[bytes], str]) -> None:
    code, out, err = command("docs", delivery(users_csv(ROWS).replace(b"userEmail", b"userEmial")))
    assert (code, out) == (4, "")
    assert "was refused" in err
    assert list(canaries.hits("stderr", err)) == []


def test_an_unknown_delivery_has_no_page(command: Command) -> None:
    assert command("docs", "nobody-20261201-000000")[0] == 4
