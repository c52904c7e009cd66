"""What is older than its term goes, what nobody decided about stays, and a proof of both is kept."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, func, insert, select, update

from rostersync import database, ledger
from rostersync.configuration.district import Retention
from rostersync.database import tables as t
from rostersync.embedded_postgres.server import Server
from rostersync.exceptions import ConfigurationError, LandedBytesMissing
from rostersync.ledger import Proof
from rostersync.model import Outcome
from rostersync.operations import date_changes, replaying, retention, reviewing
from rostersync.operations.retention import Stores
from rostersync.pipeline import pull, upsert, validate
from rostersync.transports.landing_store import LandingStore
from tests.support.district_nights import Nights, person

CODE = "springfield"
STAFF = [person(n) for n in range(1, 9)]


@pytest.fixture
def nights(emptied: Nights) -> Nights:
    """Nights that begin today: the database's own clock dates the change log."""
    emptied.seed()
    emptied.now = datetime.now(UTC).replace(microsecond=0)
    return emptied


@pytest.fixture
def sweeper(nights: Nights, postgres: Server) -> Iterator[Engine]:
    engine = database.engine(postgres.url_of("roster_sweep", str(nights.engine.url.database)))
    yield engine
    engine.dispose()


class Broom:
    """Sweeps the district's data as of so many days from now."""

    def __init__(self, nights: Nights, engine: Engine) -> None:
        self.nights, self.engine, self.began = nights, engine, nights.now

    def sweep(self, days: float, *, dry_run: bool = False, **terms: Any) -> Mapping[str, Proof]:
        moment = self.began + timedelta(days=days)
        stores = Stores(
            engine=self.engine,
            notes=self.nights.engine,
            landing=self.landing,
            outbox=self.nights.folder / "outbox",
            clock=lambda: moment,
            dry_run=dry_run,
        )
        return retention.sweep(stores, CODE, Retention(**terms))

    @property
    def landing(self) -> LandingStore:
        return LandingStore(str(self.nights.folder / "landing"))


@pytest.fixture
def broom(nights: Nights, sweeper: Engine) -> Broom:
    return Broom(nights, sweeper)


def night(nights: Nights, rows: Any, name: str, days: float = 0) -> Any:
    """One night with this file in place of the one before; the file is gone afterwards."""
    nights.now += timedelta(days=days)
    nights.put(rows, at=nights.now)
    [result] = nights.sync(name)
    (nights.inbox / "users.csv").unlink()
    return result


def sizes(nights: Nights) -> dict[str, int]:
    with nights.owner.connect() as conn:
        return {
            table.name: conn.scalar(select(func.count()).select_from(table)) or 0
            for table in t.metadata.sorted_tables
            if table.schema == "intake"
        }


def swept(proof: Mapping[str, Proof]) -> dict[str, int]:
    return {kind: item.swept for kind, item in proof.items() if item.swept}


def test_each_kind_goes_after_its_term_and_what_was_applied_last_stays_known(nights: Nights, broom: Broom) -> None:
    first = night(nights, [*STAFF, person(9, userRole="Nobody")], "first")
    assert first.outcome is Outcome.APPLIED_WITH_ERRORS
    night(nights, STAFF[:1], "second", days=1)
    found = len(first.findings)
    assert swept(broom.sweep(30)) == {}
    assert swept(broom.sweep(30.5)) == {"raw_files": 1}
    assert swept(broom.sweep(31.5)) == {"raw_files": 1}
    assert swept(broom.sweep(90)) == {}
    # All .eml files were written today, whatever the clock of the nights says.
    assert swept(broom.sweep(90.5)) == {"mail_files": 3, "reports": 1, "findings": found}
    assert swept(broom.sweep(91.5)) == {"reports": 1}
    assert swept(broom.sweep(400)) == {}
    assert swept(broom.sweep(400.5)) == {"changes": 16}
    proof = broom.sweep(1096.5)
    assert swept(proof) == {"deliveries": 1, "looks": 1}
    assert (proof["deliveries"].left, proof["deliveries"].staying) == (1, 1)
    left = {name: rows for name, rows in sizes(nights).items() if rows}
    assert left == {"delivery": 1, "attempt": 1, "run_delivery": 1, "sweep": 9, "outbox_epoch": 1}
    assert len(nights.people()) == 8


