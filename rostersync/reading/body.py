"""All rows below the header: regular lines in bulk, the others one by one, in the order of the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from rostersync.catalogue.findings import make_finding
from rostersync.model import Finding, RawRow
from rostersync.reading.bulk import gathered, parse_lines, places_of_headers, whole_blank
from rostersync.reading.encoding import line_at
from rostersync.reading.line_scan import Chunk, Shape, cut, has_lone_cr, shape_of
from rostersync.reading.record import Record, parse_record
from rostersync.reading.row_layout import BLANKS, RowLayout, is_whole

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHUNK: Final = 4 << 20
"""Bytes judged at once: the arrays of a fully quoted chunk take some eight times as much."""

_SAME_HEADER: Final = "repeats the header"
_OTHER_HEADER: Final = "is a second header, with other columns"


@dataclass(slots=True, kw_only=True)
class Body:
    """What stands below the header, gathered chunk by chunk.

    `parts`: wanted position → its cells; `lines`: their physical lines. `open_line`: where a quote opens that ruins
    the rest. `under`: line of a second header with other columns; rows below it cannot be read.
    """

    layout: RowLayout
    parts: Mapping[int, list[pa.Array]]
    lines: list[NDArray[np.int64]] = field(default_factory=list)
    raw_rows: list[RawRow] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    rows: int = 0
    blank: int = 0
    first_blank: int | None = None
    short: int = 0
    first_short: int | None = None
    open_line: int | None = None
    under: int | None = None

    def skip_blank(self, lines: NDArray[np.int64]) -> None:
        """Count blank rows; the first one is named."""
        if len(lines):
            first = int(lines.min())
            self.first_blank = first if self.first_blank is None else min(first, self.first_blank)
            self.blank += len(lines)

    def note_short(self, line: int) -> None:
        """Count rows that end early; the first one is named."""
        self.first_short = line if self.first_short is None else min(line, self.first_short)
        self.short += 1

    def refuse_row(self, text: str, finding: Finding) -> None:
        """Keep a row that cannot be laid over the header, with the reason."""
        self.rows += 1
        self.raw_rows.append(RawRow(line=finding.line or 0, text=text))
        self.findings.append(finding)


def read_body(
    data: bytes, start: int, line: int, layout: RowLayout, *, max_rows: int, chunk: int = CHUNK, bulk: bool = True
) -> Body:
    """Read from offset `start`, whose physical line is `line`, to the end, or until it is clear that the file is
    refused: a quote never closed, more than `max_rows` rows. `bulk=False` reads every row by the letter.
    """
    body = Body(layout=layout, parts={position: [] for position in layout.wanted})
    lone_cr = has_lone_cr(data)
    while start < len(data) and body.open_line is None and body.rows <= max_rows:
        piece = cut(data, start, line, chunk, lone_cr=lone_cr)
        shape = shape_of(piece.text, layout.width)
        if not bulk:
            shape.regular[:] = False
        start, line = _take(data, piece, shape, body)
    return body


@dataclass(slots=True, kw_only=True)
class _Piece:
    """A chunk while its odd lines are read: what is left to the bulk parser, and the rows read by the letter."""

    chunk: Chunk
    shape: Shape
    kept: NDArray[np.bool_]
    rows: dict[int, list[str]] = field(default_factory=dict)
    headers: dict[int, bool] = field(default_factory=dict)
    end: tuple[int, int]

    def line(self, index: int) -> int:
        return self.chunk.line + index

    def offset(self, index: int) -> int:
        return self.chunk.offset + int(self.shape.starts[index])


def _take(data: bytes, chunk: Chunk, shape: Shape, body: Body) -> tuple[int, int]:
    """Read one chunk; give the offset and the line where the next one starts."""
    count = len(shape.regular)
    end = (min(chunk.offset + len(chunk.text), len(data)), chunk.line + count)
    piece = _Piece(chunk=chunk, shape=shape, kept=shape.regular, end=end)
    _read_odd_lines(data, piece, body)
    body.skip_blank(np.flatnonzero(shape.blank) + chunk.line)
    if body.layout.wanted:
        _add_rows(data, piece, body)
    return piece.end


def _read_odd_lines(data: bytes, piece: _Piece, body: Body) -> None:
    """Every line that is neither regular nor blank starts a record; the lines it takes are no longer rows."""
    shape, count = piece.shape, len(piece.kept)
    past = 0
    for index in np.flatnonzero(~(shape.regular | shape.blank)).tolist():
        if index < past:
            continue
        record = parse_record(data, piece.offset(index), body.layout.width)
        past = index + record.lines if record.open_at is None else count
        shape.blank[index + 1 : past] = False
        piece.kept[index + 1 : past] = False
        if record.open_at is not None:
            body.open_line = piece.line(index) + line_at(data[piece.offset(index) : record.open_at], len(data)) - 1
            return
        _judge(data, index, record, piece, body)
        if past >= count:
            piece.end = (record.end, piece.line(past))


def _judge(data: bytes, index: int, record: Record, piece: _Piece, body: Body) -> None:
    """A record read by the letter: a row, a blank row, a header again, or a row that cannot be laid over."""
    layout = body.layout
    cells = [cell.decode("utf-8") for cell in record.cells]
    if record.blank and not any(cell.strip(BLANKS) for cell in cells):
        body.skip_blank(np.array([piece.line(index)]))
        return
    count = len(cells) + record.more
    whole = is_whole(cells, record, layout)
    again = layout.is_header(cells)
    same = again and layout.is_same_header(cells)
    if again and not (same and whole):
        piece.headers[index] = same
        problem = _SAME_HEADER if same else _OTHER_HEADER
        finding = make_finding("row-repeated-header", line=piece.line(index), problem=problem)
    elif whole and record.broken is None:
        if count < layout.least and not layout.is_removal(cells):
            body.note_short(piece.line(index))
        piece.rows[index] = (cells + [""] * (layout.width - len(cells)))[: layout.width]
        return
    else:
        finding = _miscounted(cells, record, piece.line(index), layout)
    body.refuse_row(_text(data, piece.offset(index), record.end), finding)


def _text(data: bytes, start: int, end: int) -> str:
    return data[start:end].decode("utf-8").rstrip("\r\n")


def _miscounted(cells: Sequence[str], record: Record, line: int, layout: RowLayout) -> Finding:
    have, expected, column = len(cells) + record.more, layout.width, None
    problem = f"has {have} cell{'s' * (have != 1)}, but the header has {expected}"
    if record.broken is not None:
        problem = f"has a quotation mark in the wrong place in cell {record.broken + 1}"
        column = layout.typed[record.broken] if have == expected else None
    return make_finding("row-cell-count", line=line, column=column, cells=have, expected=expected, problem=problem)


def _add_rows(data: bytes, piece: _Piece, body: Body) -> None:
    """The chunk's rows in the order of the file, without blank ones and repeated headers."""
    layout = body.layout
    text, bulk = gathered(piece.chunk.text, piece.shape.starts, piece.kept)
    columns = parse_lines(text, layout.width, layout.wanted)
    index = bulk
    if piece.rows:
        index = np.concatenate((bulk, np.fromiter(piece.rows, dtype=np.int64)))
        order = np.argsort(index)
        index = index[order]
        for position in columns:
            own = pa.array([cells[position] for cells in piece.rows.values()], pa.string())
            columns[position] = pa.concat_arrays([columns[position], own]).take(pa.array(order))
    dropped = _drop(data, piece, index, columns, body)
    _keep(piece, index, columns, dropped, body)


