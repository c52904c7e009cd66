"""The header's names against the dictionary: all faults at once, each with the nearest valid header."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Final

from rapidfuzz.distance import OSA

from rostersync.catalogue.findings import make_finding
from rostersync.configuration.dictionary import Dictionary
from rostersync.model import Finding

_NEAR: Final = 0.7
"""A header is offered for a name from this likeness on: farther ones mislead."""
_SHORTEST_PART: Final = 5
MAX_NAME: Final = 200
"""Characters of a name that are compared with headers, and told: no header is a tenth as long, and a name may be as
long as the file."""
MAX_FAULTS: Final = 1000
"""Faulty names that are told; a users.csv has some twenty columns, and no letter lists ten thousand faults."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderNames:
    """What the header says. `columns`: position → header of the dictionary. `blank`: positions without a name.
    `report`: the three columns of an error report are in the header.
    """

    columns: Mapping[int, str]
    blank: tuple[int, ...]
    report: bool
    findings: tuple[Finding, ...]


def check_headers(typed: Sequence[str], line: int, dictionary: Dictionary) -> HeaderNames:
    """Every `header-*` finding but `header-blank`, which only the cells below can decide."""
    judged = list(enumerate(typed))
    blank = tuple(position for position, name in judged if not cleaned(name))
    report = _report_columns(judged, dictionary)
    named = [(position, name) for position, name in judged if position not in report and cleaned(name)]
    columns = _exact(named, dictionary)
    rest = [(position, name) for position, name in named if position not in columns]
    findings, unknown, meant = _variants(rest, columns, line, dictionary)
    absent = [h for h in dictionary.headers if h not in columns.values() and h not in meant]
    pairs = _nearest_pairs([name for _, name in unknown], _wanted(absent, dictionary), dictionary)
    if dictionary.extra_columns == "ignore":
        unknown = [(position, name) for position, name in unknown if name in pairs]
    strange = (_strange(name, position, pairs.get(name), line, dictionary) for position, name in unknown)
    told = islice(chain(findings, strange), MAX_FAULTS)
    missing = _missing(absent, set(pairs.values()), line, dictionary)
    return HeaderNames(columns=columns, blank=blank, report=bool(report), findings=(*told, *missing))


def _wanted(absent: Sequence[str], dictionary: Dictionary) -> Sequence[str]:
    """Headers that a name may be meant for: where other columns are passed over, only those that must be there."""
    if dictionary.extra_columns == "refuse":
        return absent
    return [header for header in absent if dictionary.by_header[header].header_required]


def cleaned(name: str) -> str:
    """A header without spaces, control and invisible characters."""
    unseen = _unseen(name)
    return name.translate(dict.fromkeys(map(ord, unseen))) if unseen else name


def _unseen(name: str) -> list[str]:
    """The spaces, control and invisible characters of a name, each once: only different ones are looked up."""
    return [c for c in dict.fromkeys(name) if c.isspace() or unicodedata.category(c) in ("Cc", "Cf", "Zs")]


def letter(position: int) -> str:
    """The spreadsheet's name of a column: 0 is A, 26 is AA."""
    name = ""
    while position >= 0:
        name = chr(ord("A") + position % 26) + name
        position = position // 26 - 1
    return name


def _report_columns(judged: Sequence[tuple[int, str]], dictionary: Dictionary) -> frozenset[int]:
    """Positions of `line`, `errors`, `resolutions`, in this order: the last three named columns, as in an error report,
    or the first three, as in its workbook.
    """
    named, count = [(position, name) for position, name in judged if cleaned(name)], len(dictionary.report_columns)
    for outer in (named[-count:], named[:count]):
        if tuple(name for _, name in outer) == dictionary.report_columns:
            return frozenset(position for position, _ in outer)
    return frozenset()


def _exact(named: Iterable[tuple[int, str]], dictionary: Dictionary) -> dict[int, str]:
    columns: dict[int, str] = {}
    for position, name in named:
        if name in dictionary.by_header and name not in columns.values():
            columns[position] = name
    return columns


