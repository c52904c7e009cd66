"""`rostersync db query`: what operators may ask the ledger, among it every question of the runbook."""

from __future__ import annotations

import json

import pytest

from rostersync.cli import app as cli
from tests.support.district_nights import Nights, person
from tests.support.runbook_pages import commands, pages
from tests.support.servers import RosterDatabase

QUESTIONS = [words for page in pages() for words in commands(page) if words[:2] == ["db", "query"]]


@pytest.fixture(autouse=True)
def asked_here(roster_database: RosterDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROSTERSYNC_DATABASE_URL", roster_database.url)


def test_every_question_of_the_runbook_has_an_answer(nights: Nights, capsys: pytest.CaptureFixture[str]) -> None:
    nights.put([person(1), person(2, userRole="Janitor")])
    nights.sync()
    assert len(QUESTIONS) > 20
    for question in QUESTIONS:
        assert cli.run([word.replace("CODE", "springfield") for word in question]) == 0, question
    assert capsys.readouterr().err == ""


def test_an_answer_has_columns_in_the_order_that_was_asked(nights: Nights, capsys: pytest.CaptureFixture[str]) -> None:
    nights.put([person(1), person(2, userRole="Janitor")])
    [result] = nights.sync()
    assert (
        cli.run(["db", "query", "SELECT district, delivery, rows FROM intake.attempt WHERE delivery LIKE '%-%'"]) == 0
    )
    head, line = capsys.readouterr().out.splitlines()
    assert head.split() == ["district", "delivery", "rows"]
    district, delivery, rows = line.split(maxsplit=2)
    assert (district, delivery) == ("springfield", result.delivery)
    assert json.loads(rows) == {"read": 2, "accepted": 1, "rejected": 1, "set_aside": 0}


NO_QUESTIONS = [
    "DELETE FROM intake.message",
    "UPDATE intake.delivery SET state = 'pulled'",
    "WITH gone AS (UPDATE intake.delivery SET state = 'pulled' RETURNING id) SELECT * FROM gone",
    "COMMIT; UPDATE intake.delivery SET state = 'pulled'",
    "SET TRANSACTION READ WRITE",
    "SELECT nothing FROM nowhere",
    "SELECT * FROM roster.person",
    "",
]


def test_what_is_no_question_is_refused_and_changes_nothing(nights: Nights, capsys: pytest.CaptureFixture[str]) -> None:
    nights.put([person(1)])
    nights.sync()
    for statement in NO_QUESTIONS:
        assert cli.run(["db", "query", statement]) == 4, statement
        assert "[configuration]" in capsys.readouterr().err
    assert nights.states() == ["applied"]
    assert len(nights.messages()) == 1
