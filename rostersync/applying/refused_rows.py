"""The last resort of an apply: whose rows the database refuses, though no rule finds fault with them.

Reached only when an apply has failed (docs/rules/apply.md). Parts of the file are planned and applied in savepoints
that are rolled back, so that halving finds the first person who cannot be stored, then the next one among those that
remain. What remains at the end has been stored once, all together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import pandas as pd
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from rostersync import applying, planning
from rostersync.catalogue.findings import make_finding, reference_of
from rostersync.exceptions import StatementRefused
from rostersync.model import Finding, RowStatus, Screened, Severity

MAX_REFUSED = 20
"""Of more people than this no row is at fault, but a rule or a constraint of ours: the delivery fails as a whole."""
_BY_ROWS = ("22", "23", "P0001")
"""SQLSTATEs by which values are refused: data exceptions, constraints, and what a trigger raises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What the database said, without its message: that may quote cells."""

    sqlstate: str
    table: str | None
    constraint: str | None


ApplyAttempt = Callable[[Sequence[str]], Refusal | None]
"""Tries to store these people's rows and no others; gives why not."""


def refusal_of(error: DBAPIError) -> Refusal | None:
    """Why rows were refused, or None when the failure is not about rows."""
    state = getattr(error.orig, "sqlstate", None) or ""
    if not state.startswith(_BY_ROWS):
        return None
    diag = error.orig.diag  # type: ignore[union-attr]  # only the driver's own errors have a SQLSTATE
    return Refusal(sqlstate=state, table=diag.table_name, constraint=diag.constraint_name)


def without_refused(
    conn: Connection, context: planning.PlanContext, screened: Screened, delivery: str
) -> tuple[Screened, tuple[Finding, ...]]:
    """The rows with those rejected that the database refuses, and a finding for each; none when all can be stored now.

    Raises StatementRefused when it refuses more than MAX_REFUSED people, or when the fault is not in rows.
    """
    rows = screened.rows
    # A removal of a class names no person: it stands for itself.
    person = rows["userId"].astype("str").where(rows["userId"] != "", "class " + rows["classId"].astype("str"))
    accepted = rows["status"] == RowStatus.ACCEPTED
    refused = search(
        list(dict.fromkeys(person[accepted])),
        lambda kept: _attempt(conn, context, _rejecting(rows, accepted & ~person.isin(kept)), delivery),
    )
    hit = accepted & person.isin(refused) & ~rows["line"].isin(_rejected_by_rules(conn, context, rows))
    blamed = zip(rows["line"][hit].tolist(), person[hit], strict=True)
    findings = tuple(_finding(int(line), delivery, refused[name]) for line, name in blamed)
    return replace(screened, rows=_rejecting(rows, hit)), findings


def search(people: Sequence[str], attempt: ApplyAttempt) -> Mapping[str, Refusal]:
    """Who is refused, and why: the others can be stored together. About log2(len(people)) attempts for each.

    Raises StatementRefused when they are more than MAX_REFUSED, or when nobody's rows are at fault.
    """
    kept, stored = list(people), 0
    refused: dict[str, Refusal] = {}
    while (why := attempt(kept)) is not None:
        if len(refused) == MAX_REFUSED or (not refused and attempt([]) is not None):
            raise _not_a_row(why)
        first, why = _first_refused(kept, stored, why, attempt)
        refused[kept.pop(first)] = why
        stored = first
    return refused


def _first_refused(kept: Sequence[str], stored: int, why: Refusal, attempt: ApplyAttempt) -> tuple[int, Refusal]:
    """The place of the first one who cannot be stored with all before; `stored` of them are known to be fine."""
    last = len(kept)
    while last - stored > 1:
        middle = (stored + last) // 2
        failed = attempt(kept[:middle])
        if failed is None:
            stored = middle
        else:
            last, why = middle, failed
    return stored, why


def _not_a_row(why: Refusal) -> StatementRefused:
    where = ", ".join(part for part in (why.sqlstate, why.table, why.constraint) if part)
    return StatementRefused(
        f"The database refuses more than the rows of {MAX_REFUSED} people ({where}).",
        hint="A rule or a constraint is at fault, not the file. Nothing was applied; report this with the delivery id.",
    )


def _attempt(conn: Connection, context: planning.PlanContext, rows: pd.DataFrame, delivery: str) -> Refusal | None:
    """Plan and apply, and take it back."""
    try:
        with conn.begin_nested() as savepoint:
            applying.apply(planning.plan(conn, context, rows), delivery=delivery, attempt=0, actor="bisecting")
            savepoint.rollback()
    except DBAPIError as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
        return refusal
    return None


def _rejected_by_rules(conn: Connection, context: planning.PlanContext, rows: pd.DataFrame) -> set[int | None]:
    """Lines that were never stored: they keep the reasons they have."""
    with conn.begin_nested() as savepoint:
        findings = planning.plan(conn, context, rows).findings
        savepoint.rollback()
    return {finding.line for finding in findings if finding.severity is Severity.ROW}


def _rejecting(rows: pd.DataFrame, hit: pd.Series) -> pd.DataFrame:
    changed = rows.copy(deep=False)
    status = rows["status"].copy()
    status[hit] = RowStatus.REJECTED
    changed["status"] = status
    return changed


def _finding(line: int, delivery: str, refusal: Refusal) -> Finding:
    facts = {name: fact for name, fact in asdict(refusal).items() if fact is not None}
    return make_finding("row-refused-by-database", line=line, reference=reference_of(delivery, str(line)), **facts)
