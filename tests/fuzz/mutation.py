"""How an input is changed: as a table (cells, quotes, lines), or byte by byte.

libFuzzer's own changes seldom leave a row with the right number of cells, and much of the reader judges all lines at
once, where coverage cannot guide; so hostile bits are put into cells on purpose.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

MOST_EDITS = 4
BITS = (
    *(b'"', b'""', b'","', b",", b"\n", b"\r", b"\r\n", b";", b"\t", b" ", b"'", b"=", b"\\", b"\0", b"\x1a", b"a"),
    *(
        b"\xef\xbb\xbf",
        b"\xc3\xa9",
        b"\xc3",
        b"\xe9",
        b"\xed\xa0\x80",
        b"\xf0\x9f\x98\x80",
        b"\xe2\x80\x8b",
        b"\xc2\xa0",
    ),
)


def mutator(words: Sequence[bytes], rows: Sequence[Sequence[bytes]]) -> Callable[[bytes, int, int], bytes]:
    """A mutator for atheris, which puts `words` into cells and adds good `rows` (for each header, see HEADS). The same
    seed makes the same change.
    """

    def mutate(data: bytes, longest: int, seed: int) -> bytes:
        chance = random.Random(seed)
        for _ in range(chance.randint(1, MOST_EDITS)):
            as_table = len(data) > 1 and chance.random() < 0.7
            data = _table_changed(data, words, rows, chance) if as_table else _bytes_changed(data, chance)
        return data[:longest]

    return mutate


def _bytes_changed(data: bytes, chance: random.Random) -> bytes:
    """A piece cut out, copied to another place, or overwritten."""
    start, end = sorted((chance.randint(0, len(data)), chance.randint(0, len(data))))
    place, bit = chance.randint(0, len(data)), chance.choice(BITS)
    kind = chance.random()
    if kind < 0.2:
        return data[:start] + data[end:]
    if kind < 0.3:
        return data[:place] + data[start:end] + data[place:]
    if kind < 0.4:
        return data[:place] + chance.randbytes(1) + data[place + 1 :]
    return data[:place] + bit + data[place + chance.randint(0, 1) :]


def _table_changed(
    data: bytes, words: Sequence[bytes], rows: Sequence[Sequence[bytes]], chance: random.Random
) -> bytes:
    """A line added, copied or dropped, or one of its cells changed. The first byte chooses the header and stays."""
    lines = data[1:].split(b"\n")
    at = chance.randrange(len(lines))
    kind = chance.random()
    if kind < 0.1:
        lines.insert(at, chance.choice(rows[data[0] % len(rows)]))
    elif kind < 0.15:
        lines.insert(at, chance.choice(lines))
    elif kind < 0.2:
        del lines[at]
    else:
        lines[at] = _cell_changed(lines[at], words, chance)
    return data[:1] + b"\n".join(lines)


def _cell_changed(line: bytes, words: Sequence[bytes], chance: random.Random) -> bytes:
    cells = line.split(b",")
    at, other = chance.randrange(len(cells)), chance.randrange(len(cells))
    cell = cells[at]
    kind = chance.random()
    if kind < 0.1:
        cells[at], cells[other] = cells[other], cell
    elif kind < 0.3:
        cells[at] = b'"' + cell.replace(b'"', b'""') + b'"'
    elif kind < 0.5:
        cells[at] = chance.choice(words)
    else:
        bit, place = chance.choice(BITS), chance.randint(0, len(cell))
        cells[at] = cell[:place] + bit + cell[place:]
    return b",".join(cells)