def _keep(
    piece: _Piece, index: NDArray[np.int64], columns: Mapping[int, pa.Array], dropped: NDArray[np.bool_], body: Body
) -> None:
    keep = pa.array(~dropped) if dropped.any() else None
    for position, cells in columns.items():
        body.parts[position].append(cells if keep is None else cells.filter(keep))
    body.lines.append(index[~dropped] + piece.chunk.line)
    body.rows += len(body.lines[-1])


def _drop(
    data: bytes, piece: _Piece, index: NDArray[np.int64], columns: Mapping[int, pa.Array], body: Body
) -> NDArray[np.bool_]:
    """Which rows do not come into the frame: wholly blank ones are counted, headers and rows below a header with
    other columns are refused.
    """
    blank = whole_blank(columns, body.layout)
    body.skip_blank(index[blank] + piece.chunk.line)
    headers = dict(piece.headers)
    for row in places_of_headers(columns, body.layout):
        record = parse_record(data, piece.offset(int(index[row])), body.layout.width)
        cells = [cell.decode("utf-8") for cell in record.cells]
        if body.layout.is_header(cells):
            headers[int(index[row])] = body.layout.is_same_header(cells)
    if not headers and body.under is None:
        return blank
    return blank | _refuse_below(data, piece, index, headers, blank, body)


def _refuse_below(
    data: bytes, piece: _Piece, index: NDArray[np.int64], headers: dict[int, bool], blank: NDArray[np.bool_], body: Body
) -> NDArray[np.bool_]:
    """Refuse repeated headers in the frame, and every row below one that has other columns."""
    refused = np.zeros(len(index), dtype=np.bool_)
    marks = [-1, *sorted(headers), len(piece.kept)]
    for mark, following in pairwise(marks):
        if mark >= 0:
            body.under = None if headers[mark] else piece.line(mark)
        last = mark + 1 if body.under is None else following
        affected = (index >= mark) & (index < last) & ~blank
        for row in index[affected].tolist():
            _refuse_header_row(data, piece, row, body, is_header=row in headers)
        refused |= affected
    return refused


def _refuse_header_row(data: bytes, piece: _Piece, index: int, body: Body, *, is_header: bool) -> None:
    start = piece.offset(index)
    end = parse_record(data, start, body.layout.width).end
    problem = _SAME_HEADER if body.under is None else _OTHER_HEADER
    if not is_header:
        problem = f"stands below a second header (line {body.under}) that has other columns than the first"
    finding = make_finding("row-repeated-header", line=piece.line(index), problem=problem)
    body.refuse_row(_text(data, start, end), finding)
