"""One file through the plan and the apply, and its result held against the oracle's."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from sqlalchemy import Connection, Engine

from rostersync import ledger, planning, reading, screening
from rostersync.applying import apply, put_back
from rostersync.catalogue.findings import SUPPOSED, certain, finding_texts
from rostersync.configuration import dictionary
from rostersync.model import DateChanges, Reading, Screened
from rostersync.pipeline.file_verdict import plan_screened
from rostersync.planning import Plan, PlanContext, lock_district
from rostersync.undoing import UndoPlan, plan_undo
from tests.fuzz.promises import rules_alone
from tests.support import strategies
from tests.support.logins import acting_as
from tests.support.oracle import database as model_database
from tests.support.oracle.values import Night, Roster, Row, Told
from tests.support.strategies import TODAY

LONG = int(os.environ.get("ROSTER_MODEL_EXAMPLES", "0"))
"""Examples of a long run: random, with shrinking. Without it: a few, always the same."""


def modest(examples: int, *, share: int = 1, **more: Any) -> settings:
    """Hypothesis settings of a test with this many examples in the short run; `share`: one of so many in a long one."""
    return settings(
        max_examples=max(1, LONG // share) if LONG else examples,
        deadline=None,
        derandomize=not LONG,
        database=None,
        # Shrinking runs thousands of plans: only where somebody waits for it.
        phases=(Phase.generate, Phase.shrink) if LONG else (Phase.generate,),
        # The engine is opened once and every example is rolled back: nothing is left of one in the next.
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
        **more,
    )


@contextmanager
def rolled_back(engine: Engine) -> Iterator[Connection]:
    """A transaction of a superuser, of which nothing stays."""
    with engine.connect() as conn, conn.begin() as transaction:
        yield conn
        transaction.rollback()


def load(conn: Connection, rows: Sequence[Row], headers: Sequence[str], **how: Any) -> Plan:
    """Screen these rows as a file, plan and apply them; `how`: see `load_screened`."""
    table = [{header: row[header] for header in headers} for row in rows]
    return load_screened(conn, screened(strategies.as_csv(headers, table)), **how)


def screened(data: bytes) -> Screened:
    """The file screened, by the rules alone."""
    with rules_alone():
        return screening.screen(read(data), dictionary.load_dictionary())


def read(data: bytes) -> Reading:
    """The file read."""
    return reading.read(data, dictionary.load_dictionary(), max_bytes=1 << 20, max_rows=1000)


def load_screened(
    conn: Connection,
    screened: Screened,
    *,
    today: date = TODAY,
    creation: bool = False,
    delivery: str = "d-1",
    attempt: int = 1,
) -> Plan:
    """Plan and apply, with the rights of the tasks; the plan with all findings, those of the file too."""
    with acting_as(conn, "roster_sync", model_database.DISTRICT), rules_alone():
        lock_district(conn, model_database.DISTRICT)
        planned = plan_screened(conn, context(today, creation=creation), screened)
        apply(planned, delivery=delivery, attempt=attempt, actor=delivery)
    return replace(planned, findings=(*certain(screened.findings), *planned.findings))


def undo(conn: Connection, delivery: str = "d-1", attempts: Sequence[int] = (1,)) -> UndoPlan:
    """Undo these attempts, newest first, with the rights of the tasks."""
    with acting_as(conn, "roster_sync", model_database.DISTRICT):
        lock_district(conn, model_database.DISTRICT)
        known = ledger.corrections(conn, model_database.DISTRICT, of_delivery=delivery)
        planned = plan_undo(conn, context(), delivery=delivery, attempts=attempts, corrections=known)
        put_back(planned.workspace, delivery=delivery, attempt=attempts[0], actor="olga")
    return planned


def context(today: date = TODAY, *, creation: bool = False) -> PlanContext:
    """The district of the model and its rules."""
    return PlanContext(
        district=model_database.DISTRICT, dictionary=dictionary.load_dictionary(), today=today, school_creation=creation
    )


def apply_date_changes(conn: Connection, today: date) -> DateChanges | None:
    """What housekeeping does on this day: how much, or None when there is nothing to do."""
    with acting_as(conn, "roster_sync", model_database.DISTRICT):
        lock_district(conn, model_database.DISTRICT)
        passed = planning.apply_date_changes(conn, context(today))
        if passed is None:
            return None
        plan_, dated = passed
        apply(plan_, delivery=None, attempt=None, actor="test")
    return dated


def assert_same(planned: Plan, after: Roster, expected: Night) -> None:
    """The program came to what the oracle says."""
    found = model_database.told(finding for finding in planned.findings if is_modelled(finding.code))
    assert_equal("errors", errors(found), errors(expected.findings))
    assert_told(found, expected.findings)
    for name in model_database.KINDS:
        assert_equal(name, getattr(after, name), getattr(expected.roster, name))
    assert_equal("counts", {entity: dict(by) for entity, by in planned.counts.items()}, expected.counts)
    assert_equal("counts by school", counted(planned.by_school), counted(expected.by_school))
    assert_equal("rows", rows_of(planned), expected.rows)
    assert_equal("whether anything changed", bool(planned.changes), expected.changed)


def is_modelled(code: str) -> bool:
    """The oracle knows the rules about the roster and those about rows that speak of the same."""
    return finding_texts()[code].by == "R" or code in (*model_database.AGREEMENT, *SUPPOSED)


def assert_equal(what: str, found: Any, expected: Any) -> None:
    if isinstance(found, dict) and isinstance(expected, dict):
        other = {key for key in found.keys() | expected.keys() if found.get(key) != expected.get(key)}
        told = {key: (found.get(key), expected.get(key)) for key in other}
        assert not other, f"{what}, found and expected: {told}"
    assert found == expected, f"{what}: {found} instead of {expected}"


def errors(found: frozenset[Told]) -> set[Told]:
    """Those that reject a row."""
    return {each for each in found if each.severity == "row"}


def assert_told(found: frozenset[Told], expected: frozenset[Told]) -> None:
    """Remarks of accepted rows: told only where the oracle allows them, and no code left out."""
    rejected = {error.line for error in errors(expected)}
    said = {each for each in found if each.severity == "remark" and each.line not in rejected}
    allowed = {each for each in expected if each.severity == "remark"}
    assert said <= allowed, f"remarks: {said - allowed} beside {allowed}"
    silent = {each.code for each in allowed} - {each.code for each in said}
    assert not silent, f"remarks left out: {silent}"


def counted(by_school: Any) -> dict[str, Any]:
    """Counts per school without schools at which nothing was counted."""
    filled = {school: {e: dict(by) for e, by in item.items() if any(by.values())} for school, item in by_school.items()}
    return {school: item for school, item in filled.items() if item}


def rows_of(planned: Plan) -> dict[str, int]:
    """The plan's row counts by name."""
    rows = planned.rows
    return {"read": rows.read, "accepted": rows.accepted, "rejected": rows.rejected, "set_aside": rows.set_aside}


def assert_adds_up(planned: Plan, expected: Night) -> None:
    """created + updated + unchanged + removed + errors = distinct entities named or ended; likewise for rows."""
    assert_equal("entities", {entity: sum(by.values()) for entity, by in planned.counts.items()}, expected.distinct)
    rows = planned.rows
    assert rows.read == rows.accepted + rows.rejected + rows.set_aside
