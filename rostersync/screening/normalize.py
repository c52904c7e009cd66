"""A reading's cells made comparable: spaces, Unicode form, placeholders and aliases.

Receives a `Reading`; gives a `NormalizedTable` (for the rules) and the rows of a `Screened` (for staging). Nothing is
judged here: a cell that cannot be used stays as it is, and the findings say so. The same reading and findings always
give the same rows, so that staging can be repeated from the landed bytes and the stored findings alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from rostersync import text_columns as c
from rostersync.configuration.dictionary import Column, Dictionary
from rostersync.model import Finding, RawRow, Reading, Severity
from rostersync.screening import email_addresses
from rostersync.text_columns import Cells, Mask, Table

KEYS = ("schoolId", "userId", "classId")
IDENTITY = ("userFirstName", "userLastName", "userEmail")
"""What a removal may say of its person beside the keys: no file rule judges it, the plan compares it."""
COMPARED = (*KEYS, "userFirstName", "userLastName", "userDistrictId", "userStateId")
"""What the plan compares with the roster, of rejected rows too: a faulty cell of these is blank."""
Lines = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalizedTable:
    """Every column of the dictionary (absent ones blank), row by row, in four stages of cleaning.

    `typed`: as typed. `judged`: the same, but what a removal does not need is blank, because nobody judges it.
    `text`: judged cells without stray spaces, in NFC where they are text. `value`: text with aliases resolved and
    placeholders read as blank. `identity`: the values of IDENTITY, of removals too. `email_key`: the folded address,
    blank when there is no valid one. `lines`: physical line of each row, ascending. `present`: headers of the file.
    """

    lines: Lines
    present: tuple[str, ...]
    typed: Table
    judged: Table
    text: Table
    value: Table
    identity: Table
    email_key: Cells

    def rows_of(self, lines: Collection[int]) -> Lines:
        """The row numbers of these lines; lines that are no row of the sheet are left out."""
        wanted = np.fromiter(lines, np.int64, len(lines))
        places = np.searchsorted(self.lines, wanted).clip(max=max(len(self.lines) - 1, 0))
        return places[self.lines[places] == wanted] if len(self.lines) else places[:0]


def normalize_reading(reading: Reading, dictionary: Dictionary) -> NormalizedTable:
    """The reading's cells, cleaned."""
    count, frame = len(reading.lines), reading.frame
    typed = {h: c.encode(frame[h]) if h in frame.columns else c.blanks(count) for h in dictionary.headers}
    judged = _only_judged(typed, dictionary)
    text = _cleaned(judged, dictionary)
    value = _settled(text, dictionary)
    identity = {h: value[h] for h in IDENTITY}
    if judged is not typed:
        identity = _settled(_cleaned({h: typed[h] for h in IDENTITY}, dictionary), dictionary)
    key = c.reword(identity["userEmail"], email_addresses.fold_all(identity["userEmail"].dictionary))
    return NormalizedTable(
        lines=reading.lines,
        present=tuple(h for h in dictionary.headers if h in frame.columns),
        typed=typed,
        judged=judged,
        text=text,
        value=value,
        identity=identity,
        email_key=key,
    )


def _cleaned(table: Table, dictionary: Dictionary) -> dict[str, Cells]:
    return {h: c.reword(cells, clean(cells.dictionary, dictionary.by_header[h])) for h, cells in table.items()}


def _settled(table: Table, dictionary: Dictionary) -> dict[str, Cells]:
    return {
        h: c.reword(cells, canonical_value(cells.dictionary, dictionary.by_header[h])) for h, cells in table.items()
    }


def clean(words: c.Words, column: Column) -> c.Words:
    """Without stray spaces; text also in NFC."""
    tidied = c.tidy(words, inner=column.kind == "text")
    return c.compose(tidied) if column.kind == "text" else tidied


def canonical_value(words: c.Words, column: Column) -> c.Words:
    """Clean words with aliases resolved and placeholders read as blank."""
    blank = c.placeholders(words, name=column.name)
    if blank.any():
        words = pa.compute.if_else(pa.array(blank), "", words).cast(words.type)
    return c.rename(words, column.aliases)


def _only_judged(typed: Table, dictionary: Dictionary) -> Table:
    """Removals keep only their action and its keys."""
    column = dictionary.by_header["action"]
    asked = c.reword(typed["action"], canonical_value(clean(typed["action"].dictionary, column), column))
    removals = {word: c.spread(c.are(asked.dictionary, (word,)), asked) for word in dictionary.actions}
    if not any(mask.any() for mask in removals.values()):
        return typed

    def kept(header: str) -> Cells:
        blind = [mask for word, mask in removals.items() if header not in ("action", *dictionary.actions[word].keys)]
        return c.where(typed[header], ~np.logical_or.reduce([np.zeros(len(asked), bool), *blind]), "")

    return {header: kept(header) for header in typed}


def staging_rows(reading: Reading, dictionary: Dictionary, findings: Iterable[Finding]) -> pd.DataFrame:
    """`Screened.rows` from a reading and the findings of reader and suite, fresh or stored; needs no suite."""
    return stage(normalize_reading(reading, dictionary), reading.raw_rows, findings)


def stage(sheet: NormalizedTable, raw_rows: Iterable[RawRow], findings: Iterable[Finding]) -> pd.DataFrame:
    """The same from a sheet. Columns share their texts: a text for each row would take a file's size several times."""
    told = _Told.by(list(findings))
    value = {**sheet.value, **sheet.identity}
    for header in COMPARED:
        value[header] = c.where(value[header], ~_at(sheet, told.unusable[header]), "")
    # Rows the reader could not lay over the header are there too: rejected, all cells blank.
    raw = np.array([row.line for row in raw_rows], np.int64)
    every = np.ones(len(raw), bool)
    order = np.argsort(np.concatenate([sheet.lines, raw]), kind="stable")
    cells = {**{h: value[h] for h in sheet.present}, "email_key": sheet.email_key}
    rows = c.to_frame({name: c.with_blanks(column, len(raw), order) for name, column in cells.items()})
    rows["line"] = np.concatenate([sheet.lines, raw])[order]
    rows["status"] = _status(np.append(_at(sheet, told.rejected), every)).take(order)
    return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What findings say about lines."""

    rejected: frozenset[int]
    unusable: Mapping[str, frozenset[int]]

    @classmethod
    def by(cls, findings: Sequence[Finding]) -> _Told:
        errors = [f for f in findings if f.severity is Severity.ROW]
        return cls(
            rejected=_lines(errors),
            unusable={h: _lines(f for f in errors if f.column == h and _about_the_cell(f)) for h in COMPARED},
        )


def _about_the_cell(finding: Finding) -> bool:
    """The cell's own text is at fault, not its relation to other cells."""
    return finding.code.startswith(("cell-", "id-"))


def _lines(findings: Iterable[Finding]) -> frozenset[int]:
    return frozenset(f.line for f in findings if f.line is not None)


def _at(sheet: NormalizedTable, lines: Collection[int]) -> Mask:
    mask = np.zeros(len(sheet.lines), bool)
    mask[sheet.rows_of(lines)] = True
    return mask


def _status(rejected: Mask) -> pd.Categorical:
    return pd.Categorical.from_codes(rejected.astype(np.int8), categories=pd.Index(_STATUSES, dtype="str"))


_STATUSES = ["accepted", "rejected"]
