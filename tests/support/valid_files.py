"""Files about which there is nothing to say, and what becomes of them when cells are spoiled."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from tests.support import roster_strategies, strategies
from tests.support.oracle import model as roster_model
from tests.support.oracle.values import Roster
from tests.support.strategies import TODAY

Table = list[dict[str, str]]


def without_findings(roster: Roster, headers: Sequence[str], table: Table) -> Table:
    """The rows left when those are taken out, again and again, of which the oracle has something to say."""
    table = list({tuple(cells.items()): cells for cells in table}.values())
    while True:
        rows = strategies.as_rows(table)
        said = {told.line for told in roster_model.apply(roster, rows, headers=headers, today=TODAY).findings}
        if not said:
            return table
        table = [cells for line, cells in enumerate(table, start=2) if line not in said]


@st.composite
def calm_nights(draw: st.DrawFn, least: int = 2) -> tuple[Roster, tuple[str, ...], Table]:
    """A roster and a file of at least so many rows, every one of which applies without a word."""
    roster = draw(roster_strategies.rosters())
    headers, table = draw(strategies.sheets(roster, max_rows=16))
    calm = without_findings(roster, headers, table)
    if len(calm) < least:
        calm += _strangers(headers, least - len(calm))
    return roster, headers, calm


def _strangers(headers: Sequence[str], count: int) -> Table:
    """People nobody has heard of, at a school that is always there."""
    cells = {"schoolId": "S1", "userRole": "Teacher", "userFirstName": "Nell", "userLastName": "Newcome"}
    people = (cells | {"userId": f"new{n}", "userEmail": f"new{n}@example.com"} for n in range(count))
    return [{header: person.get(header, "") for header in headers} for person in people]
