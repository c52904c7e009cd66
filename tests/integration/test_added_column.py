"""A column is added by a block of the dictionary and a migration: everything else follows."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from alembic.script import ScriptDirectory

from rostersync.embedded_postgres.server import Server
from rostersync.settings import PROJECT
from tests.support.command_process import CommandProcess, command_process
from tests.support.district_nights import person
from tests.support.servers import RosterDatabase, fresh_database

HEADER = "userPreferredName"
BLOCK = """\
  - header: userPreferredName
    need: optional
    kind: text
    entity: person
    attribute: preferred_name
    max_length: 40
    personal: true
    name: true
    on_blank: keep
    description: The name that the person goes by.
    example: Bee
"""
MIGRATION = """\
from alembic import op

revision = "9999_preferred_name"
down_revision = "{before}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE roster.person ADD COLUMN preferred_name TEXT")
    op.execute("GRANT UPDATE (preferred_name) ON roster.person TO roster_sync")
"""
DISTRICT = {
    "code": "springfield",
    "name": "Springfield Unified",
    "state": "CA",
    "source": {"file": "springfield"},
    "email_domains": ["springfield.example"],
}


@dataclass(slots=True, kw_only=True)
class AddedColumn:
    """One district, whose program has a dictionary with one column more. Files arrive a minute after each other."""

    command: CommandProcess
    made: RosterDatabase
    folder: Path
    files: int = 0

    def night(self, *rows: dict[str, str]) -> dict[str, Any]:
        """Sync a file with these rows: what came of it."""
        self.files += 1
        file = self.folder / "users.csv"
        file.write_bytes(self._text(rows))
        os.utime(file, (1_750_000_000 + 60 * self.files,) * 2)
        _, out, err = self.command("sync", "--district", "springfield", "--file", str(file), "--format", "json")
        assert out, err
        [result] = json.loads(out)
        return dict(result)

    def _text(self, rows: tuple[dict[str, str], ...]) -> bytes:
        """The rows under the headers of the program's own template."""
        template = self.command("template")[1].lstrip("\ufeff").strip()
        out = io.StringIO()
        writer = csv.DictWriter(out, template.split(","), restval="")
        writer.writeheader()
        writer.writerows(rows)
        return out.getvalue().encode()

    def execute(self, statement: str) -> list[Any]:
        """As the superuser, past all rights; what it returns."""
        with psycopg.connect(self.made.superuser_url.replace("+psycopg", ""), autocommit=True) as conn:
            cursor = conn.execute(statement)
            return [value for (value,) in cursor] if cursor.description else []

    def name(self, user: str = "u1") -> str | None:
        """What the roster has in the column."""
        [found] = self.execute(f"SELECT preferred_name FROM roster.person WHERE user_id = '{user}'")
        return None if found is None else str(found)


