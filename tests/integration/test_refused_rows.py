"""Rows that the database refuses for a reason no rule knows, and what operators find under a reference."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from rostersync import cli
from rostersync.model import Finding, Outcome, RowCounts
from rostersync.tables import report_file
from tests.nights import Nights, person, teaching
from tests.servers import RosterDatabase

Printed = pytest.CaptureFixture[str]
REFUSED = "row-refused-by-database"
ROWS = [person(1), person(2, userLastName="Tate"), teaching(2, "c1", userLastName="Tate"), person(3)]


def fault(nights: Nights, statement: str) -> None:
    with nights.owner.begin() as conn:
        conn.execute(text(statement))


def no_tate(nights: Nights) -> None:
    fault(nights, "ALTER TABLE roster.person ADD CONSTRAINT injected CHECK (last_name <> 'Tate')")


def explained(database: RosterDatabase, reference: str, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("ROSTERSYNC_DATABASE_URL", database.url)
    monkeypatch.setenv("ROSTERSYNC_OWNER_URL", database.owner_url)
    return cli.run(["explain", reference])


def reference_of(finding: Finding) -> str:
    return str(finding.detail["reference"])


def test_all_rows_of_the_person_are_named_and_the_others_apply_once(nights: Nights) -> None:
    no_tate(nights)
    nights.put(ROWS)
    [result] = nights.sync("night-1")
    assert [each.flat for each in result.findings] == [(3, None, REFUSED), (4, None, REFUSED)]
    assert result.rows == RowCounts(read=4, accepted=2, rejected=2)
    assert (result.counts["staff"]["created"], result.counts["staff"]["errors"]) == (2, 1)
    assert nights.people() == ["u1", "u3"]
    before, mails = nights.fingerprint(), nights.messages()
    nights.now += timedelta(days=1)
    [again] = nights.sync("night-2")
    assert again.outcome is Outcome.DUPLICATE
    assert (nights.fingerprint(), nights.messages()) == (before, mails)


def test_what_a_trigger_refuses_is_named_and_other_faults_stay_as_they_are(
    nights: Nights, roster_database: RosterDatabase, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    body = "BEGIN IF NEW.last_name = 'Tate' THEN RAISE EXCEPTION 'no %', NEW.last_name; END IF; RETURN NEW; END"
    fault(nights, f"CREATE FUNCTION roster.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$")
    fault(
        nights, "CREATE TRIGGER injected BEFORE INSERT ON roster.person FOR EACH ROW EXECUTE FUNCTION roster.refuse()"
    )
    nights.put([*ROWS, person(2, userLastName="Tate", schoolId="999")])
    [result] = nights.sync()
    refused, other = result.findings[:2], result.findings[2:]
    assert [each.flat for each in refused] == [(3, None, REFUSED), (4, None, REFUSED)]
    assert [each.flat for each in other] == [(6, "schoolId", "school-unknown")]
    assert all("Tate" not in str(each.detail) for each in refused)
    assert explained(roster_database, reference_of(refused[0]), monkeypatch) == 0
    told = capsys.readouterr().out
    assert f"{REFUSED}: line 3 of delivery {result.delivery}, attempt 1 (district springfield)" in told
    assert "SQLSTATE P0001" in told


def test_a_race_that_is_lost_every_time_ends_with_the_row(nights: Nights) -> None:
    fault(nights, "CREATE UNIQUE INDEX injected ON roster.person (last_name)")
    nights.put([person(1, userLastName="Otter"), person(2, userLastName="Tate"), person(3, userLastName="Tate")])
    [result] = nights.sync()
    assert [each.flat for each in result.findings] == [(4, None, REFUSED)]
    assert nights.people() == ["u1", "u2"]


def test_a_removed_class_stands_for_itself(nights: Nights) -> None:
    nights.put([teaching(1, "c1")])
    nights.sync("night-1")
    fault(nights, "ALTER TABLE roster.class ADD CONSTRAINT injected CHECK (status = 'active')")
    nights.put([{"action": "REMOVE-CLASS", "schoolId": "100", "classId": "c1"}, person(2)], at=nights.now)
    [result] = nights.sync("night-2")
    assert [each.flat for each in result.findings] == [(2, None, REFUSED)]
    assert nights.people() == ["u1", "u2"]


def test_a_fault_that_is_in_no_row_fails_and_applies_nothing(nights: Nights) -> None:
    fault(nights, "ALTER TABLE intake.attempt ADD CONSTRAINT injected CHECK (number = 0)")
    nights.put(ROWS)
    [result] = nights.sync()
    assert (result.outcome, nights.people()) == (Outcome.FAILED, [])
    assert "injected" in str(result.error)


def test_operators_see_both_sides_of_a_taken_address(
    nights: Nights, roster_database: RosterDatabase, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    address = "ada.1@springfield.example"
    fault(nights, "INSERT INTO roster.district (code, name) VALUES ('shelbyville', 'Shelbyville ISD')")
    columns = "district, user_id, role, first_name, last_name, email, email_key, owner"
    values = f"'shelbyville', 's7', 'Teacher', 'Adah', 'Quimbley', '{address}', '{address}', 'source'"
    fault(nights, f"INSERT INTO roster.person ({columns}) VALUES ({values})")
    nights.put([person(1)])
    [result] = nights.sync()
    [taken] = result.findings
    with nights.owner.connect() as conn:
        content = conn.scalars(select(report_file.c.content).where(report_file.c.name == "users-errors.csv")).first()
    told = (content or b"").decode()
    assert (reference_of(taken) in told, "s7" in told, "shelbyville" in told) == (True, False, False)
    assert explained(roster_database, reference_of(taken).lower(), monkeypatch) == 0
    told = capsys.readouterr().out
    assert f"{address} is asked for userId u1 of district springfield" in told
    assert "held by userId s7 of district shelbyville (owner: source)" in told
    assert explained(roster_database, "R-00000000", monkeypatch) == cli.USAGE