def _variants(
    rest: Iterable[tuple[int, str]], columns: Mapping[int, str], line: int, dictionary: Dictionary
) -> tuple[list[Finding], list[tuple[int, str]], set[str]]:
    """Names that are a dictionary header but for case or spaces: (findings, names not understood, headers meant)."""
    by_case = {header.casefold(): header for header in dictionary.headers}
    first = {header: position for position, header in columns.items()}
    findings: list[Finding] = []
    unknown: list[tuple[int, str]] = []
    for position, name in rest:
        header = by_case.get(cleaned(name).casefold())
        if header is None:
            unknown.append((position, name))
        elif header in first:
            findings.append(_duplicate(name, position, header, first[header], line))
        else:
            first[header] = position
            findings.append(_variant(name, position, header, line))
    return findings, unknown, set(first)


def _duplicate(name: str, position: int, header: str, first: int, line: int) -> Finding:
    places = f"{letter(first)} and {letter(position)}"
    return make_finding(
        "header-duplicate",
        line=line,
        column=shown(name),
        same_as=header,
        position=position + 1,
        first=first + 1,
        letters=places,
    )


def _variant(name: str, position: int, header: str, line: int) -> Finding:
    unseen = _unseen(name)
    facts: dict[str, Any] = {"suggestion": header, "letter": letter(position)}
    if not unseen:
        return make_finding("header-capitalization", line=line, column=shown(name), **facts)
    return make_finding("header-whitespace", line=line, column=shown(name), code_points=_code_points(unseen), **facts)


def _code_points(unseen: Iterable[str]) -> str:
    return ", ".join(f"U+{ord(c):04X} {unicodedata.name(c, 'CONTROL CHARACTER')}" for c in unseen)


def shown(name: str) -> str:
    """The name as typed, so much of it as a sentence can hold."""
    return name if len(name) <= MAX_NAME else f"{name[:MAX_NAME]}…"


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name[:MAX_NAME])).casefold()


def nearness(name: str, header: str) -> float:
    """0 … 1: swapped, missing and wrong letters count; a name inside the other (`email`, `firstName`) is near."""
    return _nearness(_plain(name), _plain(header))


def _nearness(one: str, other: str) -> float:
    near = OSA.normalized_similarity(one, other)
    if min(len(one), len(other)) >= _SHORTEST_PART and (one in other or other in one):
        near = max(near, _NEAR + (1 - _NEAR) * min(len(one), len(other)) / max(len(one), len(other)))
    return near


def is_near_a_header(name: str, dictionary: Dictionary) -> bool:
    """Whether a name may be meant for one of the dictionary's headers."""
    return any(nearness(name, header) >= _NEAR for header in dictionary.headers)


def _nearest_pairs(names: Iterable[str], absent: Sequence[str], dictionary: Dictionary) -> dict[str, str]:
    """Names paired with absent headers they are near to: the nearest first, each used once."""
    headers = [(header, _plain(header)) for header in absent]
    scored = sorted(
        (-near, not dictionary.by_header[header].header_required, order, name, header)
        for name, one in ((name, _plain(name)) for name in dict.fromkeys(names))
        for order, (header, other) in enumerate(headers)
        if (near := _nearness(one, other)) >= _NEAR
    )
    pairs: dict[str, str] = {}
    for _, _, _, name, header in scored:
        if name not in pairs and header not in pairs.values():
            pairs[name] = header
    return pairs


def _strange(name: str, position: int, suggestion: str | None, line: int, dictionary: Dictionary) -> Finding:
    place = letter(position)
    if suggestion is not None:
        return make_finding("header-misspelled", line=line, column=shown(name), suggestion=suggestion, letter=place)
    one = _plain(name)
    near, nearest = max((_nearness(one, _plain(header)), header) for header in dictionary.headers)
    if near < _NEAR:
        return make_finding("header-unknown", line=line, column=shown(name), hint="", remedy="", letter=place)
    hint, remedy = f" The nearest valid header is {nearest}.", f", or write {nearest} if that is what it holds"
    return make_finding("header-unknown", line=line, column=shown(name), hint=hint, remedy=remedy, letter=place)


def _missing(absent: Iterable[str], meant: set[str], line: int, dictionary: Dictionary) -> Iterable[Finding]:
    for header in absent:
        column = dictionary.by_header[header]
        if column.header_required and header not in meant:
            yield make_finding("header-missing", line=line, column=header, need=column.need)
