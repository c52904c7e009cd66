"""The search for canaries finds them: a search that finds nothing anywhere would call every leak a success."""

from __future__ import annotations

import base64
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from tests.support.canaries import words as canaries
from tests.support.canaries.words import WORDS, Violation
from tests.support.servers import RosterDatabase

WORD = WORDS[17]


def test_there_are_50_words_and_none_is_part_of_another() -> None:
    assert len(set(WORDS)) == 50
    assert [(a, b) for a in WORDS for b in WORDS if a != b and a.lower() in b.lower()] == []


@pytest.mark.parametrize(
    "content",
    [
        f"… {WORD} …",
        WORD.upper(),
        f"{WORD.lower()}.x@example.org",
        f"x={WORD}%40".encode(),
        f"…{WORD}".encode().hex(),
        *(base64.b64encode(b"." * shift + f"{WORD} and more".encode()).decode() for shift in range(3)),
    ],
)
def test_a_canary_is_found_in_each_form(content: str | bytes) -> None:
    assert list(canaries.hits("here", content)) == [Violation("here", WORD)]


def test_other_words_are_no_canaries() -> None:
    assert list(canaries.hits("here", "Canary, QANAR, qanarZZ and " + base64.b64encode(b"canaries").decode())) == []


def test_files_are_searched_by_name_and_by_content(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.log").write_text(f"said {WORD}")
    (tmp_path / f"{WORDS[0]}.part").touch()
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    (allowed / "raw").write_text(WORD)
    found = {(hit.place, hit.word) for hit in canaries.in_files(tmp_path, besides=[allowed])}
    assert found == {(str(tmp_path / "deep" / "a.log"), WORD), (f"name {tmp_path / f'{WORDS[0]}.part'}", WORDS[0])}


def test_every_table_of_a_database_is_searched_but_the_allowed_ones(roster_database: RosterDatabase) -> None:
    url = roster_database.superuser_url
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as conn:
        conn.execute("CREATE SCHEMA other")
        conn.execute("CREATE TABLE other.bytes (content bytea)")
        conn.execute("INSERT INTO other.bytes VALUES (convert_to(%s, 'UTF8'))", [f"in {WORD}"])
        conn.execute("INSERT INTO intake.run_districts VALUES ('dag', %s, '{}')", [WORDS[1]])
    assert set(canaries.in_database(url)) == {
        Violation("table other.bytes", WORD),
        Violation("table intake.run_districts", WORDS[1]),
    }
    assert set(canaries.in_database(url, besides=["intake"])) == {Violation("table other.bytes", WORD)}
    assert list(canaries.in_column(url, "intake.run_districts", "run_id")) == [
        Violation("column intake.run_districts.run_id", WORDS[1])
    ]


def test_arguments_of_a_short_process_are_seen() -> None:
    with canaries.watched_arguments() as watched:
        subprocess.run([sys.executable, "-c", "import time; time.sleep(0.6)", WORD], check=True)
        time.sleep(0.3)
    assert watched.found() == [Violation("process arguments", WORD)]
