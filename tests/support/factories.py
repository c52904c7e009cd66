"""Valid rows of users.csv, made from the dictionary's own examples; cells may be overridden."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from rostersync.configuration import dictionary
from rostersync.model import RawRow, Reading, Screened
from rostersync.screening import screen

DICTIONARY = dictionary.load_dictionary()
TEXT = pd.StringDtype("pyarrow", na_value=np.nan)
Flat = tuple[int | None, str | None, str]


def row(number: int = 1, **cells: str) -> dict[str, str]:
    """A valid row with every class cell filled, about school, person and class `number`."""
    valid = {column.header: column.example for column in DICTIONARY.columns}
    own = {
        "schoolId": f"{number:04d}",
        "userId": f"{number:06d}",
        "userDistrictId": f"D-{number}",
        "userStateId": f"99{number:06d}",
        "userEmail": f"person{number}@example.org",
        "classId": f"ELA-{number}",
        "startDate": "2026-08-15",
        "endDate": "2027-06-15",
    }
    return valid | own | cells


def staff(number: int = 1, **cells: str) -> dict[str, str]:
    """A valid row that names no class."""
    named = DICTIONARY.of("class", "enrollment")
    return row(number) | {column.header: "" for column in named} | {"classId": ""} | cells


def removal(word: str, number: int = 1, **cells: str) -> dict[str, str]:
    """A removal with just the keys it needs."""
    needed = {key: row(number)[key] for key in DICTIONARY.actions[word].keys}
    return dict.fromkeys(DICTIONARY.headers, "") | needed | {"action": word} | cells


def reading_of(
    *rows: Mapping[str, str], headers: Sequence[str] | None = None, raw_rows: Iterable[RawRow] = (), start: int = 2
) -> Reading:
    """What the reader would give for these rows, one physical line each, without the reader."""
    present = tuple(headers or DICTIONARY.headers)
    frame = pd.DataFrame({h: pd.Series([each.get(h, "") for each in rows], dtype=TEXT) for h in present})
    lines = np.arange(start, start + len(rows), dtype=np.int64)
    return Reading(header=present, frame=frame, lines=lines, raw_rows=tuple(raw_rows), findings=(), encoding="utf-8")


def csv_bytes(*rows: Mapping[str, str], headers: Sequence[str] | None = None) -> bytes:
    """The rows as a file."""
    text = io.StringIO()
    writer = csv.DictWriter(text, headers or DICTIONARY.headers, restval="", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def screened(*rows: Mapping[str, str], headers: Sequence[str] | None = None, **options: tuple[str, ...]) -> Screened:
    """The rows judged."""
    return screen(reading_of(*rows, headers=headers), DICTIONARY, **options)


def flat(*rows: Mapping[str, str], **options: tuple[str, ...]) -> list[Flat]:
    """(line, column, code) of every finding; the first row is line 2."""
    return [finding.flat for finding in screened(*rows, **options).findings]
