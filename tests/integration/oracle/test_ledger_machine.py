"""The ledger and the roster over many nights, against the oracle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import Engine

from rostersync import database
from rostersync.embedded_postgres.server import Server
from tests.support.district_nights import Nights
from tests.support.oracle.comparison import LONG, modest
from tests.support.oracle.ledger_machine import LedgerNights
from tests.support.oracle.whole_files import screened_once


@pytest.fixture
def sweeper(standing: Nights, postgres: Server) -> Iterator[Engine]:
    engine = database.engine(postgres.url_of("roster_sweep", str(standing.engine.url.database)))
    yield engine
    engine.dispose()


def test_the_ledger_keeps_its_word_over_many_nights(standing: Nights, sweeper: Engine) -> None:
    mine = replace(standing, slept=[])
    with screened_once():
        run_state_machine_as_test(
            lambda: LedgerNights(mine, sweeper), settings=modest(4, share=4, stateful_step_count=50 if LONG else 12)
        )
    print(f"{LedgerNights.steps} steps, of which {LedgerNights.looks} nights")  # seen with `make properties`
    print(*(f"{number:>7,} {what}" for what, number in sorted(LedgerNights.met.items())), sep="\n")
    assert LedgerNights.looks > 0
