"""What the database must refuse, tried on it: two invented districts are planted, and nothing of it stays.

The tables' owner plants and then acts as each role in turn, so that grants, policies and triggers judge that role.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import psycopg
from sqlalchemy import DDL, Connection, Engine, Executable, Table, func, insert, select, update
from sqlalchemy import delete as delete_from
from sqlalchemy.exc import DBAPIError

from rostersync.database import concern, rehearsal
from rostersync.database import tables as t

HERE, THERE = "db-check-here", "db-check-there"
NO_DISTRICT, OTHER_OWNER, NO_RIGHT = "RSD01", "RSO01", "42501"
WRITERS = {"roster_sync": "file", "roster_source": "source", "roster_manual": "manual"}
"""role → whose records it writes."""
ROSTER = (t.school, t.person, t.placement, t.class_, t.enrollment)
CELLS = (*ROSTER, t.finding, t.plan, t.decision, t.undo, t.change, t.report, t.report_file)
LISTINGS = (t.delivery, t.attempt, t.arrival, t.run_delivery, t.message, t.report_drop, t.dating, t.sweep)
INTAKE = (*CELLS[len(ROSTER) :], *LISTINGS)
"""Where retention deletes."""

Answer = int | str
"""The number of rows a statement came to, or the SQLSTATE of its refusal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One statement, in whose name, and the answers that are right. `district` None: on behalf of none."""

    role: str
    about: str
    statement: Executable
    right: tuple[Answer, ...]
    district: str | None = HERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A sentence that must hold, and the attempts that would show that it does not."""

    sentence: str
    attempts: Sequence[Attempt]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How a trial ended: `gaps` names what was not answered as it must be."""

    sentence: str
    tried: int
    gaps: tuple[str, ...]


def try_all(owner: Engine) -> list[Verdict]:
    """Plant, try everything, roll back. Raises what `database.translated` raises when planting itself fails."""
    with rehearsal(owner, HERE) as conn:
        for code in (THERE, HERE):
            concern(conn, code)
            for table, rows in _planted(code):
                conn.execute(insert(table), rows)
        return [_verdict(conn, trial) for trial in _trials()]


def _verdict(conn: Connection, trial: Trial) -> Verdict:
    gaps = tuple(f"{each.role}, {each.about}" for each in trial.attempts if _answer(conn, each) not in each.right)
    return Verdict(sentence=trial.sentence, tried=len(trial.attempts), gaps=gaps)


def _answer(conn: Connection, attempt: Attempt) -> Answer:
    """What comes of the attempt; always rolled back."""
    inner = conn.begin_nested()
    try:
        concern(conn, attempt.district or "")
        conn.execute(select(func.set_config("role", attempt.role, True)))
        done = conn.execute(attempt.statement, execution_options={"preserve_rowcount": True})
        return len(done.all()) if done.returns_rows else done.rowcount
    except DBAPIError as error:
        return error.orig.sqlstate or "" if isinstance(error.orig, psycopg.Error) else ""
    finally:
        inner.rollback()


def _planted(code: str) -> Iterator[tuple[Table, list[dict[str, Any]]]]:
    """A record of each owner in each table of the roster, and a row in each table of the ledger."""
    here = {"district": code}
    rules = {"dictionary_version": "1", "code_version": "1", "config_digest": "1"}
    plan = {"entity": "person", "key": ["x"], "action": "created"}
    of_delivery = here | {"delivery": code}
    yield t.district, [{"code": code, "name": code}]
    for table in ROSTER:
        yield table, [_record(table, code, owner) for owner in WRITERS.values()]
    landed = {"id": code, "sha256": code, "size_bytes": 1, "state": "applied", "modified_at": datetime.now(UTC)}
    yield t.delivery, [here | rules | landed]
    counts: dict[str, Any] = {"rows": {}, "counts": {}, "by_school": {}, "changes": 0, "roster_version": 0}
    yield t.attempt, [of_delivery | rules | counts | {"number": 1, "outcome": "applied", "actor": "x"}]
    yield t.arrival, [here | {"dag_id": code, "run_id": "x", "outcome": "no_file"}]
    yield t.run_delivery, [of_delivery | {"dag_id": code, "run_id": "x", "position": 0}]
    found = {"attempt": 1, "stage": "file", "position": 0, "code": "x", "severity": "row"}
    yield t.finding, [of_delivery | found]
    yield t.plan, [of_delivery | plan | {"attempt": 1}]
    yield t.decision, [of_delivery | {"attempt": 1, "choice": "approve", "actor": "x"}]
    numbers = {"counts": {}, "left_alone": {}, "roster_version": 1}
    yield t.undo, [of_delivery | numbers | {"attempt": 1, "reason": "x", "actor": "x"}]
    yield t.change, [here | plan | {"actor": "x"}]
    yield t.report, [here | {"id": code, "kind": "x", "subject": "x", "text_body": "x", "html_body": "x"}]
    yield t.report_file, [here | {"report": code, "name": "x", "media_type": "x", "content": b""}]
    yield t.report_drop, [here | {"report": code, "name": "x", "target": "x"}]
    yield t.message, [here | {"report": code, "recipient": "x", "message_id": code}]
    yield t.dating, [here | {"day": date.min, "started": 0, "ended": 0, "deactivated": 0}]
    yield t.sweep, [here | {"legal_hold": False, "proof": {}}]


def _record(table: Table, code: str, owner: str, name: str | None = None) -> dict[str, Any]:
    """A record that its owner's name (or another) names; all point at the records of its owner."""
    key = name or owner
    address = f"{key}@{code}.invalid"
    facts: Mapping[str, dict[str, Any]] = {
        "school": {"school_id": key, "name": "x"},
        "person": {"user_id": key, "role": "Teacher", "first_name": "x", "last_name": "x"}
        | {"email": address, "email_key": address},
        "placement": {"user_id": owner, "school_id": key, "status": "active"},
        "class": {"class_id": key, "school_id": owner, "name": "x"},
        "enrollment": {"user_id": owner, "class_id": key, "status": "active"},
    }
    return {"district": code, "owner": owner} | facts[table.name]


