"""Several nights in a row, and days in between, against the oracle."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from sqlalchemy import Engine

from tests import model_database, roster_model, strategies
from tests.model_checks import LONG, assert_adds_up, assert_same, load, modest, rolled_back
from tests.strategies import TODAY


class Nights(RuleBasedStateMachine):
    """A district night after night; the oracle's roster is compared after each."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.conn = self.stack.enter_context(rolled_back(engine))
        self.today = TODAY
        self.last: strategies.Sheet | None = None

    @initialize(roster=strategies.rosters())
    def begin(self, roster: roster_model.Roster) -> None:
        self.roster = roster
        model_database.write(self.conn, roster)

    @rule(data=st.data())
    def a_new_file(self, data: st.DataObject) -> None:
        self.last = data.draw(strategies.sheets(self.roster, max_rows=5))
        self._night(self.last)

    @precondition(lambda self: self.last is not None)
    @rule()
    def the_same_file_again(self) -> None:
        assert self.last is not None
        self._night(self.last)

    @rule(days=st.sampled_from((1, 40)))
    def days_pass(self, days: int) -> None:
        self.today += timedelta(days=days)

    def _night(self, sheet: strategies.Sheet) -> None:
        headers, table = sheet
        note(strategies.as_csv(headers, table).decode())
        rows = strategies.as_rows(table)
        expected = roster_model.apply(self.roster, rows, headers=headers, today=self.today)
        planned = load(self.conn, rows, headers, today=self.today)
        assert_same(planned, model_database.read(self.conn, self.roster), expected)
        assert_adds_up(planned, expected)
        self.roster = expected.roster

    def teardown(self) -> None:
        self.stack.close()


def test_many_nights_come_to_what_the_oracle_says(engine: Engine) -> None:
    run_state_machine_as_test(lambda: Nights(engine), settings=modest(5, stateful_step_count=50 if LONG else 5))