def test_a_dry_run_says_what_would_go_and_nothing_does(nights: Nights, broom: Broom) -> None:
    night(nights, STAFF, "first")
    before, files = sizes(nights), sorted(nights.folder.rglob("*"))
    told = broom.sweep(1500, dry_run=True)
    assert (sizes(nights), sorted(nights.folder.rglob("*"))) == (before, files)
    assert (
        swept(told)
        == swept(broom.sweep(1500))
        == {
            "raw_files": 1,
            "mail_files": 1,
            "reports": 1,
            "changes": 16,
            "looks": 1,
        }
    )


def test_what_waits_for_a_decision_keeps_all_it_needs_for_as_long_as_it_waits(nights: Nights, broom: Broom) -> None:
    night(nights, STAFF, "first")
    leaving = [{"action": "REMOVE-USER", "schoolId": "100", "userId": f"u{n}"} for n in range(1, 6)]
    held = night(nights, leaving, "second")
    assert held.outcome is Outcome.HELD
    proof = broom.sweep(1500)
    assert [proof[kind].staying for kind in ("raw_files", "findings", "plans", "deliveries")] == [1, 2, 10, 2]
    nights.now += timedelta(days=100)
    reviewed = reviewing.approve(nights.services, held.delivery, actor="olga")
    assert (reviewed.decided, nights.people()) == (True, ["u6", "u7", "u8"])
    assert swept(broom.sweep(130))["raw_files"] == 1
    assert swept(broom.sweep(130.5)) == {"plans": 10}


def test_a_legal_hold_keeps_everything_and_says_so(nights: Nights, broom: Broom) -> None:
    night(nights, STAFF, "first")
    before = sizes(nights)
    assert broom.sweep(5000, legal_hold=True) == {}
    assert sizes(nights) == before | {"sweep": 1}
    with nights.owner.connect() as conn:
        assert conn.execute(select(t.sweep.c.legal_hold, t.sweep.c.proof)).all() == [(True, {})]


def test_a_district_may_have_terms_of_its_own(nights: Nights, broom: Broom) -> None:
    night(nights, STAFF, "first")
    assert swept(broom.sweep(4, raw_files=3, changes=10)) == {"raw_files": 1}
    assert swept(broom.sweep(11, raw_files=3, changes=10)) == {"changes": 16}


def test_a_file_that_still_lies_in_the_inbox_keeps_its_bytes_and_stays_a_duplicate(
    nights: Nights, broom: Broom
) -> None:
    nights.put([*STAFF, person(9, userRole="Nobody")])
    nights.sync("first")
    nights.now += timedelta(days=120)
    assert [each.outcome for each in nights.sync("again")] == [Outcome.DUPLICATE]
    assert swept(broom.sweep(120.1)) == {"mail_files": 2, "reports": 1}
    mails = nights.messages()
    replayed = replaying.replay(nights.services, f"{CODE}-{sha_of(nights)[:16]}")
    assert (replayed.swept, replayed.rendered, nights.messages()) == (True, 0, mails)
    nights.now += timedelta(days=1)
    assert [each.outcome for each in nights.sync("once-more")] == [Outcome.DUPLICATE]
    assert nights.messages() == mails


def test_a_task_of_an_old_night_still_says_what_came_of_it(nights: Nights, broom: Broom) -> None:
    result = night(nights, STAFF, "first")
    broom.sweep(500)
    assert not broom.landing.exists(CODE, sha_of(nights))
    before = nights.fingerprint()
    looks = nights.looks
    run = nights.run("first")
    assert pull(nights.services, run, CODE).deliveries == (result.delivery,)
    for stage in (validate, upsert):
        assert stage(nights.services, run, CODE, result.delivery)["outcome"] == "applied"
    assert (nights.fingerprint(), nights.looks) == (before, looks)
    with pytest.raises(LandedBytesMissing, match="landing store"):
        upsert(nights.services, nights.run("another", force=True, reason="again"), CODE, result.delivery)


def test_a_mail_that_is_not_settled_stays_with_all_that_belongs_to_it(nights: Nights, broom: Broom) -> None:
    night(nights, [*STAFF, person(9, userRole="Nobody")], "first")
    with nights.owner.begin() as conn:
        conn.execute(update(t.message).values(state="deferred").where(t.message.c.recipient.startswith("desk")))
    proof = broom.sweep(200)
    assert (proof["reports"].swept, proof["reports"].staying) == (0, 1)
    assert sizes(nights)["message"] == 2


