"""What the fuzzer starts from: torture files, the numbered bad inputs, samples of findings, valid rows; and its words.

An input is one byte that says what goes before it (see HEADS), then the rest of a file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from tests.support.bad_inputs.numbered import CASES
from tests.support.factories import DICTIONARY, csv_bytes, removal, row, staff
from tests.support.reading_cases import HEADER, ROW
from tests.support.shared_data import torture_files

LONGEST = 4096
"""Bytes of an input; larger files are no other to the reader, only slower."""

FULL = ",".join(DICTIONARY.headers).encode() + b"\r\n"
HEADS = {
    "reader": (
        b"",
        HEADER.encode() + b"\n",
        HEADER.encode() + b",,\n",
        HEADER.encode() + b",line,errors,resolutions\r\n",
        FULL,
    ),
    "screening": (FULL,),
}
"""Target → what may stand before an input; the first byte chooses."""

_REMOVALS = [removal(word, number) for number, word in enumerate(DICTIONARY.actions, start=1)]
_GOOD = csv_bytes(row(1), row(2), row(2), staff(3), row(4, userId=row(1)["userId"]), *_REMOVALS)
_FULL_ROWS = _GOOD.splitlines()[1:]
_SHORT_ROWS = [ROW.encode(), b",S1,T2,Teacher,Eve,Fox,e@b.org,C1,Reading,3,Yes", b"REMOVE-USER,S1,T1"]

ROWS = {
    "reader": (
        [FULL.rstrip(), *_FULL_ROWS],
        _SHORT_ROWS,
        [line + b",," for line in _SHORT_ROWS],
        [line + b",2,ERROR: x,y" for line in _SHORT_ROWS],
        _FULL_ROWS,
    ),
    "screening": (_FULL_ROWS,),
}
"""Target → good rows below each of its headers."""

SAMPLES = Path(__file__).parents[1] / "samples"


def file_of(target: str, data: bytes) -> bytes:
    """The file that an input stands for."""
    heads = HEADS[target]
    return heads[data[0] % len(heads)] + data[1:] if data else b""


def write(target: str, folder: Path) -> int:
    """Write the seeds as files named after their content; how many."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    seeds = {seed for seed in _seeds(target) if len(seed) <= LONGEST}
    for seed in seeds:
        (folder / hashlib.sha256(seed).hexdigest()[:20]).write_bytes(seed)
    return len(seeds)


def _seeds(target: str) -> Iterator[bytes]:
    for head, rows in enumerate(ROWS[target]):
        for some in (rows, rows[:2], [_quoted(line) for line in rows]):
            yield bytes([head]) + b"\n".join(some)
    headless = [path.read_bytes() for path in torture_files()]
    if target == "screening":
        yield from (b"\0" + data.removeprefix(FULL) for data in _whole_files())
        return
    yield from (bytes([0]) + data for data in (*headless, *_whole_files()))
    yield from (bytes([1]) + data for data in headless)


def _quoted(line: bytes) -> bytes:
    return b",".join(b'"' + cell + b'"' for cell in line.split(b","))


def _whole_files() -> Iterator[bytes]:
    """Files with a header of ours, or that should have one."""
    if SAMPLES.is_dir():
        yield from (path.read_bytes() for path in sorted(SAMPLES.glob("*.csv")))
    yield from (delivery.data for case in CASES for delivery in case.deliveries if isinstance(delivery.data, bytes))


def words() -> list[bytes]:
    """The words of the language and what has made trouble elsewhere."""
    found = {*DICTIONARY.headers, *DICTIONARY.actions, *DICTIONARY.report_columns, *_SIGNS}
    for column in DICTIONARY.columns:
        found.update((*column.accepted, *column.aliases, *column.forbidden))
    return [word.encode() for word in sorted(found)]


_SIGNS = (
    *(',"', '",', '""', "\r\n", "\r", "\n", ",,,", "\ufeff", "\x1a", "\u00e9", "e\u0301", "\u00a0", "\u200b", "\u202e"),
    *(
        "=1+1",
        '="001"',
        "'=",
        "1.0",
        "1E+11",
        "#REF!",
        "N/A",
        "\u0430",
        "\uff11",
        "@",
        "a@b.org",
        "2026-02-30",
        "0000-01-01",
    ),
    *(HEADER, "sep=;", "JosÃ©", "123-45-6789", ",S1,T1,Teacher,Ana,Bo,a@b.org,,,,"),
)
