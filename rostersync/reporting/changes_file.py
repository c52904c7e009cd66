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
        "entity": [each.entity for each in changes],
        "key": [" / ".join(each.key) for each in changes],
        "action": [each.action for each in changes],
        "line": ["" if each.line is None else str(each.line) for each in changes],
        "before": [differing(each.before, each.after) for each in changes],
        "after": [differing(each.after, each.before) for each in changes],
    }
    return csv_bytes(pa.table({name: pa.array(cells, type=_TEXT) for name, cells in columns.items()}))


def differing(facts: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> str:
    """`name: value; …` of what is another value on the other side."""
    mine, theirs = facts or {}, other or {}
    return "; ".join(f"{name}: {value}" for name, value in mine.items() if theirs.get(name) != value)
