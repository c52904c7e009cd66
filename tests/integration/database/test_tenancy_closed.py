"""Raw SQL with each login: what no district reads of another, and what nobody turns to somebody else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from psycopg import sql

from rostersync.settings import include_path
from tests.support.tenancy import HERE, NO_DISTRICT, ROLES, THERE, Logins, refused

KEY_ALONE = "RSK01"
REPEATED = """
    INSERT INTO intake.message (district, report, recipient, message_id) VALUES ('here', 'here', 'a@b', 'x')
    ON CONFLICT (report, recipient) DO UPDATE SET recipient = 'c@d'
"""


@pytest.mark.parametrize("role", ["roster_sync", "roster_manual", "roster_sweep"])
def test_file_names_are_seen_by_their_district_alone(logins: Logins, role: str) -> None:
    asked = "SELECT name FROM intake.arrival"
    assert logins.answer(role, f"{asked} WHERE district = '{THERE}'") == 0
    assert logins.answer(role, asked) == 1
    assert logins.answer(role, asked, None) == NO_DISTRICT


@pytest.mark.parametrize("role", ["roster_source", "roster_read"])
def test_file_names_are_nothing_to_those_who_only_know_the_roster(logins: Logins, role: str) -> None:
    assert refused(logins.answer(role, "SELECT name FROM intake.arrival"))


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE intake.message SET recipient = 'c@d'",
        "UPDATE intake.message SET district = district, recipient = recipient",
        "UPDATE intake.report_drop SET target = 't2'",
        "UPDATE intake.report_drop SET name = 'n2'",
        REPEATED,
        "MERGE INTO intake.message USING (VALUES (1)) one (n) ON true WHEN MATCHED THEN UPDATE SET recipient = 'c@d'",
    ],
)
def test_a_mail_or_a_file_is_not_redirected(logins: Logins, change: str) -> None:
    assert refused(logins.answer("roster_sync", change))


def test_a_mail_and_a_file_change_their_states(logins: Logins) -> None:
    assert logins.answer("roster_sync", "UPDATE intake.message SET state = 'sent', sent_at = now(), answer = 'OK'") == 1
    assert logins.answer("roster_sync", "UPDATE intake.report_drop SET state = 'dropped', dropped_at = now()") == 1


@pytest.mark.parametrize(
    ("change", "came"),
    [
        ("email_key = 'x' WHERE owner = 'manual'", KEY_ALONE),
        ("email_key = 'x' WHERE owner = 'file'", KEY_ALONE),
        ("email_key = 'x', sticky = ARRAY['email'] WHERE owner = 'file'", KEY_ALONE),
        (
            "email_key = 'x', email = email, last_name = 'N', sticky = ARRAY['last_name'] WHERE owner = 'file'",
            KEY_ALONE,
        ),
        ("email = 'x@y', email_key = 'x@y' WHERE owner = 'manual'", 1),
        ("email = 'x@y', email_key = 'x@y', sticky = ARRAY['email'] WHERE owner = 'file'", 1),
        ("email_key = email_key, middle_name = 'M' WHERE owner = 'manual'", 1),
    ],
)
def test_by_hand_a_key_changes_with_its_address_only(logins: Logins, change: str, came: str | int) -> None:
    assert logins.answer("roster_manual", f"UPDATE roster.person SET {change}") == came


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    "making", ["lo_create(0)", "lo_creat(-1)", "lo_from_bytea(0, 'x')", "lo_import('/etc/hostname')"]
)
def test_nobody_makes_a_large_object(logins: Logins, role: str, making: str) -> None:
    assert refused(logins.answer(role, f"SELECT {making}"))


def test_counts_of_before_are_rid_of_what_was_typed_as_a_school(logins: Logins) -> None:
    """The migration's statement, run once more on an attempt of an older version."""
    script = Path(include_path("migrations", "versions", "0015_closed_listings.sql")).read_text(encoding="utf-8")
    one = {"staff": {"created": 0, "errors": 1}, "class": {"created": 0, "errors": 0}}
    two = {"staff": {"created": 0, "errors": 2}, "class": {"created": 0, "errors": 1}}
    typed = {"S-file": one, "Ada Quimby": one, "ada@here.example": two, "(none)": one}
    with logins.as_("postgres") as conn:
        conn.execute("UPDATE intake.attempt SET by_school = %s WHERE district = %s", [json.dumps(typed), HERE])
        conn.execute("SET LOCAL ROLE roster_owner")
        conn.execute(sql.SQL(script[script.index("DO $$") :]))  # type: ignore[arg-type]  # our own file
        conn.execute("RESET ROLE")
        [(counts,)] = conn.execute("SELECT by_school FROM intake.attempt WHERE district = %s", [HERE]).fetchall()
    three = {"staff": {"created": 0, "errors": 3}, "class": {"created": 0, "errors": 1}}
    assert counts == {"S-file": one, "(none)": one, "(unknown)": three}
