"""The content decides how a file is read: a name that says otherwise is told, and nothing more."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from rostersync.model import Outcome
from tests.support.district_nights import Nights, person, users_csv
from tests.support.workbooks import of_csv

CODE = "file-name-differs"
TEXT = users_csv([person(1), person(2)])
HELD_BY = {"users.csv": TEXT, "users.xlsx": of_csv(TEXT)}


@pytest.mark.parametrize(("name", "content"), [("users.xlsx", TEXT), ("users.csv", of_csv(TEXT))])
def test_it_is_read_as_what_it_is_with_a_remark(nights: Nights, name: str, content: bytes) -> None:
    nights.put(content, name)
    [result] = nights.sync()
    assert (result.outcome, [finding.flat for finding in result.findings]) == (Outcome.APPLIED, [(None, None, CODE)])
    assert nights.people() == ["u1", "u2"]


@pytest.mark.parametrize("name", HELD_BY)
def test_a_right_name_is_not_worth_a_word(nights: Nights, name: str) -> None:
    nights.put(HELD_BY[name], name)
    [result] = nights.sync()
    assert (result.outcome, list(result.findings)) == (Outcome.APPLIED, [])


def test_left_in_place_it_is_told_once(nights: Nights) -> None:
    nights.put(TEXT, "users.xlsx")
    nights.sync("night-1")
    before = nights.messages()
    nights.now += timedelta(days=1)
    [again] = nights.sync("night-2")
    assert (again.outcome, [finding.code for finding in again.findings]) == (Outcome.DUPLICATE, [CODE])
    assert nights.messages() == before


@pytest.mark.parametrize(("name", "found"), [("users.xlsx", True), ("USERS.XLSX", True), ("users.csv", False)])
def test_check_tells_it_too(command: object, tmp_path: Path, name: str, found: bool) -> None:
    (tmp_path / name).write_bytes(TEXT)
    code, out, _ = command("check", str(tmp_path / name))  # type: ignore[operator]  # the fixture
    assert (code, CODE in out) == (0, found)
