"""The command line on a real database: the demo's night, its shapes, exit codes and reports."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Sequence
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from rostersync import sample, settings
from rostersync.configuration import dictionary, districts
from rostersync.database import tables
from rostersync.model import BUCKETS, ENTITIES
from tests.support.district_nights import users_csv
from tests.support.servers import RosterDatabase

README = Path(__file__).parents[3] / "README.md"
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def demo(source_engine: Engine) -> sample.Night:
    """The demo's files in their inboxes and its roster in the database."""
    return sample.write_demo(source_engine)


def results(told: str) -> Sequence[dict[str, Any]]:
    """What `--format json` printed."""
    found: Sequence[dict[str, Any]] = json.loads(told)
    return found


def test_the_demos_night_is_one_clean_one_faulty_and_one_refused_file(command: Command, demo: sample.Night) -> None:
    code, told, _ = command("sync", "--format", "json")
    assert code == 2
    assert [(result["district"], result["outcome"]) for result in results(told)] == [
        ("birchmere", "applied"),
        ("fernhollow", "applied_with_errors"),
        ("stonequay", "refused"),
    ]
    assert {finding["code"] for finding in results(told)[2]["findings"]} >= {"header-misspelled", "header-missing"}


def test_a_clean_demo_file_has_no_finding_at_all(command: Command, demo: sample.Night) -> None:
    code, told, _ = command("sync", "--district", "birchmere", "--format", "json")
    [result] = results(told)
    assert (code, result["findings"], result["rows"]["rejected"]) == (0, [], 0)


def test_the_demos_faulty_file_has_every_fault_of_the_roster_too(command: Command, demo: sample.Night) -> None:
    _, told, _ = command("sync", "--district", "fernhollow", "--format", "json")
    codes = {finding["code"] for finding in results(told)[0]["findings"]}
    assert codes >= {
        "email-taken",
        "school-unknown",
        "class-other-school",
        "person-owned-by-source",
        "action-target-unknown",
    }


def test_the_readme_quotes_the_subject_of_the_demos_mail(command: Command, demo: sample.Night) -> None:
    command("sync", "--district", "fernhollow")
    [mail] = (
        message_from_bytes(path.read_bytes(), policy=default) for path in settings.from_environment().outbox.iterdir()
    )
    district, words = mail["Subject"].split(", ")[0], mail["Subject"].split(": ")[1]
    assert re.search(rf'"{district}, \w+ \d+, \d+: {words}"', README.read_text(encoding="utf-8"))


def test_the_same_night_again_is_duplicate_with_the_stored_counts_and_no_mail(
    command: Command, demo: sample.Night, engine: Engine
) -> None:
    _, first, _ = command("sync", "--district", "birchmere", "--format", "json")
    outbox = sorted(settings.from_environment().outbox.iterdir())
    code, again, _ = command("sync", "--district", "birchmere", "--format", "json")
    [one], [two] = results(first), results(again)
    assert (code, two["outcome"]) == (0, "duplicate")
    assert {**two, "outcome": "applied"} == one
    assert sorted(settings.from_environment().outbox.iterdir()) == outbox


def test_the_json_of_a_result_has_the_documented_shape(command: Command, demo: sample.Night) -> None:
    _, told, _ = command("sync", "--district", "fernhollow", "--format", "json")
    [result] = results(told)
    assert list(result) == [
        "district", "delivery", "attempt", "outcome", "rows", "counts", "by_school", "findings",
    ]  # fmt: skip
    assert set(result["rows"]) == {"read", "accepted", "rejected", "set_aside"}
    assert {entity: set(buckets) for entity, buckets in result["counts"].items()} == {
        entity: set(BUCKETS) for entity in ENTITIES
    }
    assert all(set(counts) <= {"staff", "class", "enrollment"} for counts in result["by_school"].values())


def test_a_dry_run_writes_nothing_and_has_the_nights_exit_code(
    command: Command, demo: sample.Night, superuser_engine: Engine
) -> None:
    code, told, _ = command("sync", "--dry-run")
    assert (code, "dry run" in told) == (2, True)
    with superuser_engine.connect() as conn:
        tried = [tables.delivery, tables.arrival, tables.attempt, tables.change, tables.message]
        assert [conn.scalar(select(func.count()).select_from(table)) for table in tried] == [0] * 5
    assert not list(settings.from_environment().outbox.glob("*"))


def test_a_file_given_by_hand_is_taken_in_place_of_the_inbox_and_stays(
    command: Command, demo: sample.Night, tmp_path: Path
) -> None:
    mine = tmp_path / "staff [new].csv"
    mine.write_bytes(demo.files[0].path.read_bytes())
    code, told, _ = command("sync", "--district", "birchmere", "--file", str(mine), "--format", "json")
    assert (code, [result["outcome"] for result in results(told)]) == (0, ["applied"])
    assert mine.exists()


def test_a_file_that_no_inbox_would_deliver_is_a_usage_error(command: Command, tmp_path: Path) -> None:
    (tmp_path / "users.csv.part").write_bytes(b"x")
    assert command("sync", "--district", "birchmere", "--file", str(tmp_path / "users.csv.part"))[0] == 4


