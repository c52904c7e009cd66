"""What rows name must be there: in the package, or, as far as a delta may say so, in the roster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rostersync.catalogue.findings import make_finding
from rostersync.configuration.dictionary import Column
from rostersync.model import Finding
from rostersync.sources.tables import KEY, SourceTable
from rostersync.text_columns import map_words, spread

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingCheck:
    """What only the roster can tell: a rule, the file it is about, and how many rows wait for it."""

    code: str
    file: str
    column: str | None
    rows: int


def check_references(tables: Mapping[str, SourceTable]) -> tuple[tuple[Finding, ...], tuple[PendingCheck, ...]]:
    """Dangling references and circles; and the references that the roster must be asked about."""
    findings: list[Finding] = []
    pending: list[PendingCheck] = []
    known = {name: _ids(table) for name, table in tables.items()}
    for table, column in _references(tables):
        rows = _unknown(table, column, known.get(str(column.reference), frozenset()))
        target = tables.get(str(column.reference))
        if not len(rows) or _says_nothing(target):
            continue
        if target is None or target.mode == "delta":
            code = "reference-dangling"
            pending.append(PendingCheck(code=code, file=table.file, column=column.header, rows=len(rows)))
        else:
            findings.append(_dangling(table, column, rows, target))
    findings += [finding for table, column in _references(tables) for finding in _circles(table, column)]
    return tuple(findings), tuple(pending)


def _ids(table: SourceTable) -> frozenset[str]:
    """The ids of a table. A row that cannot be laid over the header is there all the same: each of its cells may be
    its id.
    """
    unread = (cell.strip(' "') for row in table.reading.raw_rows for cell in row.text.split(","))
    return frozenset(table.cells(KEY).dictionary.to_pylist()).union(unread)


def _says_nothing(target: SourceTable | None) -> bool:
    """A file without rows whose records are not needed: what names them names nothing."""
    return target is not None and not target.reading.rows_read and target.dictionary.header_only == "remark"


def _references(tables: Mapping[str, SourceTable]) -> Iterator[tuple[SourceTable, Column]]:
    for table in tables.values():
        for column in table.dictionary.columns:
            if column.reference is not None and table.has(column.header):
                yield table, column


def _unknown(table: SourceTable, column: Column, known: frozenset[str]) -> NDArray[np.int64]:
    """Lines of the rows that name what `known` has not; judged once for each different text."""
    cells = table.cells(column.header)
    bad = map_words(cells.dictionary, lambda text: bool(_named(text, column) - known))
    lines: NDArray[np.int64] = table.lines[spread(bad, cells)]
    return lines


def _named(text: str, column: Column) -> set[str]:
    """The ids in a cell."""
    parts = text.split(",") if column.many else [text]
    return {part.strip() for part in parts if part.strip()}


def _dangling(table: SourceTable, column: Column, rows: NDArray[np.int64], target: SourceTable) -> Finding:
    return make_finding(
        "reference-dangling",
        file=table.file,
        line=int(rows[0]),
        column=column.header,
        count=len(rows),
        target=target.file,
    )


def _circles(table: SourceTable, column: Column) -> Iterator[Finding]:
    """`reference-circle`: following the references of a table to itself comes back to where it began."""
    if column.reference != table.name or not len(table.lines):
        return
    parents = dict(zip(_texts(table, KEY), _texts(table, column.header), strict=True))
    lines = dict(zip(_texts(table, KEY), table.lines.tolist(), strict=True))
    inside = _on_circles(parents)
    if inside:
        line = min(lines[key] for key in inside)
        yield make_finding("reference-circle", file=table.file, line=line, column=column.header, count=len(inside))


def _texts(table: SourceTable, header: str) -> list[str]:
    texts: list[str] = table.cells(header).to_pylist()
    return texts


def _on_circles(parents: Mapping[str, str]) -> set[str]:
    """The keys that lie on a circle; each is visited once."""
    settled: set[str] = set()
    inside: set[str] = set()
    for start in parents:
        path: dict[str, int] = {}
        key = start
        while key in parents and key not in settled and key not in path:
            path[key] = len(path)
            key = parents[key]
        if key in path:
            inside.update(list(path)[path[key] :])
        settled.update(path)
    return inside
