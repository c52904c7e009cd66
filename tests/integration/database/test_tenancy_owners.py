"""Raw SQL with each login: whose records it writes, and the one question that looks over the districts."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql
from psycopg.errors import InsufficientPrivilege

from tests.faults.markers import fault
from tests.support.tenancy import HERE, NO_DISTRICT, OTHER_OWNER, OWNED, RECORDS, WRITERS, Logins, refused

pytestmark = fault("F30", "Every login, every record: what another owner has is not changed by any way.")

# role, owner of the record before (None: it is inserted), owner afterwards → whether it is done.
CHANGES_OF_OWNER = {
    "roster_sync": {(None, "file"), ("file", "file")},
    "roster_source": {(None, "source"), ("source", "source"), ("file", "source")},
    "roster_manual": {(None, "manual"), ("manual", "manual"), ("manual", "file"), ("file", "file")},
    "roster_owner": {(before, after) for before in (None, *RECORDS) for after in RECORDS},
}
KEYS = {
    "school": "school_id",
    "person": "user_id",
    "placement": "school_id",
    "class": "class_id",
    "enrollment": "class_id",
}
PREFIX = {"school": "S-", "person": "P-", "placement": "S-", "class": "C-", "enrollment": "C-"}
VALUES = {
    "school": "(district, school_id, name, owner) VALUES ('here', 'N', 'N', '{}')",
    "person": "(district, user_id, role, first_name, last_name, email, email_key, owner)"
    " VALUES ('here', 'N', 'Teacher', 'N', 'N', 'n', 'n', '{}')",
    "placement": "(district, user_id, school_id, status, owner) VALUES ('here', 'P-manual', 'S-file', 'active', '{}')",
    "class": "(district, class_id, school_id, name, owner) VALUES ('here', 'N', 'S-file', 'N', '{}')",
    "enrollment": "(district, user_id, class_id, status, owner) VALUES ('here', 'P-manual', 'C-file', 'active', '{}')",
}


@pytest.mark.parametrize("entity", OWNED)
@pytest.mark.parametrize("role", [*WRITERS, "roster_owner"])
def test_each_writer_writes_its_own_records_only(logins: Logins, role: str, entity: str) -> None:
    done = set()
    for after in RECORDS:
        answer = logins.answer(role, f"INSERT INTO roster.{entity} {VALUES[entity].format(after)}")
        assert answer in (1, OTHER_OWNER)
        done |= {(None, after)} if answer == 1 else set()
        for before in RECORDS:
            # The tasks have no right to the column owner at all: theirs is a change of something else.
            if role == "roster_sync" and before != after:
                continue
            change = "updated_at = now()" if role == "roster_sync" else f"owner = '{after}', updated_at = now()"
            whose = f"{KEYS[entity]} = '{PREFIX[entity]}{before}'"
            answer = logins.answer(role, f"UPDATE roster.{entity} SET {change} WHERE {whose}")
            assert answer in (1, OTHER_OWNER)
            done |= {(before, after)} if answer == 1 else set()
    assert done == CHANGES_OF_OWNER[role]


def test_on_conflict_is_no_way_to_a_record_of_the_source(logins: Logins) -> None:
    new = VALUES["person"].format("file").replace("'N', 'Teacher'", "'P-source', 'Teacher'")
    upsert = f"INSERT INTO roster.person {new} ON CONFLICT (district, user_id) DO UPDATE SET first_name = 'Eve'"
    assert logins.answer("roster_sync", upsert) == OTHER_OWNER


def test_merge_is_no_way_to_a_record_of_the_source(logins: Logins) -> None:
    merge = """
        MERGE INTO roster.class c USING (VALUES ('here', 'C-source')) v (d, k) ON c.district = v.d AND c.class_id = v.k
        WHEN MATCHED THEN UPDATE SET name = 'mine'
    """
    assert logins.answer("roster_sync", merge) == OTHER_OWNER


def test_a_hand_edits_a_files_record_only_where_the_field_is_sticky_then(logins: Logins) -> None:
    edit = "UPDATE roster.person SET first_name = 'Eve', email = 'e', email_key = 'e'{} WHERE user_id = 'P-file'"
    assert logins.answer("roster_manual", edit.format("")) == OTHER_OWNER
    assert logins.answer("roster_manual", edit.format(", sticky = '{first_name}'")) == OTHER_OWNER
    assert logins.answer("roster_manual", edit.format(", sticky = '{first_name,email}'")) == 1


def test_a_corrected_id_takes_all_assignments_along_and_changes_nothing_else_of_them(logins: Logins) -> None:
    rename = "UPDATE roster.person SET user_id = 'P-new' WHERE user_id = 'P-file'"
    look = "SELECT school_id, owner, status, user_id FROM roster.placement ORDER BY 1"
    with logins.as_("roster_sync") as conn:
        before = conn.execute(look).fetchall()
        conn.execute(rename)
        assert conn.execute(look).fetchall() == [(*row[:3], "P-new") for row in before]
        assert {row[1] for row in before} == set(RECORDS)
    assert logins.answer("roster_sync", rename.replace("'P-file'", "'P-source'")) == OTHER_OWNER


def test_the_tasks_best_try_leaves_the_checksum_of_all_that_is_not_theirs(logins: Logins) -> None:
    checksum = " UNION ALL ".join(
        f"SELECT '{name}', md5(string_agg(t::text, '|' ORDER BY t::text)) FROM roster.{name} t WHERE owner <> 'file'"
        for name in OWNED
    )
    with logins.as_("postgres") as witness:
        before = witness.execute(sql.SQL(checksum)).fetchall()
    url = logins.made.url.replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("SELECT set_config('rostersync.district', %s, false)", [HERE])
        for name in OWNED:
            for where in ("true", "owner = 'source'", "owner <> 'file'"):
                with pytest.raises(psycopg.DatabaseError):
                    conn.execute(sql.SQL(f"UPDATE roster.{name} SET status = 'ended' WHERE {where}"))
    with logins.as_("postgres") as witness:
        assert witness.execute(sql.SQL(checksum)).fetchall() == before
    assert len(before) == 5


def test_addresses_taken_elsewhere_are_told_and_nothing_else_of_them(logins: Logins) -> None:
    asked = "SELECT roster.taken_elsewhere(ARRAY['source@there', 'file@here', 'nobody@there'])"
    for role in WRITERS:
        with logins.as_(role) as conn:
            assert conn.execute(sql.SQL(asked)).fetchall() == [("source@there",)]
        assert logins.answer(role, asked, None) == NO_DISTRICT
    assert refused(logins.answer("roster_read", asked))


def test_an_inactive_persons_address_is_free_for_others(logins: Logins) -> None:
    leave = "UPDATE roster.person SET status = 'inactive' WHERE user_id = 'P-source'"
    with logins.as_("postgres") as conn:
        conn.execute(leave)
        found = conn.execute("SELECT roster.taken_elsewhere(ARRAY['source@there'])").fetchall()
    assert found == []


def test_a_function_of_the_owner_would_call_every_address_free(logins: Logins) -> None:
    """The trap: SECURITY DEFINER alone does not pass forced row-level security."""
    with logins.as_("roster_owner") as conn:
        conn.execute("""
            CREATE FUNCTION roster.plain(keys text[]) RETURNS SETOF text LANGUAGE sql STABLE SECURITY DEFINER
            AS 'SELECT active_email_key FROM roster.person WHERE active_email_key = ANY (keys)'
        """)
        conn.execute("SET LOCAL ROLE roster_sync")
        asked = "ARRAY['source@there', 'source@here']"
        assert conn.execute(sql.SQL(f"SELECT roster.plain({asked})")).fetchall() == [("source@here",)]
        assert conn.execute(sql.SQL(f"SELECT roster.taken_elsewhere({asked})")).fetchall() == [("source@there",)]


def test_whoever_looks_over_the_districts_sees_two_columns_and_can_do_nothing_else(logins: Logins) -> None:
    with logins.as_("postgres", None) as conn:
        conn.execute("SET LOCAL ROLE roster_peek")
        assert conn.execute("SELECT count(district), count(active_email_key) FROM roster.person").fetchone() == (6, 6)
        for words in (
            "SELECT user_id FROM roster.person",
            "SELECT * FROM roster.school",
            "SELECT * FROM intake.delivery",
            "UPDATE roster.person SET status = 'inactive'",
            "CREATE TABLE roster.mine (a int)",
        ):
            with pytest.raises(InsufficientPrivilege), conn.transaction():
                conn.execute(sql.SQL(words))


def test_a_temporary_table_does_not_deceive_the_function(logins: Logins) -> None:
    with logins.as_("roster_sync") as conn:
        conn.execute("CREATE TEMPORARY TABLE person (district text, active_email_key text) ON COMMIT DROP")
        conn.execute("SET LOCAL search_path = pg_temp, roster")
        assert conn.execute("SELECT roster.taken_elsewhere(ARRAY['file@there'])").fetchall() == [("file@there",)]
