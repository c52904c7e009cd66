"""What the database must refuse, tried on it: two invented districts are planted, and nothing of it stays.

The tables' owner plants and then acts as each role in turn, so that grants, policies and triggers judge that role.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy import DDL, Connection, Engine, Executable, Table, func, insert, select, update
from sqlalchemy import delete as delete_from
from sqlalchemy.exc import DBAPIError

from rostersync.database import rolled_back_transaction, set_district
from rostersync.database import tables as t
from rostersync.database.isolation_seed import ROSTER, WRITERS, record, seed_rows

HERE, THERE = "db-check-here", "db-check-there"
NO_DISTRICT, OTHER_OWNER, KEY_ALONE, NO_RIGHT = "RSD01", "RSO01", "RSK01", "42501"
CELLS = (*ROSTER, t.finding, t.plan, t.decision, t.undo, t.change, t.report, t.report_file, t.arrival, t.inbox_look)
LISTINGS = (t.delivery, t.attempt, t.run_delivery, t.message, t.report_drop, t.dating, t.sweep)
INTAKE = (*CELLS[len(ROSTER) :], *LISTINGS)
"""Where retention deletes."""

ProbeAnswer = int | str
"""The number of rows a statement came to, or the SQLSTATE of its refusal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeAttempt:
    """One statement, in whose name, and the answers that are right. `district` None: on behalf of none."""

    role: str
    about: str
    statement: Executable
    right: tuple[ProbeAnswer, ...]
    district: str | None = HERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A sentence that must hold, and the attempts that would show that it does not."""

    sentence: str
    attempts: Sequence[ProbeAttempt]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """How a trial ended: `gaps` names what was not answered as it must be."""

    sentence: str
    tried: int
    gaps: tuple[str, ...]


def try_all(owner: Engine) -> list[ProbeResult]:
    """Plant, try everything, roll back. Raises what `database.translated` raises when planting itself fails."""
    with rolled_back_transaction(owner, HERE) as conn:
        for code in (THERE, HERE):
            set_district(conn, code)
            for table, rows in seed_rows(code):
                conn.execute(insert(table), rows)
        return [_verdict(conn, trial) for trial in _trials()]


def _verdict(conn: Connection, trial: Probe) -> ProbeResult:
    gaps = tuple(
        f"{attempt.role}, {attempt.about}" for attempt in trial.attempts if _answer(conn, attempt) not in attempt.right
    )
    return ProbeResult(sentence=trial.sentence, tried=len(trial.attempts), gaps=gaps)


def _answer(conn: Connection, attempt: ProbeAttempt) -> ProbeAnswer:
    """What comes of the attempt; always rolled back."""
    inner = conn.begin_nested()
    try:
        set_district(conn, attempt.district or "")
        conn.execute(select(func.set_config("role", attempt.role, True)))
        done = conn.execute(attempt.statement, execution_options={"preserve_rowcount": True})
        return len(done.all()) if done.returns_rows else done.rowcount
    except DBAPIError as error:
        return error.orig.sqlstate or "" if isinstance(error.orig, psycopg.Error) else ""
    finally:
        inner.rollback()


def _trials() -> Iterator[Probe]:
    yield Probe(sentence="Without a district, cells are an exception", attempts=tuple(_of_no_district()))
    yield Probe(sentence="Another district's rows are invisible", attempts=tuple(_reading_there()))
    yield Probe(sentence="Another district's rows are unwritable", attempts=tuple(_writing_there()))
    yield Probe(sentence="Nobody writes the records of another owner", attempts=tuple(_writing_others()))
    yield Probe(sentence="Each writes its own, and the source takes over a file's", attempts=tuple(_writing_own()))
    yield Probe(sentence="No writer deletes, and nobody empties or defines anything", attempts=tuple(_destroying()))
    yield Probe(
        sentence="Retention deletes, one district's rows at a time, and writes nothing", attempts=tuple(_sweeping())
    )
    yield Probe(sentence="What is addressed to somebody is turned to nobody else", attempts=tuple(_redirecting()))
    yield Probe(sentence="Nobody makes a large object, which no policy hides", attempts=tuple(_hiding()))
    yield Probe(sentence="An address that is taken in another district is known to be", attempts=tuple(_asking()))


def _redirecting() -> Iterator[ProbeAttempt]:
    """What is addressed stays so: a mail to its recipient, a file to its place, a key to its address."""
    for table, column in ((t.message, "recipient"), (t.report_drop, "target")):
        yield from _each("roster_sync", [table], lambda of, name=column: update(of).values({name: "x"}), NO_RIGHT)
    for owner in ("manual", "file"):
        yield from _each("roster_manual", [t.person], _changing(owner, email_key="x", sticky=["email"]), KEY_ALONE)


def _hiding() -> Iterator[ProbeAttempt]:
    """A large object is under no policy, and no retention finds it."""
    for role in (*WRITERS, "roster_read", "roster_sweep"):
        for making in (func.lo_create(0), func.lo_creat(-1), func.lo_from_bytea(0, b"x")):
            yield ProbeAttempt(role=role, about=making.name, statement=select(making), right=(NO_RIGHT,))


def _each(
    role: str, of: Iterable[Table], statement: Any, *right: ProbeAnswer, district: str | None = HERE
) -> Iterator[ProbeAttempt]:
    for table in of:
        yield ProbeAttempt(role=role, about=table.name, statement=statement(table), right=right, district=district)


def _of_no_district() -> Iterator[ProbeAttempt]:
    yield from _each("roster_sync", CELLS, select, NO_DISTRICT, district=None)
    for role in ("roster_source", "roster_manual", "roster_read"):
        yield from _each(role, ROSTER, select, NO_DISTRICT, district=None)


def _reading_there() -> Iterator[ProbeAttempt]:
    def there(table: Table) -> Executable:
        return select(table).where(table.c.district == THERE)

    yield from _each("roster_sync", CELLS, there, 0)
    for role in ("roster_source", "roster_manual", "roster_read"):
        yield from _each(role, ROSTER, there, 0)


def _writing_there() -> Iterator[ProbeAttempt]:
    def change(table: Table) -> Executable:
        return update(table).where(table.c.district == THERE).values(**_same(table))

    seeded = {table: rows[0] for table, rows in seed_rows(THERE)}
    for role, owner in WRITERS.items():
        yield from _each(role, ROSTER, change, 0)
        yield from _each(role, ROSTER, lambda of, own=owner: insert(of).values(record(of, THERE, own, "x")), NO_RIGHT)
    yield from _each("roster_sync", (*CELLS, *LISTINGS), change, 0, NO_RIGHT)
    yield from _each("roster_sync", INTAKE, lambda of: insert(of).values(seeded[of]), NO_RIGHT)


def _same(table: Table) -> dict[str, Any]:
    """A change that changes nothing, of a column that its writers may write."""
    names = ("updated_at", "state", "outcome", "action")
    column = next((table.c[name] for name in names if name in table.c), table.c.district)
    return {column.name: column}


def _writing_others() -> Iterator[ProbeAttempt]:
    for role, own in WRITERS.items():
        for owner in WRITERS.values():
            if owner == own:
                continue
            yield from _each(role, ROSTER, _changing(owner), OTHER_OWNER)
            yield from _each(role, ROSTER, _adding(owner), OTHER_OWNER)


def _changing(whose: str, **values: Any) -> Any:
    """A change of the one record of this owner: of whether it is active, unless told."""

    def change(table: Table) -> Executable:
        dead = "ended" if "start_date" in table.c else "inactive"
        return update(table).where(table.c.owner == whose).values(**(values or {"status": dead}))

    return change


def _adding(owner: str) -> Any:
    # Placements and enrollments of the planted person at another's school or class: free keys.
    free = {"source": "file", "file": "manual", "manual": "source"}

    def add(table: Table) -> Executable:
        name = free[owner] if table in (t.placement, t.enrollment) else "new"
        return insert(table).values(record(table, HERE, owner, name))

    return add


def _writing_own() -> Iterator[ProbeAttempt]:
    for role, own in WRITERS.items():
        yield from _each(role, ROSTER, _changing(own), 1)
        yield from _each(role, ROSTER, _adding(own), 1)
    yield from _each("roster_source", ROSTER, _changing("file", owner="source"), 1)
    yield from _each("roster_manual", ROSTER, _changing("manual", owner="file"), 1)


def _destroying() -> Iterator[ProbeAttempt]:
    definitions = (
        "TRUNCATE %(fullname)s",
        "DROP TABLE %(fullname)s CASCADE",
        "ALTER TABLE %(fullname)s DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE %(fullname)s DISABLE TRIGGER ALL",
        "CREATE TABLE roster.db_check (a int)",
    )
    for role in (*WRITERS, "roster_read", "roster_sweep"):
        yield from _each(role, ROSTER if role == "roster_sweep" else (*CELLS, *LISTINGS), delete_from, NO_RIGHT)
        for words in definitions:
            yield from _each(role, ROSTER, _defining(words), NO_RIGHT)


def _sweeping() -> Iterator[ProbeAttempt]:
    def there(table: Table) -> Executable:
        return delete_from(table).where(table.c.district == THERE)

    seeded = {table: rows[0] for table, rows in seed_rows(HERE)}
    pointed_at = (t.delivery, t.report, t.report_file)
    free = tuple(table for table in INTAKE if table not in pointed_at)
    yield from _each("roster_sweep", free, delete_from, 1)
    yield from _each("roster_sweep", INTAKE, there, 0)
    yield from _each("roster_sweep", INTAKE, delete_from, NO_DISTRICT, district=None)
    yield from _each("roster_sweep", INTAKE, lambda of: insert(of).values(seeded[of]), NO_RIGHT)
    yield from _each("roster_sweep", INTAKE, lambda of: update(of).values(**_same(of)), NO_RIGHT)


def _defining(words: str) -> Any:
    def define(table: Table) -> Executable:
        return DDL(words).against(table)  # type: ignore[no-untyped-call]  # SQLAlchemy has not typed DDL

    return define


def _asking() -> Iterator[ProbeAttempt]:
    taken = func.roster.taken_elsewhere
    for role in WRITERS:
        for code, rows in ((THERE, 1), (HERE, 0)):
            asked = select(taken([f"source@{code}.invalid"]))
            yield ProbeAttempt(role=role, about=f"address of {code}", statement=asked, right=(rows,))
