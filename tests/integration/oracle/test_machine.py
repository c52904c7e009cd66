"""Several nights in a row, and what happens between them, against the oracle."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import timedelta
from typing import ClassVar

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule, run_state_machine_as_test
from sqlalchemy import Engine, Executable

from rostersync.model import Screened
from tests.support import roster_strategies, strategies
from tests.support.oracle import comparison as model_checks
from tests.support.oracle import database as model_database
from tests.support.oracle import model as roster_model
from tests.support.oracle.comparison import LONG, assert_adds_up, assert_same, load, load_screened, modest, rolled_back
from tests.support.oracle.other_writers import OtherWriters
from tests.support.oracle.values import Roster, Row
from tests.support.strategies import TODAY


class Nights(OtherWriters):
    """A district night after night; the oracle's roster is compared after each file."""

    steps: ClassVar[int] = 0
    nights: ClassVar[int] = 0

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.conn = self.stack.enter_context(rolled_back(engine))
        self.today = TODAY
        self.files: list[tuple[Sequence[Row], tuple[str, ...], Screened | None]] = []

    @initialize(roster=roster_strategies.rosters())
    def begin(self, roster: Roster) -> None:
        self.roster = roster
        model_database.write(self.conn, roster)

    @rule(data=st.data())
    def a_new_file(self, data: st.DataObject) -> None:
        headers, table = data.draw(strategies.sheets(self.roster, max_rows=5))
        self._night(strategies.as_rows(table), headers)

    @rule(data=st.data())
    def a_large_file(self, data: st.DataObject) -> None:
        headers, table = data.draw(strategies.large_sheets(self.roster))
        self._night(strategies.as_rows(table), headers)

    @rule(data=st.data())
    def a_file_with_faults(self, data: st.DataObject) -> None:
        headers, table = data.draw(strategies.sheets(self.roster, max_rows=5))
        table = [dict(cells) for cells in table]
        for _ in range(data.draw(st.integers(1, 3))):
            spoiled = data.draw(st.sampled_from(strategies.SPOILED))
            data.draw(st.sampled_from(table))[data.draw(st.sampled_from(headers))] = spoiled
        screened = model_checks.screened(strategies.as_csv(headers, table))
        self._night(model_database.rows_of(screened), headers, screened)

    @precondition(lambda self: len(self._swappers()) > 1)
    @rule(data=st.data())
    def people_pass_their_addresses_on(self, data: st.DataObject) -> None:
        """Two people swap, or three in a ring; one of the rows may fall to another rule."""
        people = data.draw(st.permutations(self._swappers()))[: data.draw(st.integers(2, 3))]
        schools = data.draw(st.lists(st.sampled_from(("S1", "S1", "S2", "S9")), min_size=3, max_size=3))
        rows = [
            self._row_about(line, who, schools[line - 2], giver)
            for line, (who, giver) in enumerate(zip(people, (*people[1:], people[0]), strict=True), start=2)
        ]
        self._night(rows, (*strategies.REQUIRED, *strategies.REQUIRED_CLASS))

    @precondition(lambda self: self.files)
    @rule()
    def the_same_file_again(self) -> None:
        self._night(*self.files[-1])

    @precondition(lambda self: len(self.files) > 1)
    @rule(data=st.data())
    def an_older_file_again(self, data: st.DataObject) -> None:
        self._night(*data.draw(st.sampled_from(self.files)))

    @rule(days=st.sampled_from((1, 40)))
    def days_pass(self, days: int) -> None:
        Nights.steps += 1
        self.today += timedelta(days=days)

    @rule()
    def housekeeping_goes_by_the_dates(self) -> None:
        """Nothing but the dates decides; a second look the same day finds nothing to do."""
        Nights.steps += 1
        self.roster = roster_model.apply_date_changes(self.roster, self.today)
        model_checks.apply_date_changes(self.conn, self.today)
        assert model_database.read(self.conn, self.roster) == self.roster
        assert model_checks.apply_date_changes(self.conn, self.today) is None

    def _swappers(self) -> list[str]:
        return [who for who in self.file_people() if self.roster.people[who].status == "active"]

    def execute(self, statement: Executable) -> None:
        Nights.steps += 1
        self.conn.execute(statement)

    def _row_about(self, line: int, who: str, school: str, giver: str) -> Row:
        known, address = self.roster.people[who], self.roster.people[giver].email or ""
        cells = {"schoolId": school, "userId": who, "userRole": known.role, "userEmail": address}
        cells |= {"userFirstName": known.first_name, "userLastName": known.last_name}
        return Row(line=line, email_key=address, cells=cells)

    def _night(self, rows: Sequence[Row], headers: tuple[str, ...], screened: Screened | None = None) -> None:
        """`screened`: of a file with faults, which its rows do not show any more."""
        note(strategies.as_csv(headers, [{h: row[h] for h in headers} for row in rows]).decode())
        Nights.steps += 1
        Nights.nights += 1
        self.files.append((rows, headers, screened))
        expected = roster_model.apply(self.roster, rows, headers=headers, today=self.today)
        if screened is None:
            planned = load(self.conn, rows, headers, today=self.today)
        else:
            planned = load_screened(self.conn, screened, today=self.today)
        assert_same(planned, model_database.read(self.conn, self.roster), expected)
        assert_adds_up(planned, expected)
        self.roster = expected.roster

    def teardown(self) -> None:
        self.stack.close()


def test_many_nights_come_to_what_the_oracle_says(superuser_engine: Engine) -> None:
    run_state_machine_as_test(
        lambda: Nights(superuser_engine), settings=modest(5, stateful_step_count=50 if LONG else 12)
    )
    print(f"{Nights.steps} steps, of which {Nights.nights} nights")  # seen with `make properties`
    assert Nights.nights > 0
