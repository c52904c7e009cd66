"""The temporary tables of one plan, and what every rule needs to know of it.

`delivered` holds the file's rows; `unchanged` those that say only what the roster says already; `stage` the rest, which
alone is judged and planned. `rule_findings` holds the findings of roster rules; `unknown_id` typed IDs that nobody has,
and whose spelling they resemble; `similar_id` the same of other IDs; `correction` typed IDs that stand for an older
one; `claim` what people ask for that only one may have; one `plan` table per entity old and new values and what is to
be done. All live on the transaction's connection and vanish with it: nothing here is visible to anybody else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
from sqlalchemy import (
    ColumnElement,
    Connection,
    Date,
    Insert,
    MetaData,
    Select,
    Table,
    Text,
    Update,
    and_,
    cast,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    text,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

from rostersync.configuration.dictionary import Dictionary
from rostersync.database.conditions import Condition
from rostersync.model import RowStatus, Severity
from rostersync.planning.workspace_tables import EntityShape, workspace_tables
from rostersync.text_columns import encode

ACCEPTED, REJECTED = RowStatus.ACCEPTED, RowStatus.REJECTED


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanContext:
    """Whose file it is and by which rules it is judged. `today` is the district's local date."""

    district: str
    dictionary: Dictionary
    today: date
    school_creation: bool = False


class Workspace:
    """The temporary tables of one plan on one connection; made by `open_workspace`."""

    def __init__(self, conn: Connection, context: PlanContext, headers: Iterable[str]) -> None:
        self.conn = conn
        self.context = context
        self.dictionary = context.dictionary
        self.district = context.district
        self.present = frozenset(headers)
        layout = workspace_tables(context.dictionary.version, self.present)
        self.shapes = layout.shapes
        self.delivered = layout.delivered
        self.unchanged = layout.unchanged
        self.stage = layout.stage
        self.rule_findings = layout.rule_findings
        self.unknown_id = layout.unknown_id
        self.similar_id = layout.similar_id
        self.correction = layout.correction
        self.claim = layout.claim
        self.plans = layout.plans
        self._metadata = layout.metadata
        self._looked_at: ColumnElement[bool] = true()
        self._statuses: tuple[str, ...] = (ACCEPTED,)

    def create(self) -> None:
        """Make the tables, empty."""
        create_temporary(self.conn, self._metadata)
        # Statistics of a few thousand rows are enough to choose joins, and many times cheaper than the usual ones.
        self.conn.execute(select(func.set_config("default_statistics_target", "10", True)))

    def cell(self, header: str) -> ColumnElement[Any]:
        """The staged cell of a header; NULL when the file has no such column."""
        return self.stage.c[header] if header in self.present else cast(null(), Text)

    def day(self, header: str) -> ColumnElement[Any]:
        return cast(self.cell(header), Date)

    @property
    def accepted(self) -> Condition:
        """Accepted rows; within `only`, the rows that it names."""
        return and_(self.stage.c.status.in_(self._statuses), self._looked_at)

    @contextmanager
    def only(self, rows: ColumnElement[bool], *statuses: str) -> Iterator[None]:
        """Rules that are run inside look at these of the accepted rows, or of those with other `statuses`."""
        self._looked_at, self._statuses = rows, statuses or (ACCEPTED,)
        try:
            yield
        finally:
            self._looked_at, self._statuses = true(), (ACCEPTED,)

    @property
    def adds(self) -> Condition:
        """Accepted rows that add or update (blank action)."""
        return and_(self.accepted, self.cell("action").is_(None))

    def does(self, action: str) -> Condition:
        """Accepted rows with this action."""
        return and_(self.accepted, self.cell("action") == action)

    @property
    def names_person(self) -> Condition:
        """Accepted rows that name a person: those that add, and actions with userId among their keys."""
        action = self.cell("action")
        by_action = [name for name, spec in self.dictionary.actions.items() if "userId" in spec.keys]
        return and_(self.accepted, or_(action.is_(None), action.in_(by_action)))

    @property
    def names_class(self) -> Condition:
        """The row's class part applies: the group is open and not folded by a REMOVE-CLASS in the file."""
        return and_(self.cell("classId").is_not(None), self.stage.c.class_part_dropped.is_(False))

    def record_findings(self, found: Select[*tuple[Any, ...]]) -> int:
        """Add findings: a select of line, column, code, severity, detail. Returns how many."""
        return execute_rowcount(
            self.conn, insert(self.rule_findings).from_select(list(self.rule_findings.c.keys()), found)
        )

    def reject(self) -> None:
        """Rows that now carry a row error are no longer accepted."""
        hit = and_(self.rule_findings.c.line == self.stage.c.line, self.rule_findings.c.severity == Severity.ROW)
        self.conn.execute(update(self.stage).values(status=RowStatus.REJECTED).where(hit, self.accepted))

    def analyze(self, table: Table) -> None:
        self.conn.execute(text(f"ANALYZE {table.name}"))


