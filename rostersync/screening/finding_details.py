"""From hits to findings: the line, the text as typed, and the facts that the catalogue's sentences need.

Facts are phrases and numbers, never names or addresses of people: sentences are also shown where cells are masked.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rapidfuzz import fuzz, process

from rostersync import text_columns as c
from rostersync.catalogue.findings import make_finding
from rostersync.configuration.dictionary import Column, Dictionary
from rostersync.model import Finding
from rostersync.screening import email_addresses, text_damage
from rostersync.screening.normalize import NormalizedTable
from rostersync.screening.root_causes import Violation
from rostersync.screening.rules import cells as rules
from rostersync.screening.rules.agreement import copies
from rostersync.screening.rules.required import has
from rostersync.screening.rules.row_groups import group
from rostersync.text_columns import Table

Detail = Mapping[str, Any]

_SHOWN_LINES = 5
_NEAR = 75
"""Similarity in per cent from which another value is offered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingContext:
    """What a hit is about: the sheet, the table its rule saw, and the dictionary."""

    sheet: NormalizedTable
    table: Table
    dictionary: Dictionary


def describe_violations(violation: Violation, context: FindingContext) -> Iterator[Finding]:
    """One finding for each row of the hit."""
    lines = context.sheet.lines[violation.rows].tolist()
    values = _shown(violation, context)
    for line, value, detail in zip(lines, values, _details(violation, context), strict=True):
        yield make_finding(
            violation.code, line=line, column=violation.column, value=value, severity=violation.severity, **detail
        )


def _shown(violation: Violation, context: FindingContext) -> Sequence[str | None]:
    if violation.column is None:
        return [None] * len(violation.rows)
    typed: list[str | None] = c.texts(c.pick(context.sheet.typed[violation.column], violation.rows)).to_pylist()
    return typed


def _details(violation: Violation, context: FindingContext) -> Sequence[Detail]:
    if violation.code in _BY_ROW:
        return _BY_ROW[violation.code](violation, context)
    if violation.column is None or violation.code not in _BY_CELL:
        return [{}] * len(violation.rows)
    column, tell = context.dictionary.by_header[violation.column], _BY_CELL[violation.code]
    texts = c.texts(c.pick(context.sheet.text[violation.column], violation.rows)).to_pylist()
    told = {text: tell(column, text) for text in set(texts)}
    return [told[text] for text in texts]


def _too_long(column: Column, text: str) -> Detail:
    return {"length": len(text), "max": column.max_length}


def _unprintable(column: Column, text: str) -> Detail:
    return {"characters": _named(text_damage.unprintable_characters(text, column.kind))}


def _not_for_ids(column: Column, text: str) -> Detail:
    others = re.findall(f"[^{rules.allowed(column.characters)}]", text)
    return {"characters": _named(others), "allowed": " ".join(column.characters)}


def _named(characters: Sequence[str]) -> str:
    """Each once, by code point and name: most cannot be seen."""
    return ", ".join(_name(character) for character in dict.fromkeys(characters))


def _name(character: str) -> str:
    name = _CONTROL_NAMES.get(character) or unicodedata.name(character, "control character").lower()
    seen = f"'{character}' " if character.isprintable() and character != " " else ""
    return f"{seen}U+{ord(character):04X} ({name})"


_CONTROL_NAMES = {"\n": "line break", "\r": "line break", "\t": "tab"}


def _not_accepted(column: Column, text: str) -> Detail:
    nearest = process.extractOne(text, column.accepted, scorer=fuzz.ratio, processor=str.casefold, score_cutoff=_NEAR)
    hint = f" Did you mean '{nearest[0]}'?" if nearest else ""
    if nearest and nearest[0].casefold() == text.casefold():
        hint = f" Only capital and small letters differ: write '{nearest[0]}'."
    return {"accepted": column.choices, "hint": hint}


def _alias(column: Column, text: str) -> Detail:
    return {"accepted": column.aliases[text]}


def _look_alike(_: Column, text: str) -> Detail:
    return {"characters": email_addresses.strangers(text)}


def _address(_: Column, text: str) -> Detail:
    return {"reason": email_addresses.why_invalid(text)}


def _domain(_: Column, text: str) -> Detail:
    return {"domain": email_addresses.fold(text).rpartition("@")[2]}


def _date(_: Column, text: str) -> Detail:
    shaped = re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text)
    return {"reason": "the calendar has no such day" if shaped else "it is not written as YYYY-MM-DD"}


