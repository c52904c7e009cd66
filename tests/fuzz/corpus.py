"""What the fuzzer starts from: torture files, the numbered bad inputs, samples of findings, valid rows; and its words.

An input is one byte that says what goes before it (see HEADS), then the rest of a file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from tests.bad_inputs import CASES
from tests.factories import DICTIONARY, csv_bytes, removal, row, staff
from tests.reading_cases import HEADER
from tests.shared_data import torture_files

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
    headless = [path.read_bytes() for path in torture_files()]
    if target == "screening":
        yield from (b"\0" + data.removeprefix(FULL) for data in (*headless, *_whole_files()))
        return
    yield from (bytes([0]) + data for data in (*headless, *_whole_files()))
    yield from (bytes([head]) + data for data in headless for head in (1, 3))


def _whole_files() -> Iterator[bytes]:
    """Files with a header of ours."""
    if SAMPLES.is_dir():
        yield from (path.read_bytes() for path in sorted(SAMPLES.glob("*.csv")))
    yield from (delivery.data for case in CASES for delivery in case.deliveries if isinstance(delivery.data, bytes))
    removals = [removal(word, number) for number, word in enumerate(DICTIONARY.actions, start=1)]
    yield csv_bytes(row(1), row(2), staff(3), *removals)


def write_words(path: Path) -> None:
    """The words of the language, in libFuzzer's form."""
    words = {*DICTIONARY.headers, *DICTIONARY.actions, *DICTIONARY.report_columns, *_SIGNS}
    for column in DICTIONARY.columns:
        words.update((*column.accepted, *column.aliases, *column.forbidden))
    quoted = ("".join(f"\\x{byte:02x}" for byte in word.encode()) for word in sorted(words) if word)
    path.write_text("".join(f'"{word}"\n' for word in quoted))


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
