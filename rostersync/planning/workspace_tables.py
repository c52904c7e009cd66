"""The shape of the temporary tables of a plan, derived from the dictionary.

The `Table` objects are made once for each dictionary version and set of headers, so that SQLAlchemy compiles each
statement once in a process and not once for each file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, MetaData, Table, Text, false
from sqlalchemy.dialects.postgresql import JSONB

from rostersync.configuration import dictionary as dictionaries
from rostersync.configuration.dictionary import Dictionary
from rostersync.database import tables
from rostersync.model import RecordStatus

UNIQUE_ATTRIBUTES = ("email_key", "user_district_id", "user_state_id")
"""What only one active person may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityShape:
    """How one entity is stored: its table, key columns, planned attributes and the states in which it counts."""

    name: str
    table: Table
    keys: tuple[str, ...]
    attributes: tuple[str, ...]
    live: tuple[str, ...]
    extra: tuple[str, ...] = ()


def shapes(dictionary: Dictionary) -> dict[str, EntityShape]:
    """entity → shape; the attributes come from the dictionary."""

    def stored(*entities: str) -> tuple[str, ...]:
        return tuple(c.attribute for c in dictionary.of(*entities) if c.attribute)  # type: ignore[arg-type]  # names are Entity literals

    assigned = (RecordStatus.ACTIVE, RecordStatus.PLANNED)
    return {
        "school": _shape("school", tables.school, ("school_id",), stored("school"), (RecordStatus.ACTIVE,)),
        "person": _shape(
            "person",
            tables.person,
            ("user_id",),
            (*stored("person"), "email_key"),
            (RecordStatus.ACTIVE,),
            ("old_user_id",),
        ),
        "placement": _shape(
            "placement", tables.placement, ("user_id", "school_id"), stored("placement", "assignment"), assigned
        ),
        "class": _shape("class", tables.class_, ("class_id",), (*stored("class"), "school_id"), (RecordStatus.ACTIVE,)),
        "enrollment": _shape(
            "enrollment",
            tables.enrollment,
            ("user_id", "class_id"),
            stored("enrollment", "assignment"),
            assigned,
            ("school_id",),
        ),
    }


def _shape(
    name: str,
    table: Table,
    keys: tuple[str, ...],
    attributes: tuple[str, ...],
    live: tuple[str, ...],
    extra: tuple[str, ...] = (),
) -> EntityShape:
    return EntityShape(name=name, table=table, keys=keys, attributes=(*attributes, "status"), live=live, extra=extra)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceTables:
    """The temporary tables of a plan; what each is for is said in `workspace`."""

    metadata: MetaData
    shapes: Mapping[str, EntityShape]
    delivered: Table
    unchanged: Table
    stage: Table
    rule_findings: Table
    unknown_id: Table
    similar_id: Table
    correction: Table
    claim: Table
    plans: Mapping[str, Table]


@cache
def workspace_tables(version: str, present: frozenset[str]) -> WorkspaceTables:
    """The tables for files of this dictionary version with these headers."""
    dictionary, metadata = dictionaries.load_dictionary(version), MetaData()
    entities = shapes(dictionary)
    headers = [c.header for c in dictionary.columns if c.header in present]

    def rows(name: str) -> Table:
        cells = (_text(h) for h in headers)
        return temporary(
            metadata, name, _line(), _text("status"), _flag("class_part_dropped"), _text("email_key"), *cells
        )

    return WorkspaceTables(
        metadata=metadata,
        shapes=entities,
        delivered=rows("delivered"),
        unchanged=temporary(metadata, "unchanged", _line(), *(_text(h) for h in ("schoolId", "userId", "classId"))),
        stage=rows("stage"),
        rule_findings=temporary(
            metadata,
            "rule_findings",
            _line(),
            _text("column"),
            _text("code"),
            _text("severity"),
            Column("detail", JSONB),
        ),
        unknown_id=temporary(metadata, "unknown_id", _text("user_id"), _text("fold"), _text("twin"), _text("code")),
        similar_id=temporary(metadata, "similar_id", *(_text(n) for n in ("header", "typed", "fold", "known", "code"))),
        correction=temporary(metadata, "correction", _text("user_id"), _text("old_user_id")),
        claim=temporary(metadata, "claim", _text("user_id"), _text("person"), *_claimed()),
        plans={name: _plan_table(metadata, shape) for name, shape in entities.items()},
    )


def _line() -> Column[int]:
    return Column("line", BigInteger)


def _text(name: str) -> Column[str]:
    return Column(name, Text)


def _flag(name: str) -> Column[bool]:
    """False until a rule says otherwise."""
    return Column(name, Boolean, server_default=false())


def _claimed() -> Iterator[Column[str]]:
    for attribute in UNIQUE_ATTRIBUTES:
        yield from (_text(attribute), _text(f"held_{attribute}"))


def temporary(metadata: MetaData, name: str, *columns: Column[Any]) -> Table:
    """A table that vanishes with its transaction."""
    return Table(f"rostersync_{name}", metadata, *columns, prefixes=["TEMPORARY"], postgresql_on_commit="DROP")


def _plan_table(metadata: MetaData, shape: EntityShape) -> Table:
    values = (Column(f"{age}_{a}", shape.table.c[a].type) for a in shape.attributes for age in ("old", "new"))
    keys = (_text(k) for k in (*shape.keys, *shape.extra))
    return temporary(metadata, f"plan_{shape.name}", *keys, _line(), _text("owner"), _text("action"), *values)
