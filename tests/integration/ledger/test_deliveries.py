"""The ledger's rows: what a night writes down, and what it finds there again."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Connection, Engine, select

from rostersync import ledger
from rostersync.catalogue.findings import make_finding
from rostersync.database import set_district
from rostersync.database.tables import delivery as delivery_table
from rostersync.exceptions import LostClaim, PermanentError
from rostersync.ledger import Arrival, Conditions, RunDelivery
from rostersync.model import DeliveryState, Evaluation, Landed, Outcome, RemoteFile, RowCounts

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
RULES = Conditions(dictionary_version="1.0", code_version="0.1.0", config_digest="abc")
NIGHT = ("staff_sync_nightly", "night-1")


def record(
    conn: Connection, content: str = "a", modified_at: datetime = NOON, code: str = "springfield"
) -> ledger.Delivery:
    set_district(conn, code)
    ledger.ensure_district(conn, code, code.title())
    landed = Landed(district=code, sha256=content * 64, size=7)
    return ledger.record_delivery(conn, landed, modified_at=modified_at, landed_at=NOON, conditions=RULES)


def record_attempt(
    conn: Connection, of: ledger.Delivery, number: int = 1, version: int = 1, at: datetime = NOON
) -> None:
    evaluation = Evaluation(
        outcome=Outcome.APPLIED,
        rows=RowCounts(read=2, accepted=2),
        counts={"staff": {"created": 2}},
        by_school={"100": {"staff": {"created": 2}}},
        findings=(),
        changes=2,
    )
    ledger.record_attempt(
        conn,
        code=of.district,
        delivery_id=of.id,
        number=number,
        evaluation=evaluation,
        conditions=RULES,
        roster_version=version,
        actor="test",
        ended_at=at,
    )


@pytest.fixture
def conn(engine: Engine) -> Connection:
    with engine.begin() as connection:
        yield connection


def test_the_same_bytes_are_one_delivery(conn: Connection) -> None:
    first, again = record(conn), record(conn)
    assert first == again
    assert first.state is DeliveryState.PULLED
    assert ledger.known(conn, "springfield", "a" * 64) == first
    assert ledger.known(conn, "springfield", "b" * 64) is None


def test_the_same_bytes_in_two_districts_are_two_deliveries(conn: Connection) -> None:
    here, there = record(conn), record(conn, code="shelbyville")
    assert here.id != there.id
    with pytest.raises(PermanentError):
        ledger.delivery_of(conn, "shelbyville", here.id)


def test_an_older_claim_does_not_commit(conn: Connection) -> None:
    delivery = record(conn)
    zombie = ledger.claim(conn, delivery.id, "first worker")
    living = ledger.claim(conn, delivery.id, "second worker")
    ledger.check_claim(conn, delivery.id, living)
    with pytest.raises(LostClaim):
        ledger.check_claim(conn, delivery.id, zombie)


def test_findings_come_back_as_they_were_stored(conn: Connection) -> None:
    delivery = record(conn)
    findings = (
        make_finding("file-encoding-fallback", bad_line=3),
        make_finding("cell-required", line=2, column="userId"),
        make_finding(
            "value-not-allowed", line=7, column="userRole", value='Boß, "x" \\ {1,NULL}', accepted=["Teacher"], number=3
        ),
    )
    ledger.store_findings(conn, code="springfield", delivery_id=delivery.id, attempt=1, stage="file", findings=findings)
    assert ledger.findings_of(conn, delivery.id, 1, "file") == findings
    assert ledger.findings_of(conn, delivery.id, 1) == findings
    assert ledger.findings_of(conn, delivery.id, 1, "roster") == ()


def test_findings_are_counted_by_stage_and_together(conn: Connection) -> None:
    delivery = record(conn)
    mine = (
        make_finding("cell-required", line=2, column="userId"),
        make_finding("cell-required", line=3, column="userId"),
    )
    theirs = (make_finding("school-unknown", line=3, column="schoolId"),)
    for stage, findings in (("file", mine), ("roster", theirs)):
        ledger.store_findings(
            conn, code="springfield", delivery_id=delivery.id, attempt=1, stage=stage, findings=findings
        )
    counts = [ledger.count_findings(conn, delivery.id, 1, stage) for stage in ("file", "roster", None)]
    assert (counts, ledger.count_findings(conn, delivery.id, 2)) == ([2, 1, 3], 0)


def test_a_run_keeps_its_districts_whatever_the_configuration_says_later(conn: Connection) -> None:
    assert ledger.districts_of_run(conn, *NIGHT, ["a", "b"]) == ["a", "b"]
    assert ledger.districts_of_run(conn, *NIGHT, ["a", "b", "c"]) == ["a", "b"]
    assert ledger.districts_of_run(conn, "staff_sync_nightly", "night-2", ["c"]) == ["c"]


def test_a_run_keeps_its_deliveries_in_order_and_how_they_ended(conn: Connection) -> None:
    one, two = record(conn, "1"), record(conn, "2")
    taken = [RunDelivery(delivery=two.id, outcome=None), RunDelivery(delivery=one.id, outcome=Outcome.DUPLICATE)]
    ledger.assign(conn, *NIGHT, "springfield", taken)
    assert ledger.deliveries_of_run(conn, *NIGHT, "springfield") == taken
    ledger.record_outcome(conn, *NIGHT, "springfield", two.id, Outcome.APPLIED)
    assert ledger.outcome_of(conn, *NIGHT, "springfield", two.id) is Outcome.APPLIED
    assert ledger.outcome_of(conn, *NIGHT, "springfield", "another") is None
    assert ledger.deliveries_of_run(conn, *NIGHT, "shelbyville") == []


def look(conn: Connection, run_id: str, seen: RemoteFile, delivery: str | None, at: datetime) -> None:
    set_district(conn, "springfield")
    arrivals = [Arrival(seen=seen, delivery=delivery, outcome="pulled")]
    ledger.record_arrivals(conn, "staff_sync_nightly", run_id, "springfield", arrivals, at)


def test_a_touched_file_arrives_anew_and_an_untouched_one_does_not(conn: Connection) -> None:
    delivery = record(conn)
    left = RemoteFile(name="users.csv", size=7, modified_at=NOON)
    touched = RemoteFile(name="users.csv", size=7, modified_at=NOON + timedelta(hours=1))
    look(conn, "night-1", left, delivery.id, NOON)
    look(conn, "night-2", left, delivery.id, NOON + timedelta(days=1))
    look(conn, "night-3", touched, delivery.id, NOON + timedelta(days=2))
    assert ledger.left_in_place(conn, delivery.id, NOON)
    assert not ledger.left_in_place(conn, delivery.id, NOON + timedelta(hours=2))
    nights = ["night-1", "night-2", "night-3"]
    assert [ledger.arrived_anew(conn, "staff_sync_nightly", n, delivery.id) for n in nights] == [True, False, True]


def test_a_file_was_received_when_it_was_put_down_last_and_not_when_it_was_met_again(conn: Connection) -> None:
    delivery = record(conn)
    assert ledger.received_at(conn, delivery.id, NOON + timedelta(days=9)) == delivery.landed_at
    left = RemoteFile(name="users.csv", size=7, modified_at=NOON)
    again = RemoteFile(name="users.csv", size=7, modified_at=NOON + timedelta(days=3))
    first, fourth = NOON + timedelta(hours=1), NOON + timedelta(days=4)
    for night, (seen, at) in enumerate([(left, first), (left, NOON + timedelta(days=1)), (again, fourth)]):
        look(conn, f"night-{night}", seen, delivery.id, at)
    look(conn, "night-9", again, delivery.id, NOON + timedelta(days=9))
    until = [NOON, first, NOON + timedelta(days=3), fourth, NOON + timedelta(days=10)]
    received = [ledger.received_at(conn, delivery.id, each) for each in until]
    assert received == [delivery.landed_at, first, first, fourth, fourth]


def test_an_earlier_look_at_the_same_size_and_time_counts(conn: Connection) -> None:
    seen = RemoteFile(name="users.csv", size=7, modified_at=NOON)
    grown = RemoteFile(name="users.csv", size=8, modified_at=NOON)
    look(conn, "night-1", seen, None, NOON)
    look(conn, "night-2", seen, None, NOON + timedelta(days=1))
    assert ledger.steady_since(conn, "springfield", [seen, grown]) == {seen: NOON}


def test_the_latest_applied_content_is_that_of_the_latest_roster_version(conn: Connection) -> None:
    assert ledger.latest_applied(conn, "springfield") is None
    one, two = record(conn, "1"), record(conn, "2", NOON + timedelta(days=1))
    record_attempt(conn, two, version=1)
    record_attempt(conn, one, version=2, at=NOON - timedelta(hours=1))
    assert ledger.latest_applied(conn, "springfield") == (one.id, NOON)
    assert ledger.was_applied(conn, two.id)
    assert not ledger.was_applied(conn, record(conn, "3").id)


def test_an_attempt_comes_back_with_its_counts(conn: Connection) -> None:
    delivery = record(conn)
    record_attempt(conn, delivery, number=1)
    record_attempt(conn, delivery, number=3)
    latest = ledger.latest_attempt(conn, delivery.id)
    assert latest is not None
    assert (latest.number, latest.rows, latest.counts) == (3, RowCounts(read=2, accepted=2), {"staff": {"created": 2}})
    assert ledger.attempt_of(conn, delivery.id, 2) is None


def test_only_interrupted_deliveries_are_unfinished_and_failing_changes_no_decided_one(conn: Connection) -> None:
    one, two, three = (record(conn, c) for c in "123")
    ledger.mark_judged(
        conn, two.id, state=DeliveryState.APPLIED, attempt=1, roster_version=1, judged_on=date(2026, 11, 23)
    )
    ledger.mark_failed(conn, two.id)
    ledger.mark_failed(conn, three.id)
    assert [each.id for each in ledger.unfinished(conn, "springfield")] == [one.id]
    states = dict(conn.execute(select(delivery_table.c.id, delivery_table.c.state)).all())
    assert states == {one.id: "pulled", two.id: "applied", three.id: "failed"}
