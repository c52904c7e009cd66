"""What a whole file, as typed, makes of a roster: the file rules' verdict joined to the oracle of the roster rules.

Which rows a file rule rejects is asked of the screening (other tests judge it). What removals take of other rows, and
which roles are meant, the oracle says. A row that an approval left out does nothing at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Any

import pytest

from rostersync import reading, screening
from rostersync.configuration import dictionary
from rostersync.model import Reading, Screened, Severity
from tests.fuzz.promises import rules_alone
from tests.support.oracle import database, model
from tests.support.oracle.values import Night, Policies, Roster
from tests.support.strategies import NormalizedTable, as_csv

FIRST_LINE = 2
"""A header, then a row on each line."""
DOMAINS = ("example.org",)
"""The district's e-mail domains."""


@dataclass(frozen=True, slots=True)
class WholeFile:
    """`night`: what the oracle says. `at_file`: lines a file rule rejects; `by_roster`: lines a roster rule does.

    `aside`: lines that are set aside: folded, handed over, left out.
    """

    night: Night
    at_file: frozenset[int]
    by_roster: frozenset[int]
    aside: frozenset[int]

    @property
    def rejected(self) -> frozenset[int]:
        """Every line that is not applied because it is wrong."""
        return self.at_file | self.by_roster


@lru_cache(maxsize=64)
def _screened(data: bytes) -> Screened:
    words = dictionary.load_dictionary()
    read = reading.read(data, words, max_bytes=1 << 24, max_rows=10_000)
    return screening.screen(read, words, email_domains=DOMAINS)


@contextmanager
def screened_once() -> Iterator[None]:
    """Inside, files are screened by the rules alone, and whoever screens the same rows again gets the first verdict."""
    known: dict[int, Screened] = {}
    screen = screening.screen

    def screen_once(read: Reading, *given: Any, **named: Any) -> Screened:
        rows = (read.header, read.frame.to_csv(), read.lines.tobytes(), read.raw_rows, read.findings)
        key = hash((*map(str, rows), str(named)))
        if key not in known:
            known[key] = screen(read, *given, **named)
        return replace(known[key], reading=read, rows=known[key].rows.copy())

    with rules_alone(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(screening, "screen", screen_once)
        yield


def is_refused(sheet: NormalizedTable) -> bool:
    """A file rule refuses the whole file."""
    return _screened(as_csv(*sheet)).refused


def judge(
    roster: Roster, sheet: NormalizedTable, *, today: date, policies: Policies, left_out: frozenset[int] = frozenset()
) -> WholeFile:
    """The night of this file; `left_out`: lines that an approval leaves out."""
    screened = _screened(as_csv(*sheet))
    at_file = frozenset(f.line for f in screened.findings if f.severity is Severity.ROW and f.line is not None)
    silent = left_out - at_file
    rows = [replace(row, status="folded") if row.line in silent else row for row in database.rows_of(screened)]
    night = model.apply(roster, rows, headers=sheet[0], today=today, policies=policies)
    by_roster = frozenset(told.line for told in night.findings if told.severity == "row")
    aside = frozenset(told.line for told in night.findings if told.code in ("person-handed-over", "row-folded"))
    return WholeFile(night, at_file, by_roster, (aside | silent) - at_file - by_roster)
