"""One process of the fuzzer: `python -m tests.fuzz.target reader|screening [libFuzzer's arguments]`.

Coverage guides it: atheris instruments our modules. What must hold for any bytes is in `promises`.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable

import atheris

warnings.simplefilter("ignore")  # of the libraries, while they are imported

with atheris.instrument_imports(include=["rostersync"]):
    from rostersync import screening

    screening.preload()
    from tests.fuzz import promises
    from tests.fuzz.corpus import ROWS, file_of, words
    from tests.fuzz.mutation import mutator

TARGETS: dict[str, Callable[[bytes], None]] = {
    "reader": promises.reader_keeps_its_promises,
    "screening": promises.screening_keeps_its_promises,
}


def main(arguments: list[str]) -> None:
    """Fuzz until the arguments say stop; a broken promise ends the process and saves its input."""
    name, *options = arguments[1:]
    promise = TARGETS[name]
    atheris.Setup(
        [arguments[0], *options], lambda data: promise(file_of(name, data)), custom_mutator=mutator(words(), ROWS[name])
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv)
