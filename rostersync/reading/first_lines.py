"""The first lines: is a comma the delimiter, is there a header, is the file another system's?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from rostersync.catalogue.findings import make_finding
from rostersync.configuration.dictionary import Dictionary
from rostersync.model import Finding
from rostersync.reading.foreign_formats import foreign_format
from rostersync.reading.header import is_near_a_header

_WINDOW: Final = 1 << 16
_LINES: Final = 25
_BREAK = re.compile(r"\r\n|\r|\n")
_SEP = re.compile(r'"?sep=.{0,2}"?,*', re.IGNORECASE)
_DELIMITERS: Final[Mapping[str, str]] = {";": "semicolons", "\t": "tabs", "|": "vertical bars (|)"}
SEMICOLONS: Final = (
    " Where a comma is the decimal sign, a spreadsheet writes semicolons under that very menu entry: then set the list "
    "separator of your computer to a comma first (Windows: Region, Additional settings), or replace the semicolons by "
    "commas in a text editor."
)
_REMEDIES: Final[Mapping[str, str]] = {";": SEMICOLONS, "\t": "", "|": ""}
_SEPARATORS: Final = (",", *_DELIMITERS)
_DATA = re.compile(r"[0-9].*|.*@.*")

_CELLS_COMPARED: Final = 100
FEWEST_KNOWN: Final = 3
"""So many names of the dictionary in one line make it a header line."""


def opening_lines(data: bytes, start: int) -> list[str]:
    """The first physical lines, never more than 64 KiB of them."""
    return _BREAK.split(data[start : start + _WINDOW].decode("utf-8", "ignore"))[:_LINES]


def bare(cell: str) -> str:
    """A name without the marks that do not make it another name: outer spaces, quotes, case."""
    return cell.strip(" \t\r\n\"'\ufeff\u00a0\u200b").casefold()


def known_names(cells: Iterable[str], dictionary: Dictionary) -> int:
    """How many different headers of the dictionary are among the cells, whatever their case."""
    names = {header.casefold() for header in dictionary.headers}
    return len(names & {bare(cell) for cell in cells})


def delimiter_fault(lines: Sequence[str], dictionary: Dictionary) -> Finding | None:
    """`file-delimiter` when the first line is a `sep=` line, or its names come apart at another sign."""
    filled = [line for line in lines if line.strip(" \t,")] or [""]
    first = filled[0]
    if _SEP.fullmatch(first.strip()):
        remedy = " Delete the first line, sep=, and see that the others have commas."
        return make_finding("file-delimiter", problem="starts with a sep= line", remedy=remedy)
    best = max(_DELIMITERS, key=lambda sign: (known_names(first.split(sign), dictionary), first.count(sign)))
    known = known_names(first.split(best), dictionary)
    if known > max(1, known_names(first.split(","), dictionary)) or _even(filled[:2], best):
        problem = f"separates its cells with {_DELIMITERS[best]}"
        return make_finding("file-delimiter", problem=problem, remedy=_REMEDIES[best])
    return None


def _even(lines: Sequence[str], best: str) -> bool:
    """No comma in the first line, but another sign equally often in the first two."""
    count = lines[0].count(best)
    return "," not in lines[0] and count > 0 and all(line.count(best) == count for line in lines)


def whole_row_in_one_cell(cells: Sequence[str], dictionary: Dictionary) -> Finding | None:
    """`file-delimiter` when the first row of a sheet has one filled cell, and a header's names come apart in it."""
    filled = [cell for cell in cells if cell.strip()]
    if len(filled) == 1 and any(known_names(filled[0].split(sign), dictionary) >= FEWEST_KNOWN for sign in _SEPARATORS):
        return make_finding("file-delimiter", problem="holds each row in one cell of its first column")
    return None


def other_delimiter_below(width: int, below: Sequence[str]) -> Finding | None:
    """`file-delimiter` when the rows below a header of `width` names with commas come apart at another sign."""
    rows = [line for line in below if line.strip(" \t,")]
    for sign, name in _DELIMITERS.items():
        if rows and all(line.count(sign) == width - 1 > line.count(",") for line in rows):
            problem = f"has commas in its header, but separates the cells of its rows with {name}"
            return make_finding("file-delimiter", problem=problem, remedy=_REMEDIES[sign])
    return None


def header_fault(cells: Sequence[str], line: int, below: Sequence[str], dictionary: Dictionary) -> Finding | None:
    """`file-no-header` or `file-foreign-format`, when the first row is not a header of ours at all.

    `line` is the first row's; `below` are the lines behind it.
    """
    known = known_names(cells, dictionary)
    header_line = _header_below(line, known, below, dictionary)
    if header_line is not None:
        above = f"line {line} stands" if header_line == line + 1 else f"lines {line} to {header_line - 1} stand"
        problem = f"{above} above the header, which is in line {header_line}"
        remedy = f" Delete what stands above it: line {header_line} becomes line 1."
        return make_finding("file-no-header", problem=problem, header_line=header_line, remedy=remedy)
    if known > FEWEST_KNOWN:
        return None
    foreign = foreign_format(cells)
    if foreign is not None:
        return make_finding("file-foreign-format", format=foreign)
    if known == 0 and (any(_is_data(cell, dictionary) for cell in cells) or not _is_near(cells, dictionary)):
        remedy = " Put the header row of the template, users-template.csv, above your rows."
        return make_finding("file-no-header", problem=f"line {line} looks like data", header_line=line, remedy=remedy)
    return None


def _header_below(line: int, known: int, below: Sequence[str], dictionary: Dictionary) -> int | None:
    if known >= FEWEST_KNOWN:
        return None
    for number, text in enumerate(below, start=line + 1):
        if known_names(text.split(","), dictionary) >= known + FEWEST_KNOWN:
            return number
    return None


def _is_near(cells: Sequence[str], dictionary: Dictionary) -> bool:
    """Some cell may be meant for a header: a slip in one is for the header's own checks."""
    return len(cells) > 1 and any(is_near_a_header(cell, dictionary) for cell in cells[:_CELLS_COMPARED])


def _is_data(cell: str, dictionary: Dictionary) -> bool:
    values = {value.casefold() for column in dictionary.columns for value in column.accepted}
    return bool(_DATA.fullmatch(cell.strip())) or cell.strip().casefold() in values
