"""From hits to findings: the line, the text as typed, and the facts that the catalogue's sentences need.

Facts are phrases and numbers, never names or addresses of people: sentences are also shown where cells are masked.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from rapidfuzz import fuzz, process

from rostersync import addresses
from rostersync import cells as c
from rostersync import expectations_cells as rules
from rostersync.cells import Table
from rostersync.dictionary import Column, Dictionary
from rostersync.expectations_agreement import copies
from rostersync.expectations_groups import group
from rostersync.expectations_needs import has, is_blank
from rostersync.findings import found
from rostersync.model import Finding
from rostersync.normalising import Sheet
from rostersync.verdicts import Hit

Detail = Mapping[str, Any]

_SHOWN_LINES = 5
_NEAR = 75
"""Similarity in per cent from which another value is offered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a hit is about: the sheet, the table its rule saw, and the dictionary."""

    sheet: Sheet
    table: Table
    dictionary: Dictionary


def findings_of(hit: Hit, scene: Scene) -> Iterator[Finding]:
    """One finding for each row of the hit."""
    lines = scene.sheet.lines[hit.rows].tolist()
    values = _shown(hit, scene)
    for line, value, detail in zip(lines, values, _details(hit, scene), strict=True):
        yield found(hit.code, line=line, column=hit.column, value=value, severity=hit.severity, **detail)


def _shown(hit: Hit, scene: Scene) -> Sequence[str | None]:
    if hit.column is None:
        return [None] * len(hit.rows)
    typed: list[str | None] = c.texts(c.pick(scene.sheet.typed[hit.column], hit.rows)).to_pylist()
    return typed


def _details(hit: Hit, scene: Scene) -> Sequence[Detail]:
    if hit.code in _BY_ROW:
        return _BY_ROW[hit.code](hit, scene)
    if hit.column is None or hit.code not in _BY_CELL:
        return [{}] * len(hit.rows)
    column, tell = scene.dictionary.by_header[hit.column], cache(_BY_CELL[hit.code])
    told = c.texts(c.pick(scene.sheet.text[hit.column], hit.rows)).to_pylist()
    return [tell(_Facts(column), text) for text in told]


class _Facts:
    """A column as an argument that can be remembered: columns hold mappings, which cannot be hashed."""

    def __init__(self, column: Column) -> None:
        self.column = column

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Facts) and self.column is other.column

    def __hash__(self) -> int:
        return hash(self.column.header)