def _trials() -> Iterator[Trial]:
    yield Trial(sentence="Without a district, cells are an exception", attempts=tuple(_of_no_district()))
    yield Trial(sentence="Another district's rows are invisible", attempts=tuple(_reading_there()))
    yield Trial(sentence="Another district's rows are unwritable", attempts=tuple(_writing_there()))
    yield Trial(sentence="Nobody writes the records of another owner", attempts=tuple(_writing_others()))
    yield Trial(sentence="Each writes its own, and the source takes over a file's", attempts=tuple(_writing_own()))
    yield Trial(sentence="No writer deletes, and nobody empties or defines anything", attempts=tuple(_destroying()))
    yield Trial(
        sentence="Retention deletes, one district's rows at a time, and writes nothing", attempts=tuple(_sweeping())
    )
    yield Trial(sentence="An address that is taken in another district is known to be", attempts=tuple(_asking()))


def _each(
    role: str, of: Iterable[Table], statement: Any, *right: Answer, district: str | None = HERE
) -> Iterator[Attempt]:
    for table in of:
        yield Attempt(role=role, about=table.name, statement=statement(table), right=right, district=district)


def _of_no_district() -> Iterator[Attempt]:
    yield from _each("roster_sync", CELLS, select, NO_DISTRICT, district=None)
    for role in ("roster_source", "roster_manual", "roster_read"):
        yield from _each(role, ROSTER, select, NO_DISTRICT, district=None)


def _reading_there() -> Iterator[Attempt]:
    def there(table: Table) -> Executable:
        return select(table).where(table.c.district == THERE)

    yield from _each("roster_sync", CELLS, there, 0)
    for role in ("roster_source", "roster_manual", "roster_read"):
        yield from _each(role, ROSTER, there, 0)


def _writing_there() -> Iterator[Attempt]:
    def change(table: Table) -> Executable:
        return update(table).where(table.c.district == THERE).values(**_same(table))

    planted = {table: rows[0] for table, rows in _planted(THERE)}
    for role, owner in WRITERS.items():
        yield from _each(role, ROSTER, change, 0)
        yield from _each(role, ROSTER, lambda of, own=owner: insert(of).values(_record(of, THERE, own, "x")), NO_RIGHT)
    yield from _each("roster_sync", (*CELLS, *LISTINGS), change, 0, NO_RIGHT)
    yield from _each("roster_sync", INTAKE, lambda of: insert(of).values(planted[of]), NO_RIGHT)


def _same(table: Table) -> dict[str, Any]:
    """A change that changes nothing, of a column that its writers may write."""
    names = ("updated_at", "state", "outcome", "action")
    column = next((table.c[name] for name in names if name in table.c), table.c.district)
    return {column.name: column}


def _writing_others() -> Iterator[Attempt]:
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
        return insert(table).values(_record(table, HERE, owner, name))

    return add


def _writing_own() -> Iterator[Attempt]:
    for role, own in WRITERS.items():
        yield from _each(role, ROSTER, _changing(own), 1)
        yield from _each(role, ROSTER, _adding(own), 1)
    yield from _each("roster_source", ROSTER, _changing("file", owner="source"), 1)
    yield from _each("roster_manual", ROSTER, _changing("manual", owner="file"), 1)


def _destroying() -> Iterator[Attempt]:
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


def _sweeping() -> Iterator[Attempt]:
    def there(table: Table) -> Executable:
        return delete_from(table).where(table.c.district == THERE)

    planted = {table: rows[0] for table, rows in _planted(HERE)}
    pointed_at = (t.delivery, t.report, t.report_file)
    free = tuple(table for table in INTAKE if table not in pointed_at)
    yield from _each("roster_sweep", free, delete_from, 1)
    yield from _each("roster_sweep", INTAKE, there, 0)
    yield from _each("roster_sweep", INTAKE, delete_from, NO_DISTRICT, district=None)
    yield from _each("roster_sweep", INTAKE, lambda of: insert(of).values(planted[of]), NO_RIGHT)
    yield from _each("roster_sweep", INTAKE, lambda of: update(of).values(**_same(of)), NO_RIGHT)


def _defining(words: str) -> Any:
    def define(table: Table) -> Executable:
        return DDL(words).against(table)  # type: ignore[no-untyped-call]  # SQLAlchemy has not typed DDL

    return define


def _asking() -> Iterator[Attempt]:
    taken = func.roster.taken_elsewhere
    for role in WRITERS:
        for code, rows in ((THERE, 1), (HERE, 0)):
            asked = select(taken([f"source@{code}.invalid"]))
            yield Attempt(role=role, about=f"address of {code}", statement=asked, right=(rows,))