def test_force_asks_and_does_nothing_when_nobody_can_answer(command: Command, demo: sample.Night) -> None:
    command("sync", "--district", "birchmere")
    words = ("sync", "--district", "birchmere", "--force", "--reason", "restored")
    assert command(*words)[0] == 4
    code, told, _ = command(*words, "--yes", "--format", "json")
    assert (code, results(told)[0]["attempt"], results(told)[0]["outcome"]) == (0, 2, "applied")


def test_a_district_without_a_file_is_fine(command: Command, demo: sample.Night) -> None:
    demo.files[0].path.unlink()
    code, told, _ = command("sync", "--district", "birchmere", "--format", "json")
    assert (code, results(told)[0]["outcome"], results(told)[0]["delivery"]) == (0, "no_file", None)


def test_one_districts_missing_inbox_is_our_failure_and_delays_no_other(command: Command, demo: sample.Night) -> None:
    demo.files[0].path.unlink()
    demo.files[0].path.parent.rmdir()
    code, told, _ = command("sync", "--format", "json")
    assert code == 5
    assert [result["outcome"] for result in results(told)] == ["failed", "applied_with_errors", "refused"]


def test_a_check_against_the_roster_finds_what_the_night_finds_and_writes_nothing(
    command: Command, demo: sample.Night, superuser_engine: Engine
) -> None:
    file = str(demo.files[1].path)
    code, checked, _ = command("check", file, "--district", "fernhollow", "--format", "json")
    _, synced, _ = command("sync", "--district", "fernhollow", "--dry-run", "--format", "json")
    assert code == 1
    assert json.loads(checked)["rows"] == results(synced)[0]["rows"]
    assert _places(json.loads(checked)["findings"]) == _places(results(synced)[0]["findings"])
    with superuser_engine.connect() as conn:
        assert conn.scalar(select(func.count()).select_from(tables.delivery)) == 0


