"""Which lines are plain enough to be read in bulk: judged by counting commas and quotes per line, all lines at once.

A *regular* line has the right number of cells, each either without quotes or properly quoted and closed on the line.
It is a complete row by RFC 4180 whenever the line before it ended outside quotes. Every other line goes through
`record`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_COMMA, _LF, _CR, _QUOTE = 44, 10, 13, 34
_LONE_CR = re.compile(rb"\r(?!\n)")
MAX_LINE: Final = 1 << 20
"""Bytes of a line that is still read in bulk; the bulk parser's block must hold it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Whole physical lines. `text` has the bytes of the source from `offset` on, but every line in it ends in LF or
    CRLF: a lone CR is replaced, a missing last line break added. `line` is the first line's number.
    """

    offset: int
    line: int
    text: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Per line of a chunk. `starts`: offsets in the text, one more than lines. `blank`: nothing, or only commas."""

    starts: NDArray[np.int64]
    regular: NDArray[np.bool_]
    blank: NDArray[np.bool_]


def has_lone_cr(data: bytes) -> bool:
    """Whether some CR is not followed by LF: then CR alone ends a line, too."""
    return b"\r" in data and data.count(b"\r") != data.count(b"\r\n")


def cut(data: bytes, offset: int, line: int, size: int, *, lone_cr: bool) -> Chunk:
    """The chunk of about `size` bytes that starts at `offset`; longer when its first line is."""
    end = _end_of_lines(data, offset, offset + size, lone_cr=lone_cr)
    text = data[offset:end]
    if lone_cr:
        text = _LONE_CR.sub(b"\n", text)
    if not text.endswith(b"\n"):
        text += b"\n"
    return Chunk(offset=offset, line=line, text=text)


def _end_of_lines(data: bytes, offset: int, limit: int, *, lone_cr: bool) -> int:
    if limit >= len(data):
        return len(data)
    # A CR in the last place may be the first half of a CRLF: leave it to the next chunk.
    last = max(data.rfind(b"\n", offset, limit), data.rfind(b"\r", offset, limit - 1) if lone_cr else -1)
    if last >= 0:
        return last + 1
    ends = [data.find(b"\n", limit) + 1]
    if lone_cr:
        match = _LONE_CR.search(data, limit - 1)
        ends.append(match.end() if match else 0)
    return min((end for end in ends if end > 0), default=len(data))


def shape_of(text: bytes, width: int) -> Shape:
    """Judge each line of a chunk's text; `width` is the number of cells a row must have."""
    if len(text) > MAX_LINE and text.index(b"\n") == len(text) - 1:
        return _one_long_line(len(text))
    buffer = np.frombuffer(text, dtype=np.uint8)
    quoted = b'"' in text
    mask = (buffer == _COMMA) | (buffer == _LF)
    if quoted:
        mask |= buffer == _QUOTE
    marks = np.flatnonzero(mask)
    kinds = buffer[marks]
    ends = np.flatnonzero(kinds == _LF)
    newlines = marks[ends]
    starts = np.concatenate((np.zeros(1, dtype=np.int64), newlines + 1))
    if quoted:
        commas, sound = _outside_quotes(buffer, marks, kinds, ends)
    else:
        commas, sound = np.diff(ends, prepend=-1) - 1, np.ones(len(ends), dtype=np.bool_)
    lengths = np.diff(starts) - 1 - (buffer[newlines - 1] == _CR)
    blank = lengths == commas
    regular = sound & (commas == width - 1) & ~blank & (lengths < MAX_LINE)
    return Shape(starts=starts, regular=regular, blank=blank)


def _one_long_line(length: int) -> Shape:
    """A line that fills its chunk may be as long as the file: it is not looked at, `record` will read it."""
    no = np.zeros(1, dtype=np.bool_)
    return Shape(starts=np.array([0, length], dtype=np.int64), regular=no, blank=no.copy())


def _outside_quotes(
    buffer: NDArray[np.uint8], marks: NDArray[np.int64], kinds: NDArray[np.uint8], ends: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Per line: commas outside quotes, and whether its quotes open and close where they may."""
    is_quote = kinds == _QUOTE
    odd = np.logical_xor.accumulate(is_quote)
    before = np.concatenate((np.zeros(1, dtype=np.bool_), odd[ends[:-1]]))
    sound = odd[ends] == before
    if before.any():
        # Each line is judged as if it began outside quotes; an odd line turns the running parity for those below.
        odd ^= np.repeat(before, np.diff(ends, prepend=-1))
    firsts = np.concatenate((np.zeros(1, dtype=np.int64), ends[:-1] + 1))
    commas = np.add.reduceat((kinds == _COMMA) & ~odd, firsts, dtype=np.int64)
    misplaced = np.concatenate(
        (_bad_openings(buffer, marks[is_quote & odd]), _bad_closings(buffer, marks[is_quote & ~odd]))
    )
    sound[np.searchsorted(marks[ends], misplaced)] = False
    return commas, sound


def _bad_openings(buffer: NDArray[np.uint8], places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Opening quotes that are neither at a cell's start nor the second half of a doubled quote."""
    # The first byte's predecessor is the text's last byte, a line break: just what is wanted.
    previous = buffer[places - 1]
    bad: NDArray[np.int64] = places[(previous != _COMMA) & (previous != _LF) & (previous != _QUOTE)]
    return bad


def _bad_closings(buffer: NDArray[np.uint8], places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Closing quotes that are neither at a cell's end nor the first half of a doubled quote."""
    following = buffer[places + 1]
    allowed = (following == _COMMA) | (following == _LF) | (following == _CR) | (following == _QUOTE)
    bad: NDArray[np.int64] = places[~allowed]
    return bad
