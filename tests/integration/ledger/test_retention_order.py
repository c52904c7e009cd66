"""Sweeping a delivery never fails on what still refers to it, and takes no bytes that somebody may need."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select, update

from rostersync import database
from rostersync.configuration.district import Retention
from rostersync.database import tables as t
from rostersync.embedded_postgres.server import Server
from rostersync.exceptions import SuiteFailed
from rostersync.operations import retention
from rostersync.operations.retention import Stores
from rostersync.pipeline import pull, validate
from rostersync.transports.landing_store import LandingStore
from tests.support.district_nights import Nights, person

CODE = "springfield"


@pytest.fixture
def nights(emptied: Nights) -> Nights:
    """Nights that begin today: the database's own clock dates some rows."""
    emptied.seed()
    emptied.now = datetime.now(UTC).replace(microsecond=0)
    return emptied


@pytest.fixture
def sweeper(nights: Nights, postgres: Server) -> Iterator[Engine]:
    engine = database.engine(postgres.url_of("roster_sweep", str(nights.engine.url.database)))
    yield engine
    engine.dispose()


def sweep(nights: Nights, engine: Engine, days: float, **terms: Any) -> dict[str, tuple[int, int]]:
    """kind → how many went, and how many stay that are older, so many days after the nights."""
    moment = nights.now + timedelta(days=days)
    stores = Stores(
        engine=engine,
        notes=nights.engine,
        landing=LandingStore(str(nights.folder / "landing")),
        outbox=nights.folder / "outbox",
        clock=lambda: moment,
    )
    proof = retention.sweep(stores, CODE, Retention.model_construct(**(Retention().model_dump() | terms)))
    return {kind: (found.swept, found.staying) for kind, found in proof.items()}


def sent_in(nights: Nights, name: str, number: int) -> str:
    nights.put([person(number)], at=nights.now)
    [result] = nights.sync(name)
    (nights.inbox / "users.csv").unlink()
    assert result.delivery is not None
    return result.delivery


def deliveries(nights: Nights) -> list[str]:
    with nights.owner.connect() as conn:
        return list(conn.scalars(select(t.delivery.c.id).order_by(t.delivery.c.sequence)))


def test_a_delivery_stays_while_a_report_of_it_is_within_its_term(nights: Nights, sweeper: Engine) -> None:
    """Terms that the configuration refuses by now, and that rows of before may still be under."""
    first, second = sent_in(nights, "first", 1), sent_in(nights, "second", 2)
    assert sweep(nights, sweeper, 60, ledger=50, reports=90)["deliveries"] == (0, 2)
    assert deliveries(nights) == [first, second]
    assert sweep(nights, sweeper, 91, ledger=50, reports=90)["deliveries"] == (1, 1)
    assert deliveries(nights) == [second]


def test_a_mail_made_late_keeps_its_delivery(nights: Nights, sweeper: Engine) -> None:
    """An undo or a replay mails years after the content was last seen: the usual terms would meet, too."""
    first = sent_in(nights, "first", 1)
    sent_in(nights, "second", 2)
    late = {"id": "late", "district": CODE, "delivery": first, "kind": "k", "subject": "s", "text_body": "t"}
    with nights.owner.begin() as conn:
        conn.execute(insert(t.report).values(html_body="h", created_at=nights.now + timedelta(days=1050), **late))
    assert sweep(nights, sweeper, 1100)["deliveries"] == (0, 2)
    assert sweep(nights, sweeper, 1145)["deliveries"] == (1, 1)


def test_a_mail_that_nobody_could_send_keeps_its_delivery(nights: Nights, sweeper: Engine) -> None:
    first = sent_in(nights, "first", 1)
    sent_in(nights, "second", 2)
    with nights.owner.begin() as conn:
        of_first = select(t.report.c.id).where(t.report.c.delivery == first)
        conn.execute(update(t.message).where(t.message.c.report.in_(of_first)).values(state="queued"))
    assert sweep(nights, sweeper, 1200)["deliveries"] == (0, 2)


def test_a_failed_delivery_that_nobody_decided_about_keeps_its_bytes(
    nights: Nights, sweeper: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights.put([person(1)], at=nights.now)
    [delivery] = pull(nights.services, nights.run(), CODE).deliveries
    (nights.inbox / "users.csv").unlink()

    def broken(*_: object) -> None:
        raise SuiteFailed("broken")

    with monkeypatch.context() as patched:
        patched.setattr("rostersync.pipeline.validating.screen_landed_bytes", broken)
        with pytest.raises(SuiteFailed):
            validate(nights.services, nights.run(), CODE, delivery)
    assert nights.states() == ["failed"]
    assert sweep(nights, sweeper, 31)["raw_files"] == (0, 1)
    sent_in(nights, "second", 2)
    assert sweep(nights, sweeper, 1200)["deliveries"] == (0, 2)
    validate(nights.services, nights.run("later"), CODE, delivery)
    assert nights.states() == ["validated", "applied"]