def _places(findings: Sequence[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """All but the wording: a night, whose output may end in a log, quotes nothing that a check does."""
    return [tuple(finding[name] for name in ("code", "severity", "line", "column")) for finding in findings]


def test_a_report_is_shown_as_it_was_mailed_and_its_files_are_saved(
    command: Command, demo: sample.Night, tmp_path: Path
) -> None:
    _, told, _ = command("sync", "--district", "fernhollow", "--format", "json")
    delivery = results(told)[0]["delivery"]
    code, text, _ = command("report", delivery, "--files", str(tmp_path / "out"))
    assert (code, text.startswith("Subject: ")) == (0, True)
    saved = {path.name for path in (tmp_path / "out").iterdir()}
    assert saved == {"users-errors.csv", "users-errors.xlsx", "schools.csv"}
    assert command("report", delivery, "--format", "html")[1].lstrip().lower().startswith("<!doctype html")
    assert json.loads(command("report", delivery, "--format", "json")[1])["delivery"] == delivery


def test_an_unknown_delivery_is_a_usage_error(command: Command) -> None:
    assert command("report", "nobody-0000")[0] == 4


def test_the_doctor_is_content_with_a_fresh_installation(command: Command, demo: sample.Night) -> None:
    code, told, _ = command("doctor")
    assert (code, "fail" in told.lower()) == (0, False)


def test_the_doctor_finds_an_open_landing_store_and_a_wrong_district(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "landing").mkdir(mode=0o755)
    monkeypatch.setenv("ROSTERSYNC_LANDING_URL", str(tmp_path / "landing"))
    monkeypatch.setattr(districts, "problems", lambda *_: ["oak.yaml: name: missing."])
    code, told, _ = command("doctor")
    assert code == 4
    assert "chmod 700" in told
    assert "oak.yaml" in told


def test_the_doctor_names_a_schema_that_is_not_the_newest(command: Command, owner_engine: Engine) -> None:
    with owner_engine.begin() as conn:
        conn.exec_driver_sql("UPDATE intake.alembic_version SET version_num = '0000'")
    code, told, _ = command("doctor")
    assert (code, "schema-mismatch" in told) == (5, True)


def test_a_database_that_is_away_is_our_failure(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROSTERSYNC_DATABASE_URL", "postgresql+psycopg://roster_sync:x@127.0.0.1:9/roster")
    code, _, told = command("sync")
    assert (code, "database-unavailable" in told, "Traceback" in told) == (5, True, False)


def test_the_owner_is_too_strong_for_the_tasks(
    command: Command, roster_database: RosterDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROSTERSYNC_DATABASE_URL", roster_database.owner_url)
    assert command("sync")[0] == 4


def test_an_upgrade_of_the_newest_schema_changes_nothing(command: Command) -> None:
    code, _, told = command("db", "upgrade")
    assert (code, "revision" in told) == (0, True)


def test_a_sample_night_has_a_configuration_of_its_own_and_can_be_synced(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, told, _ = command("sample", "--districts", "4", "--broken", "1", "--faults", "0.1", "--seed", "5")
    assert (code, len(told.splitlines())) == (0, 4)
    monkeypatch.setenv("ROSTERSYNC_INCLUDE", str(settings.state_path("sample", "include")))
    assert len(districts.load_districts()) == 4
    code, synced, _ = command("sync", "--format", "json")
    outcomes = [result["outcome"] for result in results(synced)]
    assert (code, outcomes.count("refused"), outcomes.count("failed")) == (2, 1, 0)


def test_a_sample_written_again_changes_nothing(demo: sample.Night, engine: Engine, source_engine: Engine) -> None:
    versions = select(tables.district.c.code, tables.district.c.roster_version)
    times = [sent.path.stat().st_mtime_ns for sent in demo.files]
    with engine.connect() as conn:
        before = conn.execute(versions).all()
    assert sample.write_demo(source_engine) == demo
    with engine.connect() as conn:
        assert conn.execute(versions).all() == before
    assert [sent.path.stat().st_mtime_ns for sent in demo.files] == times


def test_a_vendors_file_sent_by_mistake_is_one_districts_file(source_engine: Engine, tmp_path: Path) -> None:
    foreign = tmp_path / "users.csv"
    foreign.write_bytes(b"sourcedId,status\n1,active\n")
    night = sample.write_night(source_engine, sample.SampleOptions(districts=3, foreign=foreign))
    assert [sent.path.read_bytes() == foreign.read_bytes() for sent in night.files] == [False, True, False]


def test_a_big_files_roster_and_rows_belong_together(
    command: Command, superuser_engine: Engine, source_engine: Engine, tmp_path: Path
) -> None:
    big = sample.big_file(400, fault_share=0)
    sample.records.write(source_engine, big.place, big.roster)
    assert len(dictionary.load_dictionary().headers) == big.data.splitlines()[0].count(b",") + 1
    with superuser_engine.connect() as conn:
        here = select(func.count()).where(tables.school.c.district == big.place.code)
        assert conn.scalar(here) == len(big.place.schools)


def held_by_birchmere(command: Command) -> tuple[str, list[str]]:
    """Birchmere's night, and then a file that removes ten of its people: that delivery's id, and theirs, sorted."""
    inbox = settings.state_path("inbox", "birchmere", "users.csv")
    assert command("sync", "--district", "birchmere")[0] == 0
    with inbox.open(encoding="utf-8-sig", newline="") as file:
        placed = list({each["userId"]: each["schoolId"] for each in csv.DictReader(file)}.items())[:10]
    rows = [{"action": "REMOVE-USER", "userId": user, "schoolId": school} for user, school in placed]
    inbox.write_bytes(users_csv(rows))
    code, told, _ = command("sync", "--district", "birchmere", "--format", "json")
    assert code == 3
    return results(told)[0]["delivery"], sorted(user for user, _ in placed)


def test_a_held_file_is_shown_and_decided_about_without_airflow(
    command: Command, demo: sample.Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROSTERSYNC_OPS_MAIL", "ops@example.org, desk@example.org")
    delivery, people = held_by_birchmere(command)
    saved = tmp_path / "changes.csv"
    code, told, hints = command("plan", delivery, "--csv", str(saved))
    assert (code, "hold-removals" in told, str(saved) in hints) == (3, True, True)
    with saved.open(encoding="utf-8-sig", newline="") as file:
        changes = list(csv.DictReader(file))
    gone = [change["key"] for change in changes if (change["entity"], change["action"]) == ("person", "removed")]
    assert gone == people
    assert {change["after"] for change in changes if change["entity"] == "person"} == {"status: inactive"}
    assert command("plan", delivery, "--format", "json")[0] == 3
    assert command("discard", delivery, "--reason", " ")[0] == 4
    code, told, _ = command("approve", delivery)
    assert (code, told.splitlines()[0]) == (0, "birchmere: applied")
    code, _, said = command("discard", delivery, "--reason", "too late")
    assert (code, "is applied, by" in said) == (0, True)
    code, told, said = command("plan", delivery)
    assert (code, "is applied, by" in said, "birchmere: held" in told) == (0, True, True)
    outbox = [path.read_text() for path in settings.from_environment().outbox.glob(f"*{delivery}*.eml")]
    assert sum("To: ops@example.org" in mail for mail in outbox) == 1


def test_a_held_file_is_discarded_for_good(command: Command, demo: sample.Night, superuser_engine: Engine) -> None:
    delivery, people = held_by_birchmere(command)
    assert command("approve", "birchmere-0000000000000000")[0] == 4
    code, told, _ = command("discard", delivery, "--reason", "wrong file")
    assert (code, told.splitlines()[0]) == (0, "birchmere: discarded")
    code, told, said = command("approve", delivery)
    assert (code, told, "is discarded, by" in said) == (0, "", True)
    p = tables.person.c
    with superuser_engine.connect() as conn:
        active = conn.scalars(select(p.user_id).where(p.user_id.in_(people), p.status == "active"))
        assert sorted(active) == people
