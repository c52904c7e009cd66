"""A users.csv with something wrong, and its verdict: what the cases of the numbered bad inputs are written with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from tests.support.factories import DICTIONARY, Flat, csv_bytes, row

GOOD = csv_bytes(row(1), row(2))
HEADER, FIRST, SECOND = GOOD.split(b"\r\n")[:3]
TEXTS = [column.header for column in DICTIONARY.columns if column.kind == "text"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A file (a large one is made when asked for) and its verdict; `limits` of the reader, where not the usual ones."""

    data: bytes | Callable[[], bytes]
    verdict: str
    findings: list[Flat]
    limits: dict[str, Any] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        return self.data if isinstance(self.data, bytes) else self.data()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """One number of the list."""

    number: int
    about: str
    deliveries: tuple[Delivery, ...]
    differs: str = ""


def accepted(data: bytes | Callable[[], bytes], *findings: Flat) -> Delivery:
    return Delivery(data=data, verdict="accepted", findings=[*findings])


def rejected(data: bytes | Callable[[], bytes], *findings: Flat) -> Delivery:
    return Delivery(data=data, verdict="accepted_with_errors", findings=[*findings])


def refused(data: bytes | Callable[[], bytes], *findings: Flat | str, **limits: Any) -> Delivery:
    """A bare code is a finding about the file as a whole."""
    told = [(None, None, finding) if isinstance(finding, str) else finding for finding in findings]
    return Delivery(data=data, verdict="refused", findings=told, limits=limits)


def in_cells(code: str, *cells: tuple[str, str]) -> Delivery:
    """One row for each (header, cell), rejected for `code` at that cell."""
    rows = [row(number, **{header: cell}) for number, (header, cell) in enumerate(cells, start=1)]
    heights = [len((cell + ".").splitlines()) if set(cell) & set("\r\n") else 1 for _, cell in cells]
    at = accumulate(heights, initial=2)
    return rejected(csv_bytes(*rows), *((line, header, code) for line, (header, _) in zip(at, cells, strict=False)))


def fine(*cells: tuple[str, str]) -> Delivery:
    """One row for each (header, cell), accepted without a word."""
    return accepted(csv_bytes(*(row(n, **{header: cell}) for n, (header, cell) in enumerate(cells, start=1))))


def remarked(code: str, *cells: tuple[str, str]) -> Delivery:
    rows = [row(number, **{header: cell}) for number, (header, cell) in enumerate(cells, start=1)]
    return accepted(csv_bytes(*rows), *((line, header, code) for line, (header, _) in enumerate(cells, start=2)))


def lines(*given: bytes, end: bytes = b"\r\n") -> bytes:
    return b"".join(line + end for line in given)


def typed(cell: bytes) -> bytes:
    """The second row with these bytes for a first name."""
    return SECOND.replace("María".encode(), cell)
