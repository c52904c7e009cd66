"""Names that are near the one an inbox is read for: `Users.csv`, `users (1).csv`, `users.csv.txt`, `user.csv`.

Such a file is not read, and not passed over in silence (docs/rules/file-names.md).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from fnmatch import fnmatchcase

from rapidfuzz.distance import OSA

from rostersync.transports.protocol import DONE, UNFINISHED, is_deliverable

_TABLES = ("csv", "txt", "tsv", "tab", "xlsx", "xls", "xlsm", "ods", "numbers", "zip", "gz")
"""Endings under which a table is saved or packed; `users.txt` was meant as `users.csv`."""
_COPY_MARK = re.compile(
    r"(?:[ _.-]*(?:\(\d{1,4}\)|\[\d{1,4}\]|copy|copia|copie|kopie|final|new|old|errors?|corrected|fixed|v?\d{1,14})"
    r"(?:[ _-]\d{1,4})?)$"
)
_COPY_OF = re.compile(r"^(?:copy of|copy|copia de|copie de|kopie von)[ _-]+")
_SHORTEST = 4
"""Of shorter names one letter is too much of a difference."""


def is_near(name: str, patterns: Collection[str]) -> bool:
    """Whether a name that none of the patterns matches was probably meant to match one.

    It differs in case, in its ending, by marks of a copy, or by one letter.
    """
    folded, wanted = " ".join(name.casefold().split()), [pattern.casefold() for pattern in patterns]
    if is_deliverable(name, patterns) or name.startswith(".") or folded.endswith((*UNFINISHED, DONE)):
        return False
    return any(
        fnmatchcase(meant, pattern) or _differs_by_a_letter(meant, pattern)
        for meant in _meant(folded)
        for pattern in wanted
    )


def _meant(name: str) -> Iterator[str]:
    """What the name is without endings too many, another ending, and the marks of copies."""
    stem = name
    while (parts := stem.rpartition("."))[1] and parts[2] in _TABLES:
        stem = parts[0]
    stem = stem.strip()
    yield name
    while stem:
        yield f"{stem}.csv"
        shorter = _COPY_OF.sub("", _COPY_MARK.sub("", stem)).strip(" _.-")
        if shorter == stem:
            return
        stem = shorter


def _differs_by_a_letter(name: str, wanted: str) -> bool:
    """One letter more, less, other, or two in the wrong order. Not asked where the pattern leaves room by itself."""
    if any(sign in wanted for sign in "*?[") or len(wanted.rpartition(".")[0]) < _SHORTEST:
        return False
    return OSA.distance(name, wanted, score_cutoff=1) <= 1
