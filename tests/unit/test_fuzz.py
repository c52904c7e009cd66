"""What the fuzzer asks of any bytes, asked of its seeds and of some changes that are always the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fuzz import corpus, promises
from tests.fuzz.mutation import mutator

PROMISES: dict[str, tuple[Callable[[bytes], None], int]] = {
    "reader": (promises.reader_keeps_its_promises, 3),
    "screening": (promises.screening_keeps_its_promises, 12),
}
"""Target → what must hold, and of one in how many seeds it is asked here."""


def inputs(target: str, seeds: Path) -> Iterator[bytes]:
    change = mutator(corpus.words(), corpus.ROWS[target])
    for number, path in enumerate(sorted(seeds.iterdir())):
        if number % PROMISES[target][1] == 0:
            yield path.read_bytes()
            yield change(path.read_bytes(), corpus.LONGEST, number)


@pytest.mark.parametrize("target", PROMISES)
def test_promises_are_kept(target: str, tmp_path: Path) -> None:
    assert corpus.write(target, tmp_path) > 100
    for data in inputs(target, tmp_path):
        PROMISES[target][0](corpus.file_of(target, data))


def test_a_change_is_the_same_again_and_mostly_keeps_the_number_of_cells() -> None:
    change = mutator(corpus.words(), corpus.ROWS["reader"])
    seed = b"\1" + b"\n".join(corpus.ROWS["reader"][1])
    changed = [change(seed, corpus.LONGEST, number) for number in range(200)]
    assert changed == [change(seed, corpus.LONGEST, number) for number in range(200)]
    assert len(set(changed)) > 150
    whole = [line.count(b",") == 10 for data in changed for line in data[1:].split(b"\n")[:2]]
    assert sum(whole) > len(whole) // 2
