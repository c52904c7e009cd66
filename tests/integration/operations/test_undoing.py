"""Undo of a delivery: plan, ledger, mails, and what becomes of the file afterwards. Its fields: test_undo_fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from rostersync import ledger
from rostersync.database import tables as t
from rostersync.database import transaction
from rostersync.exceptions import ConfigurationError, DistrictBusy, LostClaim
from rostersync.model import Outcome
from rostersync.operations import undoing
from rostersync.operations.undoing import Undone
from rostersync.pipeline import SyncResult
from rostersync.planning import lock_district
from tests.support.district_nights import Nights, district, person, teaching

OPS = "ops@example.org"
STAFF = [person(n) for n in range(1, 4)]


@pytest.fixture
def nights(emptied: Nights) -> Nights:
    """The standing database with two schools and three people at school 100; the operators have an address."""
    emptied.ops = (OPS,)
    emptied.seed()
    night(emptied, STAFF, "staff")
    return emptied


def night(nights: Nights, rows: Sequence[dict[str, str]], name: str, **fields: Any) -> SyncResult:
    """One file and its night; every next file is a little newer."""
    nights.now += timedelta(minutes=5)
    nights.put(rows, at=nights.now)
    [result] = nights.sync(name, **fields)
    return result


def undo(nights: Nights, result: SyncResult, **fields: Any) -> Undone:
    given = {"actor": "olga", "reason": "wrong file"} | fields
    return undoing.undo(nights.services, result.delivery or "", **given)


def records(nights: Nights, table: Any, *names: str) -> list[tuple[Any, ...]]:
    with nights.owner.connect() as conn:
        return sorted(tuple(row) for row in conn.execute(select(*(table.c[name] for name in names))))


def left(undone: Undone) -> list[tuple[str, str, str | None, str]]:
    return [(each.entity, "/".join(each.key), each.field, each.reason.value) for each in undone.left]


FILE = [
    person(1, userLastName="Wrong", userEmail="ada.new@springfield.example", userRole="Administrator"),
    teaching(2, "c1"),
    person(4),
    {"action": "REMOVE-USER", "schoolId": "100", "userId": "u3"},
]
NEWER = [person(1, userLastName="Newer", userEmail="ada.new@springfield.example")]


def test_an_undone_delivery_leaves_the_roster_as_it_was_and_what_it_created_inactive(nights: Nights) -> None:
    before = nights.roster()
    applied = night(nights, FILE, "wrong")
    # A person asked for it: no hold stands in the way.
    nights.config = district(nights.inbox, holds={"removals": {"share": 0.01, "least": 1}})
    undone = undo(nights, applied)
    assert (undone.done, undone.attempts, left(undone)) == (True, (1,), [])
    after = nights.roster()
    assert after.pop("district") != before.pop("district")
    assert all(row in after[name] for name in before for row in before[name])
    created = [row for name in before for row in after[name] if row not in before[name]]
    assert len(created) == 4
    assert all({"inactive", "ended"} & set(row) for row in created)
    assert undone.counts == {
        "school": {"restored": 0, "deactivated": 0, "left": 0},
        "person": {"restored": 2, "deactivated": 1, "left": 0},
        "placement": {"restored": 1, "deactivated": 1, "left": 0},
        "class": {"restored": 0, "deactivated": 1, "left": 0},
        "enrollment": {"restored": 0, "deactivated": 1, "left": 0},
    }


def test_an_undo_is_in_ledger_log_and_mails_once(nights: Nights) -> None:
    applied = night(nights, FILE, "wrong")
    [(version,)] = records(nights, t.district, "roster_version")
    first = undo(nights, applied)
    assert records(nights, t.district, "roster_version") == [(version + 1,)]
    logged = records(nights, t.change, "delivery", "attempt", "actor", "action")
    assert logged.count((applied.delivery, 1, "olga", "undone")) == applied.changes
    assert [message for message in nights.messages() if message[0] == "undone"] == [
        ("undone", "desk@springfield.example", "queued"),
        ("undone", "office@springfield.example", "queued"),
        ("undone", OPS, "queued"),
    ]
    assert records(nights, t.undo, "attempt", "actor", "reason") == [(1, "olga", "wrong file")]
    assert ("undone", "olga") in records(nights, t.delivery, "state", "decided_by")
    before, mails = nights.fingerprint(), nights.messages()
    again = undo(nights, applied, actor="peter")
    assert (again.done, again.by, again.at, again.counts) == (False, "olga", first.at, first.counts)
    assert (nights.fingerprint(), nights.messages()) == (before, mails)


def test_an_undone_file_found_again_is_a_duplicate_and_force_applies_it(nights: Nights) -> None:
    applied = night(nights, FILE, "wrong")
    undo(nights, applied)
    before, mails = nights.fingerprint(), nights.messages()
    anew = night(nights, FILE, "put down again")
    assert (anew.outcome, anew.set_aside) == (Outcome.DUPLICATE, "undone: set aside on 2026-11-24 by olga")
    with nights.owner.begin() as conn:
        conn.execute(update(t.run_delivery).where(t.run_delivery.c.run_id == "wrong").values(outcome=None))
    # A task of the first night that comes late.
    assert [each.outcome for each in nights.sync("wrong")] == [Outcome.DUPLICATE]
    assert (nights.fingerprint(), nights.states()[-1]) == (before, "undone")
    assert [message[:2] for message in nights.messages()] == [mail[:2] for mail in mails]
    forced = night(nights, FILE, "forced", force=True, reason="it was right after all")
    assert (forced.outcome, forced.attempt, nights.states()[-1]) == (Outcome.APPLIED, 2, "applied")
    assert nights.people() == ["u1", "u2", "u4"]
    again = undo(nights, applied)
    assert (again.done, again.attempts, left(again)) == (True, (2,), [])
    assert nights.people() == ["u1", "u2", "u3"]


def test_the_plan_is_what_is_done_and_only_on_the_roster_that_was_seen(nights: Nights) -> None:
    wrong = night(nights, FILE, "wrong")
    early = undoing.shown_undo(nights.services, wrong.delivery or "")
    newer = night(nights, NEWER, "newer")
    before, states = nights.fingerprint(), nights.states()
    shown = undoing.shown_undo(nights.services, wrong.delivery or "", with_changes=True)
    with pytest.raises(ConfigurationError):
        undo(nights, wrong, seen=early.roster_version)
    hasty = replace(nights.services, lock_seconds=0.2)
    with transaction(nights.engine, "springfield") as conn:
        lock_district(conn, "springfield")
        with pytest.raises(DistrictBusy):
            undoing.undo(hasty, wrong.delivery or "", actor="olga", reason="wrong file")
    assert (nights.fingerprint(), nights.states(), shown.done) == (before, states, False)
    with transaction(nights.engine, "springfield") as conn:
        token = ledger.claim(conn, wrong.delivery or "", "a task that hangs")
    done = undo(nights, wrong, seen=shown.roster_version)
    assert (done.counts, done.left) == (shown.counts, shown.left)
    assert left(done) == [("person", "u1", "last_name", "changed")]
    assert [each.since_delivery for each in done.left] == [newer.delivery]
    assert len(shown.changes) == sum(n for words in done.counts.values() for w, n in words.items() if w != "left")
    with transaction(nights.engine, "springfield") as conn, pytest.raises(LostClaim):
        ledger.check_claim(conn, wrong.delivery or "", token)
    the_mail_holds_numbers_and_the_file_what_was_left(nights)


def the_mail_holds_numbers_and_the_file_what_was_left(nights: Nights) -> None:
    wanted = select(t.report.c.subject, t.report.c.text_body, t.report_file.c.name, t.report_file.c.content)
    joined = wanted.join(t.report_file, t.report_file.c.report == t.report.c.id).where(t.report.c.kind == "undone")
    with nights.owner.connect() as conn:
        row = conn.execute(joined).one()
    assert (row.name, row.content.decode("utf-8-sig").count("last_name")) == ("undo-left.csv", 1)
    assert not [word for word in ("u1", "Quimby", "Newer", "ada.") if word in row.subject + row.text_body]


def test_the_file_before_the_undone_one_is_the_latest_again(nights: Nights) -> None:
    older = [person(1, userLastName="Older")]
    night(nights, older, "older")
    undo(nights, night(nights, [person(1, userLastName="Wrong")], "wrong"))
    assert night(nights, older, "put down again").outcome is Outcome.DUPLICATE
    assert ("u1", "Older") in records(nights, t.person, "user_id", "last_name")


def test_what_was_never_applied_or_is_swept_cannot_be_undone(nights: Nights) -> None:
    held = night(nights, [person(n, userRole="Administrator") for n in (1, 2, 3)], "held")
    applied = night(nights, [person(4)], "wrong")
    with nights.owner.begin() as conn:
        conn.execute(delete(t.change).where(t.change.c.delivery == applied.delivery))
    before = nights.fingerprint()
    for delivery, reason in ((held.delivery, "x"), (applied.delivery, "x"), ("none", "x"), (applied.delivery, " ")):
        with pytest.raises(ConfigurationError):
            undoing.undo(nights.services, delivery or "", actor="olga", reason=reason)
    assert (nights.fingerprint(), nights.states()) == (before, ["applied", "held", "applied"])
