"""An independent reader of CSV: Python's own, strict, with the physical line where each row begins.

Our reader refuses more (a quote inside a bare cell); it must never see something else in what it accepts.
"""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Iterator, Sequence

from rostersync.model import RawRow, Reading, Severity

csv.field_size_limit(sys.maxsize)
_BREAK = re.compile("\r\n|\r|\n")
_NEUTRALISED = re.compile(r"^'('*[=+\-@\t\r])")

Rows = dict[int, list[str]]


def rows_of(text: str) -> Rows:
    """First line → cells of each row. A row Python's reader refuses, or one cut off inside quotes, is left out, and
    reading goes on behind its first line.
    """
    lines = list(io.StringIO(text, newline=""))
    return dict(_rows(lines))


def _rows(lines: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    at = 0
    while at < len(lines):
        reader = csv.reader(lines[at:], strict=True)
        done = 0
        try:
            for cells in reader:
                yield at + done + 1, cells
                done = reader.line_num
            return
        except csv.Error:
            at += done + 1


def text_of(data: bytes, reading: Reading) -> str:
    """The bytes as text, without a byte order mark and what a closing Ctrl-Z takes with it."""
    text = data.decode("utf-8-sig" if reading.encoding == "utf-8" else "cp1252")
    if any(finding.code == "file-ctrl-z" for finding in reading.findings):
        kept = len(text.rstrip("\x1a\r\n"))
        text = text[: text.index("\x1a", kept)]
    return text


def disagreements(data: bytes, reading: Reading) -> list[tuple[int, str]]:
    """Lines where a reading of a users.csv and the independent reader differ: line and what is wrong."""
    if reading.refused:
        return [] if reading.rows_read == 0 else [(0, "a refused file has rows")]
    rows = rows_of(text_of(data, reading))
    header_line = next(line for line, cells in rows.items() if tuple(cells) == reading.header)
    places = [reading.header.index(name) for name in reading.frame.columns]
    below = {line: cells for line, cells in rows.items() if line > header_line}
    frame = dict(
        zip(reading.lines.tolist(), zip(*(reading.frame[name] for name in reading.frame), strict=True), strict=True)
    )
    neutralised = reading.header[-3:] == ("line", "errors", "resolutions")
    return [
        *_misread(frame, below, places, neutralised=neutralised),
        *_unaccounted(reading, below, places),
    ]


def _misread(
    frame: dict[int, tuple[str, ...]], rows: Rows, places: Sequence[int], *, neutralised: bool
) -> Iterator[tuple[int, str]]:
    for line, cells in frame.items():
        if line not in rows:
            yield line, "no row begins here"
            continue
        padded = rows[line] + [""] * (max(places) + 1)
        seen = [padded[place] for place in places]
        if neutralised:
            seen = [_NEUTRALISED.sub(r"\1", cell) for cell in seen]
        if list(cells) != seen:
            yield line, "other cells"


def _lines_of(raw: RawRow) -> range:
    """The lines whose text a rejected row shows."""
    return range(raw.line, raw.line + 1 + len(_BREAK.findall(raw.text)))


def _unaccounted(reading: Reading, rows: Rows, places: Sequence[int]) -> Iterator[tuple[int, str]]:
    told = {*reading.lines.tolist(), *(line for raw in reading.raw_rows for line in _lines_of(raw))}
    for line, cells in rows.items():
        if line not in told and any(cells[place].strip(" \t") for place in places if place < len(cells)):
            yield line, "lost in silence"
    errors = {f.line for f in reading.findings if f.severity is Severity.ROW}
    for raw in reading.raw_rows:
        if raw.line not in errors:
            yield raw.line, "rejected without a reason"