@pytest.fixture(scope="module")
def include(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the folder with the block in its dictionary and the migration; nothing is generated."""
    folder = tmp_path_factory.mktemp("added") / "include"
    ignored = shutil.ignore_patterns("expectations", "districts", "__pycache__")
    shutil.copytree(PROJECT / "include", folder, ignore=ignored)
    path = folder / "dictionary" / "users.yaml"
    before, at, after = path.read_text().partition("  - header: userEmail\n")
    path.write_text(before.replace('version: "1.0"', 'version: "1.1"') + BLOCK + at + after)
    migration = folder / "migrations" / "versions" / "9999_preferred_name.py"
    migration.write_text(MIGRATION.format(before=ScriptDirectory(str(folder / "migrations")).get_current_head()))
    (folder / "districts").mkdir()
    (folder / "districts" / "springfield.yaml").write_text(yaml.safe_dump(DISTRICT))
    return folder


@pytest.fixture(scope="module")
def process(include: Path, postgres: Server) -> Iterator[tuple[CommandProcess, RosterDatabase]]:
    with fresh_database(postgres, template="template0") as made:
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(sys.path),
            "ROSTERSYNC_INCLUDE": str(include),
            "ROSTERSYNC_STATE": str(include.parent / "state"),
            "ROSTERSYNC_DATABASE_URL": made.url,
            "ROSTERSYNC_OWNER_URL": made.owner_url,
            "ROSTERSYNC_SOURCE_URL": made.source_url,
        }
        with command_process(environment) as command:
            code, _, err = command("db", "upgrade")
            assert code == 0, err
            yield command, made


@pytest.fixture
def added(process: tuple[CommandProcess, RosterDatabase], tmp_path: Path) -> AddedColumn:
    """Nothing of another test is left, but for two schools of the enrollment source's."""
    command, made = process
    added = AddedColumn(command=command, made=made, folder=tmp_path)
    added.execute("TRUNCATE roster.district, intake.delivery CASCADE")
    added.execute("INSERT INTO roster.district (code, name) VALUES ('springfield', 'Springfield Unified')")
    added.execute(
        "INSERT INTO roster.school (district, school_id, name, owner) VALUES ('springfield', '100', 'S', 'source')"
    )
    return added


def test_it_is_created_updated_and_kept_on_blank(added: AddedColumn) -> None:
    first = added.night(person(1, **{HEADER: "Bee"}), person(2))
    assert first["counts"]["staff"]["created"] == 2
    assert (added.name("u1"), added.name("u2")) == ("Bee", None)
    assert added.night(person(1, **{HEADER: "Bea"}), person(2))["counts"]["staff"]["updated"] == 1
    assert added.name() == "Bea"
    assert added.night(person(1), person(2), person(3))["counts"]["staff"]["unchanged"] == 2
    assert added.name() == "Bea"


def test_what_was_edited_by_hand_stays(added: AddedColumn) -> None:
    added.night(person(1, **{HEADER: "Bee"}))
    added.execute("UPDATE roster.person SET preferred_name = 'Beatrix', sticky = '{preferred_name}'")
    result = added.night(person(1, **{HEADER: "Bea"}))
    assert [(f["line"], f["column"], f["code"]) for f in result["findings"]] == [(2, HEADER, "field-sticky")]
    assert added.name() == "Beatrix"


def test_the_log_explains_it_and_an_undo_takes_it_back(added: AddedColumn) -> None:
    added.night(person(1, **{HEADER: "Bee"}))
    second = added.night(person(1, **{HEADER: "Bea"}))
    told = json.loads(added.command("explain", "u1", "--district", "springfield", "--format", "json")[1])
    [record] = told["records"]
    assert {"preferred_name": ["Bee", "Bea"]} in [change["changed"] for change in record["changes"]]
    code, _, err = added.command("undo", second["delivery"], "--reason", "a test", "--yes")
    assert (code, added.name()) == (0, "Bee"), err


def test_errors_in_it_are_told_and_reject_their_rows(added: AddedColumn) -> None:
    result = added.night(
        person(1, **{HEADER: "B" * 41}), person(2, **{HEADER: "JosÃ©"}), person(3, **{HEADER: "-"}),
        person(4, **{HEADER: "Bee"}), person(4, **{HEADER: "Bea"}),
    )  # fmt: skip
    assert {(f["line"], f["column"], f["code"]) for f in result["findings"]} == {
        (2, HEADER, "cell-too-long"),
        (3, HEADER, "cell-mojibake"),
        (4, HEADER, "cell-placeholder"),
        (5, HEADER, "row-conflict"),
        (6, HEADER, "row-conflict"),
    }


def test_a_file_without_it_is_what_it_was(added: AddedColumn) -> None:
    added.night(person(1, **{HEADER: "Bee"}))
    file = added.folder / "users.csv"
    old = (PROJECT / "docs" / "users-template.csv").read_text("utf-8-sig").strip().split(",")
    out = io.StringIO()
    writer = csv.DictWriter(out, [header for header in old if header != HEADER], restval="")
    writer.writeheader()
    writer.writerow(person(1))
    file.write_text(out.getvalue())
    code, out_, err = added.command("sync", "--district", "springfield", "--file", str(file), "--format", "json")
    assert (code, json.loads(out_)[0]["counts"]["staff"]["unchanged"]) == (0, 1), err
    assert added.name() == "Bee"


def test_template_documentation_and_sample_name_it(added: AddedColumn) -> None:
    assert HEADER in added.command("template")[1].split(",")
    for kind in ("md", "html", "csv"):
        assert HEADER in added.command("dictionary", "--format", kind)[1]
    code, out, err = added.command("sample")
    assert code == 0, err
    sample = Path(out.splitlines()[0].split("   ")[-1])
    rows = list(csv.DictReader(sample.read_text("utf-8-sig").splitlines()))
    assert {row[HEADER] for row in rows} == {"", "Bee"}
