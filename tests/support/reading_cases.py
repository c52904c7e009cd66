"""A users.csv in a few words: what the reader's tests are written with."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from unittest import mock

from rostersync.configuration import dictionary
from rostersync.model import Reading, Severity
from rostersync.reading import read, reader
from rostersync.reading.body import read_body

DICTIONARY = dictionary.load_dictionary()
NEEDED = tuple(column.header for column in DICTIONARY.columns if column.header_required)
HEADER = ",".join(NEEDED)
ROW = ",S1,T1,Teacher,Ana,Bo,a@b.org,,,,"


def read_bytes(data: bytes, **limits) -> Reading:
    return read(data, DICTIONARY, **{"max_bytes": 1 << 29, "max_rows": 5_000_000, **limits})


def read_otherwise(data: bytes, limits: Mapping[str, int] | None = None, **options) -> Reading:
    """The same by another way through the body: `bulk=False` by the letter, `chunk` in pieces of so many bytes."""
    with mock.patch.object(reader, "read_body", partial(read_body, **options)):
        return read_bytes(data, **(limits or {}))


def seen(reading: Reading) -> tuple[object, ...]:
    """Everything a reading says, comparable."""
    rows = reading.frame.to_dict("list")
    told = [(finding.flat, dict(finding.detail)) for finding in reading.findings]
    return reading.header, reading.lines.tolist(), rows, reading.raw_rows, told, reading.encoding


def read_lines(*lines: str, header: str = HEADER, end: str = "\n", **limits) -> Reading:
    """The header and these lines, each ended by `end`."""
    return read_bytes("".join(line + end for line in (header, *lines)).encode(), **limits)


def flat(reading: Reading) -> list[tuple[int | None, str | None, str]]:
    return [finding.flat for finding in reading.findings]


def codes(reading: Reading) -> list[str]:
    return [finding.code for finding in reading.findings]


def refusal(reading: Reading) -> list[str]:
    """The codes that refuse the file; an accepted file has none."""
    return [finding.code for finding in reading.findings if finding.severity is Severity.FILE]
