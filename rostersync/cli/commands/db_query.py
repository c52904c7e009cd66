"""`rostersync db query`: a look into the ledger or the roster with the tasks' login, for operators; it cannot write."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, Any, cast

import psycopg
import typer
from sqlalchemy import Connection, text

from rostersync import database
from rostersync.cli.environment import roster
from rostersync.cli.exit_codes import FINE
from rostersync.cli.output import print_lines
from rostersync.exceptions import ConfigurationError


def query(
    statement: Annotated[str, typer.Argument(help="A SELECT over the ledger (intake.*) or the roster.", metavar="SQL")],
    district: Annotated[str | None, typer.Option(help="Whose people and findings may be seen.")] = None,
) -> int:
    """Read what the ledger holds; nothing can be written."""
    with roster() as engine, database.transaction(engine, district) as conn:
        conn.execute(text("SET TRANSACTION READ ONLY"))
        rows = _asked(conn, statement)
    print_lines(_table(rows))
    return FINE


def _asked(conn: Connection, statement: str) -> list[list[str]]:
    """The names of the columns, then the rows. Prepared, because PostgreSQL prepares one statement and not several."""
    with cast(psycopg.Connection[Any], conn.connection.driver_connection).cursor() as cursor:
        try:
            found = cursor.execute(statement.encode(), prepare=True)
        except psycopg.Error as error:
            raise ConfigurationError(f"PostgreSQL refused it (SQLSTATE {error.sqlstate}).", hint=_HINT) from None
        if not found.description:
            raise ConfigurationError("This statement finds nothing to print.", hint=_HINT)
        return [[column.name for column in found.description], *([_text(cell) for cell in row] for row in found)]


_HINT = "It only reads: SELECT … FROM intake.delivery. For people's records and findings add --district CODE."


def _text(cell: Any) -> str:
    if isinstance(cell, datetime):
        return cell.isoformat(" ", "seconds")
    if isinstance(cell, dict | list):
        return json.dumps(cell, ensure_ascii=False)
    return "" if cell is None else str(cell)


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
