"""A planted database with two districts, a connection of each login to it, and what each may do: written by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

from rostersync import database
from rostersync.configuration.dictionary import load_dictionary
from rostersync.embedded_postgres.server import Server
from tests.support.servers import RosterDatabase, fresh_database

HERE, THERE = "here", "there"
NO_DISTRICT, OTHER_OWNER, NO_RIGHT = "RSD01", "RSO01", "42501"
ROLES = ("roster_sync", "roster_source", "roster_manual", "roster_read", "roster_sweep")
WRITERS = ROLES[:3]
OWNED = ("school", "person", "placement", "class", "enrollment")
CELLS = tuple(f"roster.{name}" for name in OWNED) + tuple(
    f"intake.{name}"
    for name in ("finding", "plan", "decision", "undo", "change", "report", "report_file", "arrival", "inbox_look")
)
LISTINGS = (
    "roster.district",
    "intake.delivery",
    "intake.attempt",
    "intake.run_delivery",
    "intake.message",
    "intake.report_drop",
    "intake.dating",
    "intake.sweep",
)
TABLES = (*CELLS, *LISTINGS, "intake.run_districts", "intake.outbox_epoch", "intake.alembic_version")

# Per role: what it may do with a table. S select, I insert, U update of at least one column, D delete.
MAY: Mapping[str, Mapping[str, str]] = {
    "roster_sync": {
        **dict.fromkeys(CELLS[:5], "SIU"),
        "intake.finding": "SI",
        "intake.plan": "SI",
        "intake.decision": "SI",
        "intake.undo": "SI",
        "intake.change": "SI",
        "intake.report": "SI",
        "intake.report_file": "SI",
        "roster.district": "SIU",
        "intake.delivery": "SIU",
        "intake.attempt": "SI",
        "intake.arrival": "SI",
        "intake.inbox_look": "SI",
        "intake.run_delivery": "SIU",
        "intake.message": "SIU",
        "intake.report_drop": "SIU",
        "intake.outbox_epoch": "SIU",
        "intake.dating": "SIU",
        "intake.sweep": "SI",
        "intake.run_districts": "SI",
        "intake.alembic_version": "S",
    },
    "roster_source": {**dict.fromkeys(CELLS[:5], "SIU"), "roster.district": "SIU", "intake.change": "SI"},
    "roster_manual": {
        **dict.fromkeys(TABLES, "S"),
        **dict.fromkeys(CELLS[:5], "SIU"),
        "roster.district": "SU",
        "intake.change": "SI",
    },
    "roster_read": {**dict.fromkeys(CELLS[:5], "S"), "roster.district": "S"},
    "roster_sweep": {
        **dict.fromkeys((*CELLS[5:], *LISTINGS, "intake.run_districts"), "SD"),
        "roster.district": "S",
        "intake.outbox_epoch": "S",
        "intake.alembic_version": "S",
    },
}
# Columns of the roster that the tasks may change; no other.
CHANGEABLE = {
    "roster.district": {"roster_version"},
    "roster.school": {"name", "status", "updated_at"},
    "roster.person": {
        *("user_id", "email_key", "status", "updated_at"),
        *(c.attribute for c in load_dictionary().of("person")),
    },
    "roster.placement": {
        "status",
        "updated_at",
        *(c.attribute for c in load_dictionary().of("placement", "assignment")),
    },
    "roster.class": {"school_id", "status", "updated_at", *(c.attribute for c in load_dictionary().of("class"))},
    "roster.enrollment": {"primary_teacher", "start_date", "end_date", "status", "assigned_at", "updated_at"},
}

RECORDS = ("source", "file", "manual")
PLANT = """
INSERT INTO roster.district (code, name) VALUES (%(d)s, 'D');
INSERT INTO roster.school (district, school_id, name, owner) VALUES (%(d)s, 'S-source', 'S', 'source'),
    (%(d)s, 'S-file', 'S', 'file'), (%(d)s, 'S-manual', 'S', 'manual');
INSERT INTO roster.person (district, user_id, role, first_name, last_name, email, email_key, owner)
    SELECT %(d)s, 'P-' || o, 'Teacher', 'Ada', 'Quimby', o || '@' || %(d)s, o || '@' || %(d)s, o
    FROM unnest(ARRAY['source', 'file', 'manual']) o;
INSERT INTO roster.class (district, class_id, school_id, name, owner)
    SELECT %(d)s, 'C-' || o, 'S-source', 'C', o FROM unnest(ARRAY['source', 'file', 'manual']) o;
INSERT INTO roster.placement (district, user_id, school_id, status, owner)
    SELECT %(d)s, 'P-file', 'S-' || o, 'active', o FROM unnest(ARRAY['source', 'file', 'manual']) o;
INSERT INTO roster.enrollment (district, user_id, class_id, status, owner)
    SELECT %(d)s, 'P-file', 'C-' || o, 'active', o FROM unnest(ARRAY['source', 'file', 'manual']) o;
INSERT INTO intake.delivery (id, district, sha256, size_bytes, state, modified_at, dictionary_version, code_version,
    config_digest) VALUES (%(d)s, %(d)s, %(d)s, 1, 'applied', now(), '1', '1', '1');
INSERT INTO intake.attempt (delivery, number, district, outcome, rows, counts, by_school, changes, dictionary_version,
    code_version, config_digest, roster_version, actor)
    VALUES (%(d)s, 1, %(d)s, 'applied', '{}', '{}', '{}', 0, '1', '1', '1', 1, 'test');