def test_another_district_keeps_all_of_it(nights: Nights, broom: Broom) -> None:
    night(nights, STAFF, "first")
    with nights.owner.begin() as conn:
        conn.execute(insert(t.district).values(code="elsewhere", name="Elsewhere"))
        row = {"entity": "person", "key": ["x"], "action": "created", "actor": "test"}
        conn.execute(insert(t.change).values(district="elsewhere", **row))
    other = nights.folder / "landing" / "elsewhere" / sha_of(nights)
    other.parent.mkdir(mode=0o700)
    other.write_bytes(b"x")
    (nights.folder / "outbox" / "elsewhere_x_1.eml").write_bytes(b"x")
    broom.sweep(1500)
    assert other.exists()
    assert (nights.folder / "outbox" / "elsewhere_x_1.eml").exists()
    assert sizes(nights)["change"] == 1


def test_bytes_that_the_ledger_does_not_know_go_too(nights: Nights, broom: Broom) -> None:
    """A dry run lands them, or a task that was killed before it could note them."""
    nights.put(STAFF)
    nights.sync("dry", dry_run=True)
    assert sizes(nights)["delivery"] == 0
    assert swept(broom.sweep(29)) == {}
    assert swept(broom.sweep(31)) == {"raw_files": 1}
    assert broom.landing.kept(CODE) == {}


def test_nothing_goes_without_a_proof(nights: Nights, broom: Broom, postgres: Server) -> None:
    night(nights, STAFF, "first")
    before = sizes(nights)
    reader = database.engine(postgres.url_of("roster_read", str(nights.engine.url.database)))
    moment = broom.began + timedelta(days=1500)
    stores = Stores(
        engine=broom.engine,
        notes=reader,
        landing=broom.landing,
        outbox=nights.folder / "outbox",
        clock=lambda: moment,
    )
    with pytest.raises(ConfigurationError):
        retention.sweep(stores, CODE, Retention())
    assert sizes(nights) == before
    with pytest.raises(ConfigurationError):  # and the tasks' login deletes nothing
        retention.sweep(replace(stores, engine=nights.engine, notes=nights.engine), CODE, Retention())
    assert sizes(nights) == before
    reader.dispose()


def test_the_ledger_knows_what_was_swept(nights: Nights, broom: Broom) -> None:
    night(nights, STAFF, "first")
    broom.sweep(100)
    with database.transaction(nights.engine, CODE) as conn:
        assert ledger.swept_before(conn, CODE, "changes") is None
        assert ledger.swept_before(conn, CODE, "reports") == broom.began + timedelta(days=10)
        assert ledger.last_sweep(conn) == broom.began + timedelta(days=100)


def test_what_dates_did_is_forgotten_with_the_ledger(nights: Nights, broom: Broom) -> None:
    night(nights, STAFF, "first")
    date_changes.apply_district_date_changes(nights.services, nights.config)
    assert swept(broom.sweep(1000, ledger=999))["dates"] == 1


def sha_of(nights: Nights) -> str:
    with nights.owner.connect() as conn:
        return conn.scalars(select(t.delivery.c.sha256)).one()


def test_after_months_of_nights_nothing_is_older_than_its_term(nights: Nights, broom: Broom) -> None:
    for number in range(5):
        night(nights, [*STAFF, person(20 + number), person(99, userRole="Nobody")], f"night-{number}", days=40)
        made_then = nights.now.timestamp()
        for path in (nights.folder / "outbox").glob(f"*{number}.eml"):
            os.utime(path, (made_then, made_then))
        proof = broom.sweep(40 * (number + 1))
        assert {kind: item.staying for kind, item in proof.items() if item.staying} == {}
    assert (proof["raw_files"].left, proof["reports"].left, proof["deliveries"].left) == (1, 3, 5)


def test_no_table_of_the_ledger_is_forgotten() -> None:
    with_district = {table for table in t.metadata.sorted_tables if table.schema == "intake" and "district" in table.c}
    assert {table for kind in ledger.KINDS for table, _ in kind.parts} == with_district
