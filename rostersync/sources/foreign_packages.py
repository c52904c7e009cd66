"""Which other system's files these are, so that the refusal can name it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from rostersync.configuration.dictionary import load_dictionary
from rostersync.reading.encoding import BOM
from rostersync.reading.first_lines import FEWEST_KNOWN, known_names, opening_lines
from rostersync.reading.foreign_formats import foreign_format

OURS: Final = "a users.csv of supplementary staff, which belongs into the inbox of the staff files"
NOTHING: Final = "no package: neither a zip archive nor a folder of CSV files"
_ONEROSTER: Final = "OneRoster"
_OPENING: Final = 1 << 16


def foreign_package(files: Mapping[str, bytes]) -> str | None:
    """The system whose set of files lies here; None when it may be OneRoster's, or when nobody's headers are there."""
    formats = [format_ for format_ in map(format_of, files.values()) if format_ is not None]
    return next((format_ for format_ in formats if format_ != _ONEROSTER), None) if _ONEROSTER not in formats else None


def format_of_file(path: Path) -> str:
    """What a single file is that was handed in as a package."""
    with path.open("rb") as file:
        return format_of(file.read(_OPENING)) or NOTHING


def format_of(data: bytes) -> str | None:
    """The format of a file by its header."""
    lines = opening_lines(data, len(BOM) if data.startswith(BOM) else 0)
    headers = _cells(lines[:1])
    if known_names(headers, load_dictionary()) > FEWEST_KNOWN:
        return OURS
    return foreign_format(headers)


def _cells(lines: Iterable[str]) -> list[str]:
    try:
        return next(csv.reader(lines), [])
    except csv.Error:
        return []
