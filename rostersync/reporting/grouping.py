"""Findings as a mail body may show them: grouped by code, counted, and without a single cell's text.

A finding's `value` is a cell, and its `detail` may quote one or the roster. Of the detail a mail shows numbers, words
of the dictionary and the phrases that the rules make themselves. Header names are no personal data: shown, shortened.
"""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from rostersync.catalogue import findings as catalogue
from rostersync.configuration.dictionary import Dictionary
from rostersync.model import ENTITIES, Finding, Severity

ALWAYS_LISTED = ("id-looks-like-ssn", "id-corrected", "email-changed", "role-raised", "reactivated")
"""Remarks that a person must see (docs/errors.md): never left out of a mail."""
LINES_SHOWN = 8
REMEDIES_TOLD = 4
"""So many remedies of one code in one column are told one by one."""
PAIRS_SHOWN = 40
REWRITTEN = ("cell-leading-zero-lost", "id-case-differs")
"""Codes whose cells differ from an ID of the roster by zeros or case only: told with what is to be written."""
_PUBLIC_IDS = ("schoolId", "classId")
NAME_LENGTH = 60
_HEADERLESS = "file-no-header"
_NOT_SHOWN = "(not shown)"
_INSTEAD = {"whom": "somebody else"}
"""Details that name a person, and what a mail says in their place."""
PHRASES = frozenset(
    {"accepted", "action", "allowed", "columns", "entity", "hint", "lines", "missing", "otherwise", "part"}
    | {"problem", "reason", "reference", "remedy", "role", "suggested_name", "suggestion", "target", "what"}
    | {"code_points", "ending", "format", "letter", "letters"}
)
"""Details whose text is the rules' own. Not among them: `known`, `old`, `user_id` (people), `school`, `domain`, `first`
(parts of cells), and `characters`, which can spell out a whole cell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """All findings of one code in one column with one remedy: `count` findings, where they are, what to do.

    `message` says what is wrong with all of them, or begins with the line that it is an example of.
    """

    code: str
    count: int
    column: str
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


def groups(findings: Sequence[Finding], severity: Severity, dictionary: Dictionary, *, listed: bool) -> list[Group]:
    """Groups of this severity; those always listed first, then the most frequent codes, then in the catalogue's order.

    `listed`: the reader has a list with each row's own remedy, so many remedies of one code need not be told here.
    """
    by_code: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.severity is severity:
            by_code.setdefault(finding.code, []).append(finding)
    place = {code: number for number, code in enumerate(catalogue.finding_texts())}
    order = sorted(by_code, key=lambda code: (code not in ALWAYS_LISTED, -len(by_code[code]), place[code]))
    return [group for code in order for group in _groups_of(by_code[code], dictionary, listed)]


def _groups_of(found: Sequence[Finding], dictionary: Dictionary, listed: bool) -> Iterator[Group]:
    """The groups of one code, the largest first."""
    by_column: dict[str, dict[Facts, list[Finding]]] = {}
    for finding in found:
        remedies = by_column.setdefault(finding.column or "", {})
        remedies.setdefault(_facts(finding, "resolution"), []).append(finding)
    for remedies in sorted(by_column.values(), key=_size, reverse=True):
        told = _told_together(remedies) if listed else remedies
        yield from (_group(members, dictionary) for members in sorted(told.values(), key=len, reverse=True))


def _told_together(remedies: Mapping[Facts, list[Finding]]) -> Mapping[Facts, list[Finding]]:
    """The same; findings with more remedies than a mail should tell are one group."""
    few = len(remedies) <= REMEDIES_TOLD
    return remedies if few else {(): [finding for members in remedies.values() for finding in members]}


def _size(remedies: Mapping[Facts, Sequence[Finding]]) -> int:
    return sum(map(len, remedies.values()))


Facts = tuple[str, ...]


def _facts(finding: Finding, sentence: str) -> Facts:
    """The facts by which this sentence of the finding differs from another one's."""
    return tuple(str(finding.detail.get(name, "")) for name in _fields(finding.code, sentence))


@cache
def _fields(code: str, sentence: str) -> tuple[str, ...]:
    template: str = getattr(catalogue.finding_texts()[code], f"masked_{sentence}")
    names = {name for _, name, _, _ in string.Formatter().parse(template) if name}
    names = {"suggestion" if name == "nearest" else "school" if name == "at" else name for name in names}
    return tuple(sorted(names - {"line", "column", "value"}))


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
        column=members[0].column or "" if members[0].column in dictionary.by_header else "",
        lines=_lines(f.line for f in members),
        message=_message(example, members),
        resolution=_remedy(example, members),
    )


def _message(example: Finding, members: Sequence[Finding]) -> str:
    """The example's sentence; without the place where it holds for all, as the places stand beside it."""
    sentence = catalogue.message(example, masked=True)
    place, colon, said = sentence.partition(": ")
    if not colon or not place.startswith("Line "):
        return sentence
    alike = len({_facts(member, "message") for member in members}) == 1
    return said[0].upper() + said[1:] if alike else f"For example, l{place[1:]}: {said}"


def _remedy(example: Finding, members: Sequence[Finding]) -> str:
    """What to do, where it is the same for all; and what to write for what, where the roster tells."""
    sentence = catalogue.resolution(example, masked=True)
    if example.code in REWRITTEN and example.column in _PUBLIC_IDS:
        return f"{sentence} {_rewritten(members)}"
    if len({_facts(member, "resolution") for member in members}) == 1:
        return sentence
    return "It differs from row to row: the list says beside each row what to write."


def _rewritten(members: Sequence[Finding]) -> str:
    """'Write 0100 for 100, 0200 for 200 and 3 more.' Only what the roster has: no other cell is quoted."""
    pairs = sorted({(str(member.detail.get("known", "")), member.value or "") for member in members})
    shown = [f"{known} for {typed}" for known, typed in pairs[:PAIRS_SHOWN]]
    left = len(pairs) - len(shown)
    return f"Write {', '.join(shown)}{f' and {left} more' if left else ''}."


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


def _lines(numbers: Iterable[int | None]) -> str:
    """'line 7' or 'lines 7, 9, 12 and 40 more'; '' when the findings have no line."""
    lines = sorted({n for n in numbers if n is not None})
    if not lines:
        return ""
    text = ", ".join(str(n) for n in lines[:LINES_SHOWN])
    left = len(lines) - LINES_SHOWN
    return ("line " if len(lines) == 1 else "lines ") + text + (f" and {left:,} more" if left > 0 else "")
