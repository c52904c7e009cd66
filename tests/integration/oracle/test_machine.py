"""Several nights in a row, and what happens between them, against the oracle."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

from hypothesis import assume, note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from sqlalchemy import Engine, and_, update

from rostersync.model import Screened
from tests.support import strategies
from tests.support.oracle import comparison as model_checks
from tests.support.oracle import database as model_database
from tests.support.oracle import model as roster_model
from tests.support.oracle.comparison import LONG, assert_adds_up, assert_same, load, load_screened, modest, rolled_back
from tests.support.oracle.values import FILE, SOURCE, Roster, Row
from tests.support.strategies import ADDRESSES, FIRST, GRADES, LAST, PAST, SOON, TODAY

SPOILED = (
    "",
    "  ",
    "#REF!",
    "1E+05",
    "A\u200bb",
    "N/A",
    "Student",
    "2026-02-30",
    "nobody",
    "x" * 300,
    "Jos\u00c3\u00a9",
)
"""What a cell is overwritten with. In some columns some of it is no fault: the screening says, not the test."""
BY_HAND: dict[str, dict[str, tuple[Any, ...]]] = {
    "people": {"first_name": FIRST, "last_name": LAST, "role": strategies.ROLES, "email": ADDRESSES},
    "placements": {"staff_type": ("Volunteer", None), "start_date": (None, PAST), "end_date": (None, PAST, SOON)},
    "classes": {"name": ("Reading", "By hand"), "grade": GRADES, "display_name": ("Shown", None)},
    "enrollments": {"primary_teacher": (True, False), "start_date": (None, PAST), "end_date": (None, SOON)},
}
"""Kind of record → field → values that somebody types into the pages."""


class Nights(RuleBasedStateMachine):
    """A district night after night; the oracle's roster is compared after each file."""

    steps: ClassVar[int] = 0
    nights: ClassVar[int] = 0

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.conn = self.stack.enter_context(rolled_back(engine))
        self.today = TODAY
        self.files: list[tuple[Sequence[Row], tuple[str, ...], Screened | None]] = []

    @initialize(roster=strategies.rosters())
    def begin(self, roster: Roster) -> None:
        self.roster = roster
        model_database.write(self.conn, roster)

    @rule(data=st.data())
    def a_new_file(self, data: st.DataObject) -> None:
        headers, table = data.draw(strategies.sheets(self.roster, max_rows=5))
        self._night(strategies.as_rows(table), headers)

    @rule(data=st.data())
    def a_file_with_faults(self, data: st.DataObject) -> None:
        headers, table = data.draw(strategies.sheets(self.roster, max_rows=5))
        table = [dict(cells) for cells in table]
        for _ in range(data.draw(st.integers(1, 3))):
            data.draw(st.sampled_from(table))[data.draw(st.sampled_from(headers))] = data.draw(st.sampled_from(SPOILED))
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
        self.roster = roster_model.pass_days(self.roster, self.today)
        model_checks.pass_days(self.conn, self.today)
        assert model_database.read(self.conn, self.roster) == self.roster
        assert model_checks.pass_days(self.conn, self.today) is None

    @precondition(lambda self: self._file_people())
    @rule(data=st.data(), own_id=st.booleans())
    def the_source_takes_somebody_over(self, data: st.DataObject, own_id: bool) -> None:
        """Under the same userId, or under the source's own; what the files gave the person stays the files'."""
        who = data.draw(st.sampled_from(self._file_people()))
        Nights.steps += 1
        self._change("people", who, owner=SOURCE)
        if own_id and (new := f"src{len(self.roster.people)}-{who}") not in self.roster.people:
            self.roster.rename({who: new})
            self._update("people", who, {"user_id": new})

    @precondition(lambda self: any(True for _ in self._file_records()))
    @rule(data=st.data())
    def a_field_is_edited_by_hand(self, data: st.DataObject) -> None:
        kind, key = data.draw(st.sampled_from(list(self._file_records())))
        field = data.draw(st.sampled_from(sorted(BY_HAND[kind])))
        value = data.draw(st.sampled_from(BY_HAND[kind][field]))
        record = getattr(self.roster, kind)[key]
        assume(field != "email" or value not in self._held())
        values = {field: value} | ({"email_key": value} if field == "email" else {})
        dates = [({name: getattr(record, name, None) for name in strategies.DAYS} | values)[n] for n in strategies.DAYS]
        assume(None in dates or dates[0] <= dates[1])
        Nights.steps += 1
        self._change(kind, key, **values, sticky=tuple(sorted({*record.sticky, field})))

    @precondition(lambda self: any(record.sticky for record in self._records()))
    @rule(data=st.data())
    def hand_edits_are_released(self, data: st.DataObject) -> None:
        edited = [(kind, key) for kind, key in self._file_records() if getattr(self.roster, kind)[key].sticky]
        assume(edited)
        Nights.steps += 1
        self._change(*data.draw(st.sampled_from(edited)), sticky=())

    def _file_people(self) -> list[str]:
        return sorted(who for who, known in self.roster.people.items() if known.owner == FILE)

    def _swappers(self) -> list[str]:
        return [who for who in self._file_people() if self.roster.people[who].status == "active"]

    def _held(self) -> set[str | None]:
        """Addresses a page would refuse: of active people, here and elsewhere."""
        here = {known.email_key for known in self.roster.people.values() if known.status == "active"}
        return here | self.roster.taken_elsewhere

    def _records(self) -> Iterable[Any]:
        return (getattr(self.roster, kind)[key] for kind, key in self._file_records())

    def _file_records(self) -> Iterable[tuple[str, Any]]:
        for kind in BY_HAND:
            records = getattr(self.roster, kind)
            yield from ((kind, key) for key in sorted(records) if records[key].owner == FILE)

    def _change(self, kind: str, key: Any, **values: Any) -> None:
        """Another writer's change, in the oracle and in the database."""
        records = getattr(self.roster, kind)
        records[key] = replace(records[key], **values)
        self._update(kind, key, {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()})

    def _update(self, kind: str, key: Any, values: dict[str, Any]) -> None:
        table, names, _ = model_database.KINDS[kind]
        parts = (key,) if isinstance(key, str) else key
        mine = and_(*(table.c[name] == part for name, part in zip(names, parts, strict=True)))
        self.conn.execute(update(table).values(values).where(table.c.district == model_database.DISTRICT, mine))

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
