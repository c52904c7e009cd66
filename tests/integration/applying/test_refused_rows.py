"""Rows that the database refuses for a reason no rule knows, and what operators find under a reference."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import insert, select, text

from rostersync.cli import app as cli
from rostersync.cli.exit_codes import USAGE
from rostersync.database.tables import class_, district, person, report_file
from rostersync.embedded_postgres.server import Server
from rostersync.model import Finding, Outcome, RowCounts
from tests.support import district_nights as rows
from tests.support.district_nights import Nights, teaching

REFUSED = "row-refused-by-database"
FILE = [rows.person(1), rows.person(2, userLastName="Tate"), teaching(2, "c1", userLastName="Tate"), rows.person(3)]


@pytest.fixture
def nights(emptied: Nights) -> Nights:
    """The standing database with the two schools."""
    emptied.seed()
    return emptied


@contextmanager
def trigger(nights: Nights) -> Iterator[None]:
    """A trigger that refuses one last name and quotes it."""
    body = "BEGIN IF NEW.last_name = 'Tate' THEN RAISE EXCEPTION 'no %', NEW.last_name; END IF; RETURN NEW; END"
    when = "BEFORE INSERT ON roster.person FOR EACH ROW"
    with nights.owner.begin() as conn:
        conn.execute(text(f"CREATE FUNCTION roster.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$"))
        conn.execute(text(f"CREATE TRIGGER injected {when} EXECUTE FUNCTION roster.refuse()"))
    try:
        yield
    finally:
        with nights.owner.begin() as conn:
            conn.execute(text("DROP FUNCTION roster.refuse() CASCADE"))


@pytest.fixture
def operator(nights: Nights, postgres: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line has the operators' logins."""
    database = nights.engine.url.database or ""
    for name, role in (("DATABASE", "roster_sync"), ("OWNER", "roster_owner")):
        monkeypatch.setenv(f"ROSTERSYNC_{name}_URL", postgres.url_of(role, database))


def explained(reference: str) -> int:
    return cli.run(["explain", reference])


def reference_of(finding: Finding) -> str:
    return str(finding.detail["reference"])


def test_all_rows_of_the_person_are_named_and_the_others_apply_once(nights: Nights) -> None:
    nights.put(FILE)
    with nights.refusing("roster.person", "CHECK (last_name <> 'Tate')"):
        [result] = nights.sync("night-1")
        assert [finding.flat for finding in result.findings] == [(3, None, REFUSED), (4, None, REFUSED)]
        assert result.rows == RowCounts(read=4, accepted=2, rejected=2)
        assert (result.counts["staff"]["created"], result.counts["staff"]["errors"]) == (2, 1)
        assert nights.people() == ["u1", "u3"]
        before, mails = nights.fingerprint(), nights.messages()
        nights.now += timedelta(days=1)
        [again] = nights.sync("night-2")
    assert again.outcome is Outcome.DUPLICATE
    assert (nights.fingerprint(), nights.messages()) == (before, mails)


def test_what_a_trigger_refuses_is_named_and_other_faults_stay_as_they_are(
    nights: Nights, operator: None, capsys: pytest.CaptureFixture[str]
) -> None:
    nights.put([*FILE, rows.person(2, userLastName="Tate", schoolId="999")])
    with trigger(nights):
        [result] = nights.sync()
    refused, other = result.findings[:2], result.findings[2:]
    assert [each.flat for each in refused] == [(3, None, REFUSED), (4, None, REFUSED)]
    assert [each.flat for each in other] == [(6, "schoolId", "school-unknown")]
    assert all("Tate" not in str(each.detail) for each in refused)
    assert explained(reference_of(refused[0])) == 0
    told = capsys.readouterr().out
    assert f"{REFUSED}: line 3 of delivery {result.delivery}, attempt 1 (district springfield)" in told
    assert "SQLSTATE P0001" in told


def test_a_race_that_is_lost_every_time_ends_with_the_row(nights: Nights) -> None:
    nights.put([rows.person(n, userLastName=name) for n, name in ((1, "Otter"), (2, "Tate"), (3, "Tate"))])
    with nights.refusing("roster.person", "UNIQUE (last_name)"):
        [result] = nights.sync()
    assert [finding.flat for finding in result.findings] == [(4, None, REFUSED)]
    assert nights.people() == ["u1", "u2"]


def test_a_removed_class_stands_for_itself(nights: Nights) -> None:
    known = {"district": "springfield", "class_id": "c1", "school_id": "100", "name": "Reading", "owner": "file"}
    with nights.owner.begin() as conn:
        conn.execute(insert(class_).values(known))
    nights.put([{"action": "REMOVE-CLASS", "schoolId": "100", "classId": "c1"}, rows.person(2)])
    with nights.refusing("roster.class", "CHECK (status = 'active')"):
        [result] = nights.sync()
    assert [finding.flat for finding in result.findings] == [(2, None, REFUSED)]
    assert nights.people() == ["u2"]


def test_a_fault_that_is_in_no_row_fails_and_applies_nothing(nights: Nights) -> None:
    nights.put(FILE)
    with nights.refusing("intake.attempt", "CHECK (number = 0)"):
        [result] = nights.sync()
    assert (result.outcome, nights.people()) == (Outcome.FAILED, [])
    assert "injected" in str(result.error)


def test_operators_see_both_sides_of_a_taken_address(
    nights: Nights, operator: None, capsys: pytest.CaptureFixture[str]
) -> None:
    address = "ada.1@springfield.example"
    them = {"district": "shelbyville", "user_id": "s7", "role": "Teacher", "first_name": "Adah", "last_name": "Q"}
    with nights.owner.begin() as conn:
        conn.execute(insert(district).values(code="shelbyville", name="Shelbyville ISD"))
        conn.execute(insert(person).values(**them, email=address, email_key=address, owner="source"))
    nights.put([rows.person(1)])
    [result] = nights.sync()
    [taken] = result.findings
    with nights.owner.connect() as conn:
        content = conn.scalars(select(report_file.c.content).where(report_file.c.name == "users-errors.csv")).first()
    told = (content or b"").decode()
    assert (reference_of(taken) in told, "s7" in told, "shelbyville" in told) == (True, False, False)
    assert explained(reference_of(taken).lower()) == 0
    told = capsys.readouterr().out
    assert f"{address} is asked for userId u1 of district springfield" in told
    assert "held by userId s7 of district shelbyville (owner: source)" in told
    assert explained("R-00000000") == USAGE
