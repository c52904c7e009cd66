"""The oracle's roster written to the database, and read back as the oracle's values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Table, insert, select

from rostersync.database import tables as t
from rostersync.model import Screened, Severity
from tests.support.oracle.values import Class, Enrollment, Person, Placement, Roster, Row, School, Told

DISTRICT, OTHER = "d", "e"
KINDS: dict[str, tuple[Table, tuple[str, ...], type[Any]]] = {
    "schools": (t.school, ("school_id",), School),
    "people": (t.person, ("user_id",), Person),
    "placements": (t.placement, ("user_id", "school_id"), Placement),
    "classes": (t.class_, ("class_id",), Class),
    "enrollments": (t.enrollment, ("user_id", "class_id"), Enrollment),
}


def write(conn: Connection, roster: Roster) -> None:
    """Enter the roster as district `d`, and the addresses taken elsewhere as people of district `e`."""
    conn.execute(insert(t.district), [{"code": code, "name": code} for code in (DISTRICT, OTHER)])
    for name, (table, keys, _) in KINDS.items():
        rows = [
            {"district": DISTRICT, **dict(zip(keys, _tuple(key), strict=True)), **columns_of(record)}
            for key, record in getattr(roster, name).items()
        ]
        if rows:
            conn.execute(insert(table), rows)
    for number, address in enumerate(sorted(roster.taken_elsewhere)):
        conn.execute(insert(t.person).values(district=OTHER, user_id=f"x{number}", **_stranger(address)))


def columns_of(record: Any) -> dict[str, Any]:
    """A record's values as its table takes them."""
    return asdict(record) | {"sticky": list(record.sticky)}


def _stranger(address: str) -> dict[str, str]:
    name = {"role": "Teacher", "first_name": "Zoe", "last_name": "Zed", "owner": "source"}
    return name | {"email": address, "email_key": address}


def _tuple(key: str | tuple[str, ...]) -> tuple[str, ...]:
    return (key,) if isinstance(key, str) else key


def read(conn: Connection, like: Roster) -> Roster:
    """The roster of district `d`; what other districts hold is taken from `like`."""
    found = Roster(taken_elsewhere=like.taken_elsewhere)
    for name, (table, keys, kind) in KINDS.items():
        names = [field.name for field in fields(kind)]
        rows = conn.execute(select(*(table.c[k] for k in (*keys, *names))).where(table.c.district == DISTRICT))
        getattr(found, name).update({_key(row, len(keys)): _record(kind, names, row[len(keys) :]) for row in rows})
    return found


def _key(row: Sequence[Any], size: int) -> Any:
    return row[0] if size == 1 else tuple(row[:size])


def _record(kind: type[Any], names: list[str], values: Sequence[Any]) -> Any:
    cells = dict(zip(names, values, strict=True))
    return kind(**(cells | {"sticky": tuple(cells["sticky"])}))


def frame(rows: Iterable[Row], headers: Sequence[str]) -> pd.DataFrame:
    """`Screened.rows` of the oracle's rows."""
    records = [
        {h: row[h] for h in headers} | {"line": row.line, "status": row.status, "email_key": row.email_key}
        for row in rows
    ]
    return pd.DataFrame(records)


def rows_of(screened: Screened) -> list[Row]:
    """The oracle's rows of a screened file: what the rules about cells left of them."""
    faulty, laid_out = _faulty(screened), set(screened.reading.lines.tolist())
    return [
        Row(
            line=record["line"],
            status="rejected" if record["line"] in faulty or record["line"] not in laid_out else "accepted",
            faulty=frozenset(faulty.get(record["line"], ())),
            email_key=str(record["email_key"]),
            cells={str(name): str(cell) for name, cell in record.items() if name not in _NO_CELLS},
        )
        for record in screened.rows.astype({"line": object}).to_dict("records")
    ]


_NO_CELLS = ("line", "status", "email_key")
AGREEMENT = ("row-conflict", "email-duplicate", "action-conflict")
"""Errors about rows that speak of the same: the oracle finds them itself."""


def _faulty(screened: Screened) -> dict[int, set[str]]:
    """Line → headers of the cells with errors; a line whose row is at fault as a whole has none."""
    lines: dict[int, set[str]] = defaultdict(set)
    for finding in screened.findings:
        if finding.severity is Severity.ROW and finding.code not in AGREEMENT and finding.line:
            lines[finding.line] |= {finding.column} if finding.column else set()
    return lines


def told(findings: Iterable[Any]) -> frozenset[Told]:
    """The program's findings without wording and column."""
    return frozenset(Told(f.line, f.code, str(f.severity)) for f in findings)
