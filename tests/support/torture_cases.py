"""The public torture sets as material: each file as it is, and everything in it as cells of an otherwise good file."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from rostersync.text_columns import SPACES
from tests.support.factories import DICTIONARY, row
from tests.support.shared_data import torture_files

TEXTS = [column.header for column in DICTIONARY.columns if column.kind == "text"]
IDS = [column.header for column in DICTIONARY.columns if column.kind == "id"]
PLACES = (
    ("userFirstName", "userLastName", "userMiddleName"),
    ("className", "classDisplayName", "schoolName"),
    ("schoolId",),
    ("userId", "userDistrictId", "userStateId"),
    ("classId",),
    ("userEmail",),
    ("userRole", "staffType", "classGrade", "primaryTeacher"),
    ("startDate", "endDate", "userGrade"),
    ("action",),
)
"""Columns that get the same string in one row."""
LONGEST = max(column.max_length or 0 for column in DICTIONARY.columns) + 1
NAUGHTY = ("blns", "injection")
"""Sets that are lists of strings, not files."""


def strings_of(path: Path) -> Iterator[str]:
    """A file's lines, its cells whatever separates them, and what its JSON says."""
    text = text_of_file(path)
    yield from text.splitlines()
    for line in text.splitlines() if path.suffix == ".jsonl" else [text]:
        if path.suffix in (".json", ".jsonl"):
            yield from _in_json(json.loads(line))
    for delimiter in ",;\t|":
        for cells in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            yield from cells


def text_of_file(path: Path) -> str:
    """A file as text; what is not UTF-8 becomes noise of the same length."""
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _in_json(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from (str(key), *_in_json(inner))
    elif isinstance(value, list):
        for inner in value:
            yield from _in_json(inner)


@cache
def strings() -> tuple[str, ...]:
    """Every different string of all sets; longer ones are cut just above the longest cell."""
    found = dict.fromkeys(text[:LONGEST] for path in torture_files() for text in strings_of(path))
    return tuple(text for text in found if text and "\0" not in text)


@cache
def naughty() -> tuple[str, ...]:
    """The strings of the lists that are made to break programs."""
    some = [path for path in torture_files() if path.parent.name in NAUGHTY]
    found = dict.fromkeys(text for path in some for text in strings_of(path))
    return tuple(text for text in found if text and "\0" not in text)


def rows_with(text: str, number: int) -> Iterator[tuple[tuple[str, ...], dict[str, str]]]:
    """Good rows that have the text in one of PLACES each; every row is about a person and class of its own."""
    for offset, places in enumerate(PLACES):
        yield places, row(number * len(PLACES) + offset, **dict.fromkeys(places, text))


def tidied(text: str, header: str) -> str:
    """What the documentation says is done to an accepted cell: spaces trimmed, in text also inside, and NFC."""
    trimmed = text.strip(SPACES)
    if header not in TEXTS:
        return trimmed
    single = re.sub(f"[{SPACES}]{{2,}}", " ", trimmed)
    return unicodedata.normalize("NFC", re.sub("[\u00a0\u2007\u202f]", " ", single))
