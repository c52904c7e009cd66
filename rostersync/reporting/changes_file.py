"""The changes of a held plan as a file for the person who decides: one line for each record that would change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from rostersync.model import Change
from rostersync.reporting.error_file import csv_bytes

_TEXT = pa.large_string()


def changes_file(changes: Sequence[Change]) -> bytes:
    """CSV for a spreadsheet: UTF-8 with BOM, all cells quoted, formula-like ones neutralised. Holds personal data."""
    columns = {
        "entity": [change.entity for change in changes],
        "key": [" / ".join(change.key) for change in changes],
        "action": [change.action for change in changes],
        "line": ["" if change.line is None else str(change.line) for change in changes],
        "before": [differing(change.before, change.after) for change in changes],
        "after": [differing(change.after, change.before) for change in changes],
    }
    return csv_bytes(pa.table({name: pa.array(cells, type=_TEXT) for name, cells in columns.items()}))


def differing(facts: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> str:
    """`name: value; …` of what is another value on the other side."""
    mine, theirs = facts or {}, other or {}
    return "; ".join(f"{name}: {value}" for name, value in mine.items() if theirs.get(name) != value)
