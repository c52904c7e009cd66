"""A file that says nothing odd comes to the same in any order of its rows, and in two parts."""

from __future__ import annotations

from hypothesis import event, given
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine

from rostersync.planning import Plan
from tests.support import strategies
from tests.support.oracle import database as model_database
from tests.support.oracle import model as roster_model
from tests.support.oracle.comparison import assert_same, errors, load, modest, rolled_back
from tests.support.oracle.values import Night, Roster
from tests.support.strategies import TODAY
from tests.support.valid_files import Table, calm_nights

Calm = tuple[Roster, tuple[str, ...], Table]


def loaded(conn: Connection, before: Roster, headers: tuple[str, ...], table: Table) -> tuple[Plan, Roster]:
    planned = load(conn, strategies.as_rows(table), headers)
    return planned, model_database.read(conn, before)


def by_the_oracle(before: Roster, headers: tuple[str, ...], table: Table) -> Night:
    return roster_model.apply(before, strategies.as_rows(table), headers=headers, today=TODAY)


@modest(6)
@given(calm=calm_nights(), data=st.data())
def test_the_order_of_the_rows_does_not_matter(superuser_engine: Engine, calm: Calm, data: st.DataObject) -> None:
    before, headers, table = calm
    evaluation = []
    for order in (table, data.draw(st.permutations(table))):
        with rolled_back(superuser_engine) as conn:
            model_database.write(conn, before)
            planned, after = loaded(conn, before, headers, order)
            assert planned.findings == ()
            evaluation.append((after, planned.counts, planned.by_school))
    assert evaluation[0] == evaluation[1]


@modest(6)
@given(calm=calm_nights(), data=st.data())
def test_two_parts_come_to_what_the_whole_comes_to(superuser_engine: Engine, calm: Calm, data: st.DataObject) -> None:
    """One part may hold what the other needs, say a removal that frees an address: the oracle says what comes then."""
    before, headers, table = calm
    first = data.draw(st.lists(st.booleans(), min_size=len(table), max_size=len(table)))
    parts = [[cells for cells, here in zip(table, first, strict=True) if here is half] for half in (True, False)]
    independent, known = True, before
    with rolled_back(superuser_engine) as conn:
        model_database.write(conn, before)
        for part in filter(None, parts):
            expected = by_the_oracle(known, headers, part)
            planned, known = loaded(conn, known, headers, part)
            assert_same(planned, known, expected)
            corrected = any(told.code == "id-corrected" for told in expected.findings)
            independent = independent and not errors(expected.findings) and not corrected
    event(f"independent parts: {independent}")
    if independent:
        assert known == by_the_oracle(before, headers, table).roster
