"""The nights against the oracle notice faults that once were there: each is put back, and must be found.

make properties ARGS='-k put_back'
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import Engine, func, literal, select

from rostersync import database, ledger
from rostersync.embedded_postgres.server import Server
from rostersync.pipeline import delivery_case, known_content, validating
from rostersync.pipeline.context import conditions
from rostersync.planning import counts
from rostersync.planning.rules import folded_rows
from tests.support.district_nights import Nights
from tests.support.oracle.ledger_machine import LedgerNights
from tests.support.oracle.values import Roster, School
from tests.support.oracle.whole_files import screened_once
from tests.support.strategies import SCHOOLS

ONE_BY_ONE = settings(
    max_examples=60,
    stateful_step_count=8,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate,),
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
"""Without shrinking: here it is enough that something is found."""


def swept_findings_pass_for_none(patch: pytest.MonkeyPatch) -> None:
    """A known file was applied without its file rules when retention had swept their findings."""
    for module in (delivery_case, validating):
        patch.setattr(
            module,
            "is_validated",
            lambda delivery, district, stored: delivery.attempts > 0 and delivery.conditions == conditions(district),
        )


def unchanged_rows_are_counted_beside_the_plan(patch: pytest.MonkeyPatch) -> None:
    """Whoever had an unchanged and a planned row was counted twice."""

    def all_of_them(ws: Any) -> Iterator[counts.Line]:
        row = ws.unchanged.c
        for entity, cells in (("staff", [row.userId]), ("placement", [row.userId, row.schoolId])):
            school = literal(None) if entity == "staff" else row.schoolId
            named = select(school.label("school"), *cells).distinct().subquery("named")
            for at, number in ws.conn.execute(select(named.c.school, func.count()).group_by(named.c.school)):
                yield entity, at, "unchanged", number
        yield from (line for line in real(ws) if line[0] not in ("staff", "placement"))

    real = counts._unchanged
    patch.setattr(counts, "_unchanged", all_of_them)
    patch.setattr(counts, "_assert_distinct", lambda *_: None)


def refused_removals_take_others(patch: pytest.MonkeyPatch) -> None:
    """What a removal takes was decided by the file alone, whatever the roster said of it."""

    def by_the_file_alone(ws: Any, word: str) -> Any:
        cells = [ws.cell(header).label(header) for header in folded_rows.TAKING[word]]
        removals = select(*cells, func.min(ws.stage.c.line).label("line")).where(ws.cell("action") == word)
        return removals.group_by(*(ws.cell(header) for header in folded_rows.TAKING[word])).subquery("removal")

    patch.setattr(folded_rows, "_accepted", by_the_file_alone)


def what_was_left_out_is_asked_for_again(patch: pytest.MonkeyPatch) -> None:
    """The day after an approval in part, the file was judged again and applied as a whole, or held again."""
    patch.setattr(ledger, "left_out_lines", lambda conn, delivery: frozenset())
    patch.setattr(known_content, "_approved_in_part", lambda conn, found: False)


Fault = Callable[[pytest.MonkeyPatch], None]
Story = Callable[[LedgerNights], None]
STORIES: dict[Fault, Story] = {
    swept_findings_pass_for_none: lambda nights: nights.retention_sweeps_the_findings_of_a_file_that_comes_again(
        header="userFirstName", left_in_place=True, days=45
    ),
    unchanged_rows_are_counted_beside_the_plan: lambda nights: (
        nights.somebody_joins_a_class_of_people_who_teach_others_too(newcomer=True, classes=2)
    ),
    refused_removals_take_others: lambda nights: (
        nights.a_removal_that_the_roster_refuses_stands_beside_rows_about_the_same(
            above=False, school="S1", named=False
        )
    ),
    what_was_left_out_is_asked_for_again: lambda nights: nights.a_file_is_approved_without_a_school_and_is_found_again(
        days=1, by="the calendar"
    ),
}
"""Each fault, and the step of the machine in which it shows."""


@pytest.fixture
def sweeper(standing: Nights, postgres: Server) -> Iterator[Engine]:
    engine = database.engine(postgres.url_of("roster_sweep", str(standing.engine.url.database)))
    yield engine
    engine.dispose()


def play(nights: LedgerNights, story: Story) -> None:
    """One step of the machine, on a roster of three schools and nobody else."""

    @settings(ONE_BY_ONE, max_examples=1)
    @given(st.none())
    def once(_: None) -> None:
        nights.begin(roster=Roster(schools={code: School(name=f"School {code}") for code in SCHOOLS}), holds="usual")
        story(nights)

    once()


@pytest.mark.parametrize("fault", STORIES, ids=lambda fault: fault.__name__)
def test_its_story_tells_a_fault_that_is_put_back(
    standing: Nights, sweeper: Engine, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    mine = replace(standing, slept=[])
    with screened_once():
        play(LedgerNights(mine, sweeper), STORIES[fault])
        fault(monkeypatch)
        with pytest.raises(AssertionError):
            play(LedgerNights(mine, sweeper), STORIES[fault])


@pytest.mark.chance
@pytest.mark.parametrize("fault", STORIES, ids=lambda fault: fault.__name__)
def test_a_fault_that_is_put_back_is_found(
    standing: Nights, sweeper: Engine, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    fault(monkeypatch)
    mine, before = replace(standing, slept=[]), LedgerNights.steps
    with screened_once(), pytest.raises(AssertionError) as found:
        run_state_machine_as_test(lambda: LedgerNights(mine, sweeper), settings=ONE_BY_ONE)
    first, *_ = str(found.value).splitlines()
    print(f"{fault.__name__}: found after {LedgerNights.steps - before} steps: {first[:100]}")
