"""One row by the letter of RFC 4180. Python's csv module is no help: it accepts `A"b` even when strict, and swallows
the rows behind an unclosed quote.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

# Possessive: no backtracking, one pass over a cell of any size. A quote that never closes gives no match.
_QUOTED = re.compile(rb'"([^"]*+(?:""[^"]*+)*+)"')
_BARE = re.compile(rb"[^,\r\n]*+")
_BREAK = re.compile(rb"\r\n|\r|\n")
# Written bare by scripts, so that a spreadsheet keeps a number's zeros. Its quotes are no slip: what stands in the
# cell is plain, and the rules about cells have a finding for it.
_TEXT_TRICK = re.compile(rb'="[^"]*+"')
# Cells that follow a cell, up to the row's end or a quote that is never closed, without making cells of them. Counted,
# not possessive: before 3.11.5 Python loses its place when a possessive repetition of alternatives fails.
_MORE_CELLS = re.compile(rb'(?:,(?:"[^"]*+(?:""[^"]*+)*+"[^,\r\n]*+|(?!")[^,\r\n]*+)){1,1000}')
_FEWEST_COMMAS: Final = 10
MAX_ROW_CELLS: Final = 16_384
"""As wide as a spreadsheet gets. Of a longer row only its length is told."""


@dataclass(slots=True, kw_only=True)
class Record:
    """Cells of one row as typed (a badly quoted cell with its quotes), and where the row ends.

    `end`: offset behind the line break; `terminated`: there was one. `lines`: physical lines taken. `broken`: index
    of the first badly quoted cell. `open_at`: offset of a quote that is never closed, or closed only by the
    opening quote of a later row: nothing behind it can be trusted. `more`: cells behind the first MOST_CELLS; `blank`:
    these hold nothing.
    """

    cells: list[bytes]
    end: int
    lines: int = 1
    terminated: bool = True
    broken: int | None = None
    open_at: int | None = None
    more: int = 0
    blank: bool = True


def parse_record(data: bytes, start: int, width: int) -> Record:
    """The row that starts at `start`; `width` is the number of cells a row should have (0: not known)."""
    record = Record(cells=[], end=start)
    at = start
    while True:
        at = _cell(data, at, width, record)
        if record.open_at is not None:
            record.end = at
            return record
        if data[at : at + 1] != b",":
            return _closed(data, at, record)
        if len(record.cells) == MAX_ROW_CELLS:
            return _skipped(data, at, record)
        at += 1


def _skipped(data: bytes, start: int, record: Record) -> Record:
    """Count the cells that are left. A line break inside quotes this far out is a quote left open."""
    end = start
    while match := _MORE_CELLS.match(data, end):
        end = match.end()
    rest = data[start:end]
    record.more = rest.count(b",")
    record.blank = not rest.strip(b'," \t')
    if _BREAK.search(rest) or data[end : end + 1] == b",":
        record.open_at, record.end = start, len(data)
        return record
    return _closed(data, end, record)


def _cell(data: bytes, start: int, width: int, record: Record) -> int:
    """Append the cell at `start` and give the offset behind it."""
    quoted = data[start : start + 1] == b'"'
    match = (_QUOTED if quoted else _BARE).match(data, start)
    if match is None:
        record.open_at = start
        return len(data)
    end = match.end()
    text = match[1] if quoted else match[0]
    if quoted:
        loose = data[end : end + 1] not in (b",", b"\r", b"\n", b"")
        _count_breaks(text, start, width, record, loose=loose)
        if loose:
            end = _bare_end(data, end)
            text = data[start:end]
        else:
            text = text.replace(b'""', b'"')
    else:
        loose = b'"' in text and not _TEXT_TRICK.fullmatch(text)
    if loose and record.broken is None:
        record.broken = len(record.cells)
    record.cells.append(text)
    return end


def _bare_end(data: bytes, start: int) -> int:
    match = _BARE.match(data, start)
    return match.end() if match else start


def _count_breaks(text: bytes, start: int, width: int, record: Record, *, loose: bool) -> None:
    """Count lines inside quotes. Text behind the closing quote, or the rest of this row and more inside the quotes,
    means that the quote was left open and met the next row's.
    """
    if b"\n" not in text and b"\r" not in text:
        return
    record.lines += len(_BREAK.findall(text))
    if loose or (text.count(b",") >= max(width - 1, _FEWEST_COMMAS) and _swallows_rows(text, width, record)):
        record.open_at = start


def _swallows_rows(text: bytes, width: int, record: Record) -> bool:
    """The cell's first line has the commas of the row's other cells, or a line within it those of a whole row."""
    others = width - 1 - len(record.cells)
    if others <= 0:
        return True
    first, *inner = _BREAK.split(text)[:-1]
    return first.count(b",") >= others or any(line.count(b",") >= width - 1 for line in inner)


def _closed(data: bytes, at: int, record: Record) -> Record:
    match = _BREAK.match(data, at)
    record.terminated = match is not None
    record.end = match.end() if match else at
    return record