_BY_CELL: Mapping[str, Callable[[Column, str], Detail]] = {
    "cell-too-long": _too_long,
    "cell-character": _unprintable,
    "id-character": _not_for_ids,
    "value-not-allowed": _not_accepted,
    "value-alias": _alias,
    "email-look-alike": _look_alike,
    "email-invalid": _address,
    "email-domain": _domain,
    "date-invalid": _date,
}


def _missing(violation: Violation, context: FindingContext) -> Sequence[Detail]:
    actions = c.texts(c.pick(context.sheet.value["action"], violation.rows)).to_pylist()
    missing = ", ".join(violation.columns)
    return [{"missing": missing, **({"action": action} if action else {})} for action in actions]


def _first_day(violation: Violation, context: FindingContext) -> Sequence[Detail]:
    days = c.texts(c.pick(context.sheet.value[violation.settings["first"]], violation.rows)).to_pylist()
    return [{"first": day} for day in days]


def _disagreement(violation: Violation, context: FindingContext) -> Sequence[Detail]:
    groups = group(context.table, violation.settings["key"])[violation.rows]
    columns = ", ".join(violation.columns)
    return [{"columns": columns, "lines": lines} for lines in _other_lines(violation, context, groups)]


def _same_address(violation: Violation, context: FindingContext) -> Sequence[Detail]:
    groups = group(context.table, (violation.settings["column"],))[violation.rows]
    return [{"lines": lines} for lines in _other_lines(violation, context, groups)]


def _contradicting(violation: Violation, context: FindingContext) -> Sequence[Detail]:
    settings = violation.settings
    of_class = group(context.table, settings["targets"][settings["ends_class"]])
    of_enrollment = group(context.table, settings["targets"][settings["ends_enrollment"]])
    removes_class = has(context.table, "action", (settings["ends_class"],))
    groups = np.where(removes_class, 2 * of_class, 2 * of_enrollment + 1)[violation.rows]
    return [{"lines": lines} for lines in _other_lines(violation, context, groups)]


def _other_lines(violation: Violation, context: FindingContext, groups: np.ndarray) -> Iterator[str]:
    """For each row of the hit, the other lines of its group, as text."""
    members: dict[int, list[int]] = {}
    lines = context.sheet.lines[violation.rows].tolist()
    numbers = groups.tolist()
    for number, line in zip(numbers, lines, strict=True):
        members.setdefault(number, []).append(line)
    for number, line in zip(numbers, lines, strict=True):
        first = [other for other in members[number][: _SHOWN_LINES + 1] if other != line][:_SHOWN_LINES]
        more = len(members[number]) - 1 - len(first)
        yield ", ".join(map(str, first)) + (f" and {more} more" if more else "")


def _copied(violation: Violation, context: FindingContext) -> Sequence[Detail]:
    rows, firsts = copies(context.table, violation.settings["columns"])
    lines = dict(zip(rows.tolist(), context.sheet.lines[firsts].tolist(), strict=True))
    return [{"first": lines[row]} for row in violation.rows.tolist()]


def _folded(violation: Violation, context: FindingContext) -> Sequence[Detail]:
    """The part that is taken, the removal's line and its word."""
    by: dict[int, tuple[int, str]] = {}
    for word in (violation.settings["ends_class"], violation.settings["ends_person"]):
        groups = group(context.table, violation.settings["targets"][word])
        removals = np.flatnonzero(has(context.table, "action", (word,)) & (groups >= 0))[::-1]
        line_of = dict(zip(groups[removals].tolist(), context.sheet.lines[removals].tolist(), strict=True))
        taken = [
            (row, line_of.get(number))
            for row, number in zip(violation.rows, groups[violation.rows].tolist(), strict=True)
        ]
        wanted = violation.settings["part"] == "row" or word == violation.settings["ends_class"]
        by.update({int(row): (line, word) for row, line in taken if line is not None and wanted})
    what = {"row": "the row is", "class": "the class part of the row is"}[violation.settings["part"]]
    return [
        {"part": violation.settings["part"], "what": what, "by": line, "action": word}
        for line, word in (by[row] for row in violation.rows.tolist())
    ]


def _outranked(violation: Violation, _: FindingContext) -> Sequence[Detail]:
    return [{"role": violation.settings["wins"]}] * len(violation.rows)


_BY_ROW: Mapping[str, Callable[[Violation, FindingContext], Sequence[Detail]]] = {
    "class-incomplete": _missing,
    "action-incomplete": _missing,
    "date-order": _first_day,
    "row-conflict": _disagreement,
    "email-duplicate": _same_address,
    "action-conflict": _contradicting,
    "row-duplicate": _copied,
    "row-folded": _folded,
    "role-both": _outranked,
}
