"""Whole files that are refused: one for each way that spreadsheets, exports and people break them."""

from __future__ import annotations

from collections.abc import Callable, Mapping


def _header(data: bytes) -> bytes:
    """Four header faults at once: a misspelling, wrong capitals, a missing header and one too many."""
    head, _, body = data.partition(b"\n")
    for right, wrong in ((b"userFirstName", b"userFristName"), (b"userEmail", b"UserEmail"), (b"endDate", b"phone")):
        head = head.replace(right, wrong)
    return _without(head, b"primaryTeacher") + b"\n" + body


def _without(head: bytes, name: bytes) -> bytes:
    """The header under another word: its column stays, so that rows keep their number of cells."""
    return head.replace(name, b"notes")


def _unclosed(data: bytes) -> bytes:
    middle = data.index(b"\n", len(data) // 2) + 1
    return data[:middle] + b'"' + data[middle:]


BROKEN: Mapping[str, Callable[[bytes], bytes]] = {
    "header": _header,
    "encoding": lambda data: data.decode().encode("utf-16"),
    "delimiter": lambda data: data.replace(b",", b";"),
    "quote": _unclosed,
    "empty": lambda _data: b"",
    "workbook": lambda data: b"PK\x03\x04" + data[:4000],
    "nul": lambda data: data.replace(b"@", b"\x00", 1),
    "no-header": lambda data: data.partition(b"\n")[2],
}
"""Way → the file's bytes, broken so that nothing of it may be applied."""
