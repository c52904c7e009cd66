"""Held deliveries and what people decide about them: first decision wins, less is fine, more waits again."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from rostersync.database import tables as t
from rostersync.exceptions import ConfigurationError
from rostersync.model import DeliveryState, Outcome, RowCounts
from rostersync.operations import held_deliveries, reviewing
from rostersync.pipeline import SyncResult
from rostersync.reporting.facts import day_text, minute_text
from tests.support.district_nights import Nights, district, person, teaching

STAFF = [person(n) for n in range(1, 9)]
OPS = "ops@rostersync.example"


def leaving(number: int, school: str = "100") -> dict[str, str]:
    return {"action": "REMOVE-USER", "schoolId": school, "userId": f"u{number}"}


def night(nights: Nights, rows: Sequence[dict[str, str]], name: str, **fields: Any) -> SyncResult:
    """One more night, an hour later, with these rows as the only file."""
    nights.now += timedelta(hours=1)
    nights.put(rows, at=nights.now)
    [result] = nights.sync(name, **fields)
    return result


@pytest.fixture
def nights(emptied: Nights) -> Nights:
    """The standing database with the two schools; nobody is an operator yet."""
    emptied.ops = ()
    emptied.seed()
    return emptied


@pytest.fixture
def held(nights: Nights) -> SyncResult:
    """Eight people came with the first night; the second would remove five of them."""
    nights.ops = (OPS,)
    assert night(nights, STAFF, "first").outcome is Outcome.APPLIED
    return night(nights, [leaving(n) for n in range(1, 6)], "second")


def approve(nights: Nights, held: SyncResult, **fields: Any) -> held_deliveries.Reviewed:
    return reviewing.approve(nights.services, held.delivery or "", **({"actor": "olga"} | fields))


def kept_plan(nights: Nights, held: SyncResult) -> list[tuple[str, tuple[str, ...], str]]:
    p = t.plan.c
    with nights.owner.connect() as conn:
        rows = conn.execute(select(p.entity, p.key, p.action).where(p.delivery == held.delivery))
        return sorted((row[0], tuple(row[1]), row[2]) for row in rows)


def decisions(nights: Nights) -> list[tuple[int, str, str, str | None]]:
    d = t.decision.c
    with nights.owner.connect() as conn:
        rows = conn.execute(select(d.attempt, d.choice, d.actor, d.reason).order_by(d.attempt))
        return [tuple(row) for row in rows]


def test_a_held_delivery_applies_nothing_keeps_its_plan_and_asks_contacts_and_operators(
    nights: Nights, held: SyncResult
) -> None:
    assert (held.outcome, [finding.code for finding in held.findings]) == (
        Outcome.HELD,
        ["hold-removals", "hold-school"],
    )
    assert nights.people() == [f"u{n}" for n in range(1, 9)]
    gone = [("person", (f"u{n}",), "removed") for n in range(1, 6)]
    ended = [("placement", (f"u{n}", "100"), "removed") for n in range(1, 6)]
    assert kept_plan(nights, held) == gone + ended
    assert [message for message in nights.messages() if message[0].startswith("held")] == [
        ("held", "office@springfield.example", "sent"),
        ("held_operators", OPS, "sent"),
    ]


def test_an_approved_delivery_is_applied_and_says_who_decided(nights: Nights, held: SyncResult) -> None:
    mails = len(nights.messages())
    reviewed = approve(nights, held)
    assert (reviewed.decided, reviewed.state, reviewed.by) == (True, DeliveryState.APPLIED, "olga")
    assert reviewed.result is not None
    assert (reviewed.result.outcome, reviewed.result.counts["staff"]["removed"]) == (Outcome.APPLIED, 5)
    assert nights.people() == ["u6", "u7", "u8"]
    assert decisions(nights) == [(1, "approve", "olga", None)]
    assert [message[0] for message in nights.messages()].count("count_report") == 2
    assert len(nights.messages()) == mails + 1
    with nights.owner.connect() as conn:
        actors = conn.scalars(select(t.change.c.actor).where(t.change.c.delivery == held.delivery))
        assert set(actors) == {"olga"}


def test_mails_name_the_day_of_the_news_and_the_minute_the_file_had_arrived(nights: Nights, held: SyncResult) -> None:
    arrived = minute_text(nights.now, nights.config.timezone)
    nights.now += timedelta(days=3)
    approve(nights, held)
    r = t.report.c
    with nights.owner.connect() as conn:
        told = select(r.subject, r.text_body).where(r.delivery == held.delivery, r.kind == "count_report")
        [(subject, text)] = conn.execute(told)
    assert subject.startswith(f"{nights.config.name}, {day_text(nights.now, nights.config.timezone)}: ")
    assert f"Received:   {arrived}\n" in text


def test_after_the_decision_the_file_in_the_inbox_is_a_duplicate(nights: Nights, held: SyncResult) -> None:
    approve(nights, held)
    before = nights.fingerprint()
    assert [each.outcome for each in nights.sync("third")] == [Outcome.DUPLICATE]
    assert nights.fingerprint() == before


def test_the_same_file_stays_held_while_nobody_decides(nights: Nights, held: SyncResult) -> None:
    mails = nights.messages()
    assert [each.outcome for each in nights.sync("third")] == [Outcome.HELD]
    assert nights.messages() == mails


def test_force_does_not_pass_a_mass_change(nights: Nights, held: SyncResult) -> None:
    [forced] = nights.sync("by-hand", force=True, reason="they insist")
    assert (forced.outcome, forced.attempt) == (Outcome.HELD, 2)
    assert len(nights.people()) == 8


def test_a_discarded_delivery_is_never_applied_and_all_who_were_asked_are_told(
    nights: Nights, held: SyncResult
) -> None:
    before = nights.fingerprint()
    reviewed = reviewing.discard(nights.services, held.delivery or "", actor="olga", reason="wrong file")
    assert (reviewed.decided, reviewed.state) == (True, DeliveryState.DISCARDED)
    assert nights.fingerprint() == before
    assert decisions(nights) == [(1, "discard", "olga", "wrong file")]
    told = [message for message in nights.messages() if message[0] == "discarded"]
    assert told == [("discarded", "office@springfield.example", "queued"), ("discarded", OPS, "queued")]
    assert [each.outcome for each in nights.sync("third")] == [Outcome.DUPLICATE]
    assert nights.fingerprint() == before


def test_the_first_decision_wins_and_a_later_one_says_so(nights: Nights, held: SyncResult) -> None:
    reviewing.discard(nights.services, held.delivery or "", actor="olga", reason="wrong file")
    before = nights.fingerprint()
    later = approve(nights, held, actor="peter")
    assert (later.decided, later.state, later.by) == (False, DeliveryState.DISCARDED, "olga")
    again = reviewing.discard(nights.services, held.delivery or "", actor="peter", reason="me too")
    assert (again.decided, again.by) == (False, "olga")
    assert (nights.fingerprint(), len(decisions(nights))) == (before, 1)


def test_two_approvals_at_once_apply_once(nights: Nights, held: SyncResult) -> None:
    services = replace(nights.services, sleep=time.sleep)  # whoever comes too late waits for the other in earnest

    def decide(who: str) -> held_deliveries.Reviewed:
        return reviewing.approve(services, held.delivery or "", actor=who)

    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(decide, ("olga", "peter")))
    assert sorted(each.decided for each in both) == [False, True]
    [winner] = [each.by for each in both if each.decided]
    assert {each.by for each in both} == {winner}
    assert nights.people() == ["u6", "u7", "u8"]
    assert [decision[2] for decision in decisions(nights)] == [winner]


def test_less_than_what_was_approved_is_fine(nights: Nights, held: SyncResult) -> None:
    with nights.owner.begin() as conn:
        gone = (t.person.c.user_id == "u1", t.placement.c.user_id == "u1")
        conn.execute(update(t.person).where(gone[0]).values(status="inactive"))
        conn.execute(update(t.placement).where(gone[1]).values(status="ended"))
    reviewed = approve(nights, held)
    assert reviewed.result is not None
    assert reviewed.result.outcome is Outcome.APPLIED
    assert reviewed.result.counts["staff"]["removed"] == 4
    assert nights.people() == ["u6", "u7", "u8"]


def test_more_than_what_was_approved_waits_again(nights: Nights, held: SyncResult) -> None:
    enrolled = {"district": "springfield", "owner": "file", "class_id": "c1"}
    with nights.owner.begin() as conn:
        conn.execute(insert(t.class_).values(**enrolled, school_id="100", name="Reading"))
        conn.execute(insert(t.enrollment).values(**enrolled, user_id="u1", status="active"))
    reviewed = approve(nights, held)
    assert reviewed.result is not None
    assert (reviewed.decided, reviewed.state, reviewed.result.attempt) == (True, DeliveryState.HELD, 2)
    changed = [finding.detail["count"] for finding in reviewed.result.findings if finding.code == "hold-changed"]
    assert changed == [1]
    assert len(nights.people()) == 8
    stale = approve(nights, held, attempt=1)
    assert (stale.decided, stale.state) == (False, DeliveryState.HELD)
    assert approve(nights, held, attempt=2, actor="peter").state is DeliveryState.APPLIED
    assert nights.people() == ["u6", "u7", "u8"]
    assert [(attempt, who) for attempt, _, who, _ in decisions(nights)] == [(1, "olga"), (2, "peter")]


def test_a_newer_file_is_applied_meanwhile_and_its_people_are_left_out_and_listed(
    nights: Nights, held: SyncResult
) -> None:
    newer = night(nights, [person(2, userLastName="Stays"), person(9)], "third")
    assert newer.outcome is Outcome.APPLIED
    assert nights.states() == ["applied", "held", "applied"]
    reviewed = approve(nights, held)
    assert reviewed.result is not None
    assert reviewed.result.rows == RowCounts(read=5, accepted=4, set_aside=1)
    left = [finding for finding in reviewed.result.findings if finding.code == "row-left-out"]
    assert [each.line for each in left] == [3]
    assert nights.people() == ["u2", "u6", "u7", "u8", "u9"]
    assert [row["userId"] for row in error_file(nights, held)] == ["u2"]


def error_file(nights: Nights, result: SyncResult) -> list[dict[str, str]]:
    """The rows of the latest error file of a delivery."""
    wanted = (
        select(t.report_file.c.content)
        .join(t.report, t.report.c.id == t.report_file.c.report)
        .where(t.report.c.delivery == result.delivery, t.report_file.c.name == "users-errors.csv")
        .order_by(t.report.c.attempt.desc())
    )
    with nights.owner.connect() as conn:
        content = conn.execute(wanted.limit(1)).scalar_one()
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def test_what_a_newer_file_ended_stays_ended(nights: Nights) -> None:
    night(nights, [*STAFF, teaching(1, "c1"), teaching(2, "c1")], "first")
    again = [teaching(n, "c1", userLastName="New") for n in range(1, 9)]
    nights.config = district(nights.inbox, holds={"updates": {"share": 0.3, "least": 5}})
    held = night(nights, again, "second")
    assert [finding.code for finding in held.findings if finding.line is None] == ["hold-updates", "hold-names"]
    ended = {"action": "REMOVE-ENROLLMENT", "schoolId": "100", "userId": "u1", "classId": "c1"}
    assert night(nights, [ended], "third").outcome is Outcome.APPLIED
    reviewed = approve(nights, held)
    assert reviewed.state is DeliveryState.APPLIED
    with nights.owner.connect() as conn:
        live = conn.scalars(select(t.enrollment.c.user_id).where(t.enrollment.c.status == "active"))
        assert sorted(live) == [f"u{n}" for n in range(2, 9)]
        renamed = conn.scalars(select(t.person.c.user_id).where(t.person.c.last_name == "New"))
        assert sorted(renamed) == [f"u{n}" for n in range(2, 9)]


def test_of_two_held_deliveries_the_later_one_has_the_last_word(nights: Nights) -> None:
    nights.config = district(nights.inbox, holds={"updates": {"share": 0.3, "least": 3}})
    night(nights, STAFF, "first")
    older = night(nights, [person(n, userLastName="Older") for n in range(1, 7)], "second")
    newer = night(nights, [person(n, userLastName="Newer") for n in range(3, 6)], "third")
    assert nights.states() == ["applied", "held", "held"]
    approve(nights, older)
    assert nights.states() == ["applied", "applied", "held"]
    reviewed = approve(nights, newer)
    assert (reviewed.state, reviewed.result and reviewed.result.rows.set_aside) == (DeliveryState.APPLIED, 0)
    with nights.owner.connect() as conn:
        names = dict(conn.execute(select(t.person.c.user_id, t.person.c.last_name)).all())
    assert [names[f"u{n}"] for n in range(2, 8)] == ["Older", "Newer", "Newer", "Newer", "Older", "Quimby"]


def test_a_held_delivery_is_superseded_when_an_applied_newer_one_names_all_its_keys(
    nights: Nights, held: SyncResult
) -> None:
    night(nights, STAFF[:4], "third")
    assert nights.states() == ["applied", "held", "applied"]
    newest = night(nights, [*STAFF, person(20)], "fourth")
    assert nights.states() == ["applied", "superseded", "applied", "applied"]
    late = approve(nights, held)
    assert (late.decided, late.state) == (False, DeliveryState.SUPERSEDED)
    assert late.by == f"delivery {newest.delivery}"
    assert len(nights.people()) == 9


def test_a_refused_or_held_newer_file_supersedes_nothing(nights: Nights, held: SyncResult) -> None:
    assert night(nights, [leaving(n) for n in range(1, 7)], "third").outcome is Outcome.HELD
    assert nights.states() == ["applied", "held", "held"]


def test_without_the_held_schools_their_rows_are_left_out(nights: Nights) -> None:
    there = [person(n, schoolId="200") for n in range(11, 21)]
    both = person(11)
    night(nights, [*STAFF, *there, both, teaching(12, "d1", schoolId="200")], "first")
    away = [leaving(n, "200") for n in range(13, 19)]
    rows = [*away, person(11, userLastName="Moved", schoolId="200"), person(11, userLastName="Moved")]
    rows += [person(19, userLastName="Only", schoolId="200"), leaving(1)]
    rows += [teaching(12, "d1", schoolId="200", className="Renamed"), teaching(12, "d2", schoolId="200")]
    held = night(nights, rows, "second")
    assert {finding.detail.get("school") for finding in held.findings if finding.code == "hold-school"} == {"200"}
    reviewed = approve(nights, held, without_held_schools=True)
    assert reviewed.result is not None
    assert (reviewed.state, reviewed.result.outcome) == (DeliveryState.APPLIED, Outcome.APPLIED)
    assert reviewed.result.rows == RowCounts(read=12, accepted=2, set_aside=10)
    assert nights.people() == sorted([f"u{n}" for n in (*range(2, 9), *range(11, 21))])
    with nights.owner.connect() as conn:
        names = dict(conn.execute(select(t.person.c.user_id, t.person.c.last_name)).all())
        classes = dict(conn.execute(select(t.class_.c.class_id, t.class_.c.name)).all())
    assert (names["u11"], names["u19"], classes) == ("Moved", "Quimby", {"d1": "Reading d1"})
    assert len(error_file(nights, held)) == 10
    with nights.owner.connect() as conn:
        assert conn.scalar(select(t.decision.c.schools)) == ["200"]


def test_without_held_schools_needs_one(nights: Nights) -> None:
    night(nights, STAFF, "first")
    nights.config = district(nights.inbox, holds={"admins": 1})
    held = night(nights, [person(1, userRole="Administrator")], "second")
    with pytest.raises(ConfigurationError):
        approve(nights, held, without_held_schools=True)
    assert (nights.states(), decisions(nights)) == (["applied", "held"], [])


def test_an_undecided_delivery_is_discarded_after_fourteen_days(nights: Nights, held: SyncResult) -> None:
    nights.now += timedelta(days=14)
    assert reviewing.expire_held(nights.services) == []
    nights.now += timedelta(seconds=1)
    [expired] = reviewing.expire_held(nights.services)
    assert (expired.delivery, expired.state, expired.by) == (held.delivery, DeliveryState.DISCARDED, "calendar")
    assert [message[:2] for message in nights.messages() if message[0] == "discarded"] == [
        ("discarded", "office@springfield.example"),
        ("discarded", OPS),
    ]
    assert reviewing.expire_held(nights.services) == []
    assert approve(nights, held).decided is False


def test_rules_that_changed_since_are_followed_and_the_delivery_goes_on_waiting(
    nights: Nights, held: SyncResult
) -> None:
    nights.config = district(nights.inbox, policies={"fallback_encoding": False})
    assert approve(nights, held).state is DeliveryState.APPLIED
    assert nights.people() == ["u6", "u7", "u8"]


def test_an_approval_that_fails_decides_nothing(nights: Nights, held: SyncResult) -> None:
    landing = nights.folder / "landing"
    landing.rename(nights.folder / "elsewhere")
    before = nights.fingerprint()
    with pytest.raises(Exception, match="landed"):
        approve(nights, held)
    assert (nights.states(), decisions(nights), nights.fingerprint()) == (["applied", "held"], [], before)
    landing.rmdir() if landing.exists() else None
    (nights.folder / "elsewhere").rename(landing)
    assert approve(nights, held).state is DeliveryState.APPLIED


def test_an_older_file_that_is_approved_is_applied(nights: Nights) -> None:
    night(nights, [person(1, userLastName="First")], "first")
    night(nights, [person(1, userLastName="Second")], "second")
    held = night(nights, [person(1, userLastName="First")], "third")
    assert [finding.code for finding in held.findings] == ["hold-older-file"]
    assert approve(nights, held).state is DeliveryState.APPLIED
    with nights.owner.connect() as conn:
        assert conn.scalar(select(t.person.c.last_name)) == "First"


def test_only_held_deliveries_are_open_and_unknown_ids_are_refused(nights: Nights, held: SyncResult) -> None:
    [waiting] = held_deliveries.open_reviews(nights.services)
    assert (waiting.delivery, waiting.attempt, waiting.first) == (held.delivery, 1, True)
    shown = held_deliveries.shown_plan(nights.services, held.delivery or "")
    assert (shown.attempt, shown.ended, shown.result.counts) == (1, None, held.counts)
    approve(nights, held)
    assert held_deliveries.open_reviews(nights.services) == []
    later = held_deliveries.shown_plan(nights.services, held.delivery or "")
    assert (later.attempt, later.ended and later.ended.by, later.result.counts) == (1, "olga", held.counts)
    with pytest.raises(ConfigurationError):
        held_deliveries.shown_plan(nights.services, "springfield-0000000000000000")
    with pytest.raises(ConfigurationError):
        reviewing.discard(nights.services, held.delivery or "", actor="olga", reason=" ")


def test_what_the_tasks_return_about_a_decision_is_ids_and_counts(nights: Nights, held: SyncResult) -> None:
    told = str(approve(nights, held).summary())
    assert held.delivery is not None
    assert held.delivery in told
    assert not [word for word in ("Quimby", "springfield.example", "u6", "olga") if word in told]