INSERT INTO intake.arrival (district, dag_id, run_id, outcome) VALUES (%(d)s, 'd', 'r', 'no_file');
INSERT INTO intake.inbox_look (district, dag_id, run_id, name, size_bytes, modified_at, seen_at)
    VALUES (%(d)s, 'd', 'r', 'n', 1, now(), now());
INSERT INTO intake.run_delivery (dag_id, run_id, district, position, delivery) VALUES ('d', 'r', %(d)s, 0, %(d)s);
INSERT INTO intake.finding (district, delivery, attempt, stage, position, code, severity)
    VALUES (%(d)s, %(d)s, 1, 'file', 0, 'c', 'row');
INSERT INTO intake.plan (district, delivery, attempt, entity, key, action)
    VALUES (%(d)s, %(d)s, 1, 'person', ARRAY['P'], 'created');
INSERT INTO intake.decision (delivery, attempt, district, choice, actor)
    VALUES (%(d)s, 1, %(d)s, 'approve', 'test');
INSERT INTO intake.undo (delivery, attempt, district, counts, left_alone, roster_version, reason, actor)
    VALUES (%(d)s, 1, %(d)s, '{}', '{}', 1, 'r', 'test');
INSERT INTO intake.change (district, entity, key, action, actor)
    VALUES (%(d)s, 'person', ARRAY['P'], 'created', 'test');
INSERT INTO intake.report (id, district, kind, subject, text_body, html_body) VALUES (%(d)s, %(d)s, 'k', 's', 't', 'h');
INSERT INTO intake.report_file (report, district, name, media_type, content) VALUES (%(d)s, %(d)s, 'n', 't/c', '');
INSERT INTO intake.report_drop (report, district, name, target) VALUES (%(d)s, %(d)s, 'n', 't');
INSERT INTO intake.message (district, report, recipient, message_id) VALUES (%(d)s, %(d)s, 'a@b', %(d)s);
INSERT INTO intake.dating (district, day, started, ended, deactivated) VALUES (%(d)s, '2026-11-24', 0, 0, 0);
INSERT INTO intake.sweep (district, legal_hold, proof) VALUES (%(d)s, false, '{}')
"""
STATEMENTS = {
    words.split("(")[0].removeprefix("INSERT INTO ").strip(): words for words in map(str.strip, PLANT.split(";"))
}

# Columns by which a row is named, for an update that changes nothing.
SOME_COLUMN = {
    **dict.fromkeys(CELLS[:5], "updated_at"),
    "intake.plan": "action",
    "intake.decision": "reason",
    "intake.undo": "reason",
    "roster.district": "roster_version",
    "intake.delivery": "state",
    "intake.run_delivery": "outcome",
    "intake.message": "state",
    "intake.dating": "told_in",
    "intake.sweep": "district",
    "intake.report_drop": "state",
    "intake.outbox_epoch": "number",
    "intake.alembic_version": "version_num",
    "intake.run_districts": "run_id",
    **dict.fromkeys(("intake.finding", "intake.change", "intake.report", "intake.report_file"), "district"),
    **dict.fromkeys(("intake.attempt", "intake.arrival", "intake.inbox_look"), "district"),
}


class Logins:
    """A connection of each login to one planted database; every attempt is rolled back. `refusals` counts."""

    def __init__(self, server: Server, made: RosterDatabase) -> None:
        names = ("postgres", "roster_owner", *ROLES)
        self.server, self.made, self.refusals = server, made, 0
        self._open = {name: psycopg.connect(server.url_of(name, made.name).replace("+psycopg", "")) for name in names}

    def close(self) -> None:
        for each in self._open.values():
            each.close()

    @contextmanager
    def as_(self, role: str, code: str | None = HERE) -> Iterator[psycopg.Connection[Any]]:
        """A transaction of this login on behalf of a district (None: of none), rolled back at the end."""
        conn = self._open[role]
        try:
            if code is not None:
                conn.execute("SELECT set_config('rostersync.district', %s, true)", [code])
            yield conn
        finally:
            conn.rollback()

    def answer(self, role: str, words: str, code: str | None = HERE, *more: str) -> str | int:
        """What comes of a statement: the number of rows, or the SQLSTATE (`RLS` when a policy refused a row)."""
        with self.as_(role, code) as conn:
            try:
                for each in (words, *more):
                    done = conn.execute(sql.SQL(each), {"d": code}) if "%(d)s" in each else conn.execute(sql.SQL(each))
                return done.rowcount
            except psycopg.Error as error:
                self.refusals += 1
                by_policy = "row-level security policy" in (error.diag.message_primary or "")
                return "RLS" if by_policy else error.sqlstate or "?"


@contextmanager
def planted(server: Server) -> Iterator[Logins]:
    """A database that was migrated itself (rights on a database are not copied from a template), and planted."""
    with fresh_database(server, template="template0") as made:
        owner = database.engine(made.owner_url)
        database.upgrade_schema(owner)
        owner.dispose()
        with psycopg.connect(made.superuser_url.replace("+psycopg", "")) as conn:
            for code in (HERE, THERE):
                for words in STATEMENTS.values():
                    conn.execute(sql.SQL(words), {"d": code})
        opened = Logins(server, made)
        try:
            yield opened
        finally:
            opened.close()


def refused(answer: str | int) -> bool:
    """No right to do it at all."""
    return answer == NO_RIGHT