def create_temporary(conn: Connection, metadata: MetaData) -> None:
    """Make these temporary tables, empty; those of an earlier use in the same transaction are dropped first."""
    one = next(iter(metadata.tables))
    if conn.scalar(select(func.to_regclass(f"pg_temp.{one}"))) is not None:
        metadata.drop_all(conn, checkfirst=False)
    metadata.create_all(conn, checkfirst=False)


def execute_rowcount(conn: Connection, statement: Insert | Update) -> int:
    """Execute and give the number of rows (SQLAlchemy keeps it for an INSERT only when asked)."""
    return conn.execute(statement, execution_options={"preserve_rowcount": True}).rowcount


__all__ = [
    "EntityShape",
    "PlanContext",
    "Workspace",
    "execute_rowcount",
    "finding_columns",
    "open_workspace",
    "row_finding_columns",
]


def open_workspace(conn: Connection, context: PlanContext, rows: pd.DataFrame) -> Workspace:
    """Make the temporary tables and COPY the rows (`Screened.rows`) into `delivered`; "" becomes NULL."""
    known = context.dictionary.by_header
    workspace = Workspace(conn, context, [h for h in rows.columns if h in known])
    workspace.create()
    _copy(workspace, rows)
    workspace.analyze(workspace.delivered)
    return workspace


def _copy(workspace: Workspace, rows: pd.DataFrame) -> None:
    """COPY the frame; categories are written as their text, columns without any text are left NULL."""
    table = workspace.delivered
    filled = [h for h in workspace.present if _filled(rows[h])]
    columns = [c.name for c in table.c if c.name in ("line", "status", "email_key", *filled)]
    preparer = workspace.conn.dialect.identifier_preparer
    names = ", ".join(preparer.quote(c) for c in columns)
    sql = f"COPY {table.name} ({names}) FROM STDIN (FORMAT csv, FORCE_NULL *)"
    driver = workspace.conn.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(sql) as copy:  # type: ignore[union-attr]  # a live psycopg connection
        for start in range(0, len(rows), _COPY_ROWS):
            copy.write(_as_csv(rows[columns].iloc[start : start + _COPY_ROWS]))


def _filled(column: pd.Series) -> bool:
    words = encode(column).dictionary
    return bool(pc.any(pc.not_equal(words, "")).as_py())


_COPY_ROWS = 10_000


def _as_csv(rows: pd.DataFrame) -> pa.Buffer:
    table = pa.Table.from_pandas(rows, preserve_index=False)
    plain = [c.cast(pa.string()) if pa.types.is_dictionary(c.type) else c for c in table.columns]
    sink = pa.BufferOutputStream()
    pacsv.write_csv(pa.table(plain, names=table.column_names), sink, pacsv.WriteOptions(include_header=False))
    return sink.getvalue()


def row_finding_columns(
    workspace: Workspace, column: str | None, code: str, severity: str, **detail: object
) -> tuple[ColumnElement[Any], ...]:
    """The columns of a `rule_findings` select for a staged line."""
    return (workspace.stage.c.line, *finding_columns(column, code, severity, **detail))


def finding_columns(column: str | None, code: str, severity: str, **detail: object) -> tuple[ColumnElement[Any], ...]:
    """Column, code, severity and detail of a finding as select columns; details may be SQL expressions."""
    pairs = [part for name, value in detail.items() for part in (literal(name, Text), value)]
    return (
        literal(column, Text).label("column"),
        literal(code, Text).label("code"),
        literal(severity, Text).label("severity"),
        func.jsonb_build_object(*pairs, type_=JSONB).label("detail"),
    )
