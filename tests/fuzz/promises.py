"""What must hold for any bytes. A broken promise is an AssertionError; any other exception is one, too."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd

from rostersync import text_columns
from rostersync.catalogue import findings
from rostersync.model import Finding, Reading, Screened, Severity
from rostersync.reporting.error_file import errors_file
from rostersync.screening import engine, screen
from rostersync.screening.gx_expectations import RULES
from tests.support.factories import DICTIONARY, Flat
from tests.support.reading_cases import read_bytes, read_otherwise, seen
from tests.support.strict_csv import disagreements
from tests.support.torture_cases import tidied

LIMITS = {"max_bytes": 1 << 20, "max_rows": 1000}
THOROUGH = 200
"""One in so many inputs Great Expectations itself judges, too: it takes many times as long as the rules alone."""


def reader_keeps_its_promises(data: bytes) -> None:
    """No exception; nothing misread, nothing lost; the same by the letter, again, and in small pieces."""
    reading = read_bytes(data, **LIMITS)
    first = seen(reading)
    assert disagreements(data, reading) == []
    assert seen(read_otherwise(data, LIMITS, bulk=False)) == first, "the fast path sees something else"
    if chosen(data, 4):
        assert seen(read_bytes(data, **LIMITS)) == first, "another verdict the second time"
        assert seen(read_otherwise(data, LIMITS, chunk=64)) == first, "pieces are read otherwise"
    told(reading.findings)


def chosen(data: bytes, of: int) -> bool:
    """One input in so many, always the same ones: what is slow is not asked of all."""
    return zlib.crc32(data) % of == 0


def told(some: Sequence[Finding]) -> None:
    """Every finding can be said, with its cell and without."""
    for finding in some:
        for masked in (False, True):
            assert findings.message(finding, masked=masked)
            assert findings.resolution(finding, masked=masked)


def screening_keeps_its_promises(data: bytes) -> None:
    """No exception, the same verdict again; rejected rows have reasons; accepted cells are as written but tidied."""
    reading = read_bytes(data, **LIMITS)
    if reading.refused:
        return
    judged = by_the_rules(reading)
    if chosen(data, 4):
        assert flat(by_the_rules(reading)) == flat(judged), "another verdict the second time"
    if chosen(data, THOROUGH):
        assert flat(screen(reading, DICTIONARY)) == flat(judged), "Great Expectations sees something else"
    told(judged.findings)
    rejected = {finding.line for finding in judged.findings if finding.severity is Severity.ROW}
    assert set(judged.rows.line[judged.rows.status == "rejected"]) == rejected
    assert len(judged.rows) == reading.rows_read
    accepted_as_written(judged)
    errors_again(judged)


def flat(judged: Screened) -> tuple[list[Flat], list[list[Any]]]:
    return [finding.flat for finding in judged.findings], judged.rows.to_numpy().tolist()


def by_the_rules(reading: Reading) -> Screened:
    """The same judgement with the rules called directly."""
    with rules_alone():
        return screen(reading, DICTIONARY)


def rules_alone() -> AbstractContextManager[object]:
    """The rules are called directly inside: Great Expectations takes many times as long."""
    return mock.patch.multiple(engine, _unexpected=_unexpected, _batches=lambda: None)


def _unexpected(
    rules: Sequence[Mapping[str, Any]], frame: pd.DataFrame, _: object
) -> Iterator[tuple[Mapping[str, Any], np.ndarray]]:
    table = text_columns.of_frame(frame, list(frame))
    for rule in rules:
        some = {header: table[header] for header in rule["kwargs"]["column_list"]}
        broken = [*RULES[rule["type"]](some, rule["kwargs"]["settings"]).values()]
        yield rule, np.flatnonzero(np.logical_or.reduce([np.zeros(len(table["action"]), bool), *broken]))


def accepted_as_written(judged: Screened) -> None:
    """A value other than the tidied cell is one of the dictionary's, or blank; and is told."""
    typed = dict(zip(judged.reading.lines.tolist(), judged.reading.frame.to_dict("records"), strict=True))
    remarked = {(f.line, f.column) for f in judged.findings if f.severity is Severity.REMARK}
    for kept in judged.rows[judged.rows.status == "accepted"].to_dict("records"):
        for header in judged.reading.frame.columns if kept["action"] == "" else ():
            written = typed[kept["line"]][header]
            if kept[header] != tidied(written, header):
                assert kept[header] in ("", *DICTIONARY.by_header[header].accepted), (header, written, kept[header])
                assert (kept["line"], header) in remarked, (header, written, kept[header])


def errors_again(judged: Screened) -> None:
    """The error file sent back unedited gives the same errors and no new ones. Removals are left out: what one takes
    from other rows is not seen in a file without it; so are rows without cells of their own.
    """
    if judged.reading.raw_rows or (judged.rows.action != "").any():
        return
    again = read_bytes(errors_file(judged.reading, judged.findings, DICTIONARY))
    assert not again.refused or not errors_of(judged), "the error file is refused"
    if not again.refused:
        assert errors_of(by_the_rules(again)) == errors_of(judged), "other errors the second time"


def errors_of(judged: Screened) -> list[tuple[str, str]]:
    return sorted((f.column or "", f.code) for f in judged.findings if f.severity is Severity.ROW)
