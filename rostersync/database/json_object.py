"""Before- and after-images of records as SQL: a jsonb object of the filled columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Text, literal
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ColumnClause
from sqlalchemy.sql.functions import FunctionElement


class json_object(FunctionElement[Any]):  # noqa: N801 - named like the SQL it stands for
    """`JSON_OBJECT(name: value, … ABSENT ON NULL RETURNING jsonb)`: names and values in turn.

    Half the time of `jsonb_strip_nulls(jsonb_build_object(…))`, which a change log of a whole district's file feels.
    """

    type = JSONB()
    inherit_cache = True
    name = "json_object"


@compiles(json_object, "postgresql")
def _compile(element: json_object, compiler: SQLCompiler, **kw: Any) -> str:
    parts = [compiler.process(part, **kw) for part in element.clauses]
    pairs = ", ".join(f"{name}: {value}" for name, value in zip(parts[::2], parts[1::2], strict=True))
    return f"JSON_OBJECT({pairs} ABSENT ON NULL RETURNING jsonb)"


def image(columns: Mapping[str, ColumnElement[Any] | ColumnClause[Any]]) -> ColumnElement[Any]:
    """name → SQL value as one jsonb object, without the names whose value is NULL."""
    return json_object(*(part for name, value in columns.items() for part in (literal(name, Text), value)))
