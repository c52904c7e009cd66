"""Findings as a mail body may show them: grouped by code, counted, and without a single cell's text.

A finding's `value` is a cell, and its `detail` may quote one or the roster. Of the detail a mail shows numbers, words
of the dictionary and the phrases that the rules make themselves. Header names are no personal data: shown, shortened.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rostersync.catalogue import findings as catalogue
from rostersync.configuration.dictionary import Dictionary
from rostersync.model import ENTITIES, Finding, Severity

ALWAYS_LISTED = ("id-corrected", "email-changed", "role-raised", "reactivated")
"""Remarks that a person must see (dictionary page, "Findings"): never left out of a mail."""
LINES_SHOWN = 8
COLUMNS_SHOWN = 4
NAME_LENGTH = 60
_HEADERLESS = "file-no-header"
_NOT_SHOWN = "(not shown)"
_INSTEAD = {"whom": "somebody else"}
"""Details that name a person, and what a mail says in their place."""
PHRASES = frozenset(
    {"accepted", "action", "allowed", "columns", "entity", "hint", "lines", "missing", "otherwise", "part"}
    | {"problem", "reason", "reference", "role", "suggestion", "target", "what"}
)
"""Details whose text is the rules' own. Not among them: `known`, `old`, `user_id` (people), `school`, `domain`, `first`
(parts of cells), and `characters`, which can spell out a whole cell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """All findings of one code: `count` findings, where they are, an example's message, what to do."""

    code: str
    count: int
    columns: str
    lines: str
    message: str
    resolution: str

    @property
    def title(self) -> str:
        """The code in words: 'Email invalid'."""
        return self.code.replace("-", " ").capitalize()

    @property
    def where(self) -> str:
        """'Lines 7 and 9 · ', or '' for a finding of the whole file."""
        return f"{self.lines[0].upper()}{self.lines[1:]} · " if self.lines else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One reason why a file was refused or is held."""

    code: str
    message: str
    resolution: str


def groups(findings: Sequence[Finding], severity: Severity, dictionary: Dictionary) -> list[Group]:
    """Groups of this severity; those always listed first, then the most frequent, then in the catalogue's order."""
    by_code: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.severity is severity:
            by_code.setdefault(finding.code, []).append(finding)
    place = {code: number for number, code in enumerate(catalogue.catalogue())}
    order = sorted(by_code, key=lambda code: (code not in ALWAYS_LISTED, -len(by_code[code]), place[code]))
    return [_group(by_code[code], dictionary) for code in order]


def faults(
    findings: Sequence[Finding], severity: Severity, dictionary: Dictionary, *, headers_shown: bool = True
) -> list[Fault]:
    """Every finding of this severity by itself, in order: why a file was refused, or why it is held.

    A hold tells numbers, and schools of the district by their IDs. `headers_shown` is for the district itself: what
    others read does not quote its file.
    """
    headerless = any(f.code == _HEADERLESS for f in findings)
    chosen = [f for f in findings if f.severity is severity]
    names_shown = severity is Severity.HOLD or (severity is Severity.FILE and headers_shown and not headerless)
    return [_fault(f, dictionary, names_shown=names_shown) for f in chosen]


def _group(members: Sequence[Finding], dictionary: Dictionary) -> Group:
    example = without_cells(members[0], dictionary)
    return Group(
        code=example.code,
        count=len(members),
        columns=_columns(members, dictionary),
        lines=_lines(f.line for f in members),
        message=catalogue.message(example, masked=True),
        resolution=catalogue.resolution(example, masked=True),
    )


def _fault(finding: Finding, dictionary: Dictionary, *, names_shown: bool) -> Fault:
    shown = _with_short_names(finding) if names_shown else without_cells(finding, dictionary)
    return Fault(
        code=finding.code,
        message=catalogue.message(shown, masked=not names_shown),
        resolution=catalogue.resolution(shown, masked=not names_shown),
    )


def without_cells(finding: Finding, dictionary: Dictionary) -> Finding:
    """The finding with `(not shown)` for every detail that may hold a cell's text (`value` is masked when shown)."""
    words = vocabulary(dictionary)
    detail = {
        name: fact if name in PHRASES or _is_public(fact, words) else _INSTEAD.get(name, _NOT_SHOWN)
        for name, fact in finding.detail.items()
    }
    known = finding.column is None or finding.column in dictionary.by_header
    return replace(finding, detail=detail, column=finding.column if known else _NOT_SHOWN)


def vocabulary(dictionary: Dictionary) -> frozenset[str]:
    """Words that are in the dictionary and so say nothing about a person."""
    words = {*dictionary.headers, *dictionary.actions, *dictionary.report_columns, *ENTITIES}
    for column in dictionary.columns:
        words.update(column.accepted)
    return frozenset(words)


def _is_public(fact: Any, words: frozenset[str]) -> bool:
    if isinstance(fact, int | float) or fact is None:
        return True
    if isinstance(fact, str):
        return all(word in words for word in fact.split(", "))
    return isinstance(fact, list | tuple) and all(_is_public(part, words) for part in fact)


def _with_short_names(finding: Finding) -> Finding:
    detail = {name: short(fact) if isinstance(fact, str) else fact for name, fact in finding.detail.items()}
    return replace(
        finding, value=finding.value and short(finding.value), column=short(finding.column or ""), detail=detail
    )


def short(name: str) -> str:
    """A header name of at most NAME_LENGTH characters; invisible and control characters as code points."""
    seen = "".join(_visible(sign) for sign in name[: 2 * NAME_LENGTH])
    return seen if len(seen) <= NAME_LENGTH else seen[: NAME_LENGTH - 1] + "…"


def _visible(sign: str) -> str:
    return f"[U+{ord(sign):04X}]" if unicodedata.category(sign).startswith("C") else sign


def _columns(members: Iterable[Finding], dictionary: Dictionary) -> str:
    """The columns concerned, most frequent first; names that are not in the dictionary are not shown."""
    seen = Counter(f.column for f in members if f.column in dictionary.by_header)
    names = [str(name) for name, _ in seen.most_common(COLUMNS_SHOWN)]
    left = len(seen) - len(names)
    return ", ".join(names) + (f" and {left} more" if left else "")


def _lines(numbers: Iterable[int | None]) -> str:
    """'line 7' or 'lines 7, 9, 12 and 40 more'; '' when the findings have no line."""
    lines = sorted({n for n in numbers if n is not None})
    if not lines:
        return ""
    text = ", ".join(str(n) for n in lines[:LINES_SHOWN])
    left = len(lines) - LINES_SHOWN
    return ("line " if len(lines) == 1 else "lines ") + text + (f" and {left:,} more" if left > 0 else "")
