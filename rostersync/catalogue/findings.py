"""The catalogue of findings: what can be wrong with a district's file, and what to do about it.

The catalogue is data (`include/dictionary/findings.yaml`); `docs/errors.md` is generated from it. A finding
carries its code and the facts; sentences are made here, only when shown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml

from rostersync.model import Finding, Severity
from rostersync.settings import include_path

SUPPOSED = ("row-folded", "role-both")
"""What the file alone can only suppose, because it follows from which rows are accepted in the end: with a roster, the
plan finds it. Found by the file rules, it is for a file that is checked without one."""

NOTHING_NEAR = "none"
"""A `suggestion` that is none."""
NEAREST = " The nearest in the roster is {suggestion}."
"""What stands for `{nearest}` in a sentence, when something is near."""
_NOTHING_TO_DO = "Nothing needs to be done"


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingText:
    """One code of the catalogue. `severities[0]` is the usual one; `by` is F (file rule), R (roster rule) or P
    (rule about source packages).

    `masked_message`, `masked_resolution`: the sentences where no cell and nothing of the roster may be quoted.
    `sets_aside`: a remark whose row is not applied, and not rejected either.
    """

    code: str
    severities: tuple[Severity, ...]
    by: str
    when: str
    message: str
    resolution: str
    masked_message: str
    masked_resolution: str
    sets_aside: bool = False


@cache
def finding_texts() -> Mapping[str, FindingText]:
    """code → entry, in the order of the file."""
    raw = yaml.load(include_path("dictionary", "findings.yaml").read_bytes(), Loader=yaml.CSafeLoader)
    return {code: _entry(code, spec) for code, spec in raw.items()}


def _entry(code: str, spec: Mapping[str, Any]) -> FindingText:
    severities = tuple(Severity(s) for s in spec["severity"].split(" / "))
    masked = {part: spec.get("mail", {}).get(part, _unquoted(spec[part])) for part in ("message", "resolution")}
    return FindingText(
        code=code,
        severities=severities,
        by=spec["by"],
        when=spec["when"],
        message=spec["message"],
        resolution=spec["resolution"],
        masked_message=masked["message"],
        masked_resolution=masked["resolution"],
        sets_aside=spec.get("sets_aside", False),
    )


def _unquoted(sentence: str) -> str:
    """The sentence with "the value" where it quotes the cell."""
    return sentence.replace("'{value}'", "the value")


def make_finding(
    code: str,
    *,
    line: int | None = None,
    column: str | None = None,
    value: str | None = None,
    file: str | None = None,
    severity: Severity | None = None,
    **detail: Any,
) -> Finding:
    """A finding of a catalogued code; `severity` only where the catalogue allows several.

    Raises KeyError for a code that is not in the catalogue: that is a bug, never a file's fault.
    """
    entry = finding_texts()[code]
    chosen = severity or entry.severities[0]
    if chosen not in entry.severities:
        raise ValueError(f"{code} cannot be {chosen}")
    return Finding(code=code, severity=chosen, line=line, column=column, value=value, detail=detail, file=file)


def certain(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings of the file rules that no roster can change."""
    return tuple(finding for finding in findings if finding.code not in SUPPOSED)


def reference_of(*facts: str) -> str:
    """What a contact can quote to support, who find the finding by it. The same for the same facts; says nothing."""
    return "R-" + hashlib.sha256("\n".join(facts).encode()).hexdigest()[:8].upper()


class _Facts(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "…"


def _told(sentence: str, finding: Finding) -> str:
    facts = {"remedy": "", **finding.detail, "nearest": _nearest(finding.detail), "at": _at(finding.detail)}
    return sentence.format_map(
        _Facts(facts, file=finding.file, line=finding.line, column=finding.column, value=finding.value or "")
    )


def _nearest(detail: Mapping[str, Any]) -> str:
    """A sentence about what was meant; nothing when nothing is near."""
    suggestion = detail.get("suggestion", NOTHING_NEAR)
    if suggestion == NOTHING_NEAR:
        return ""
    name = detail.get("suggested_name")
    return NEAREST.format(suggestion=f"{suggestion} ({name})" if name else suggestion)


def _at(detail: Mapping[str, Any]) -> str:
    """A school of the district, by its name where that is known."""
    school, name = detail.get("school"), detail.get("school_name")
    return f"{name} ({school})" if name else f"school {school}"


def asks_nothing(code: str) -> bool:
    """Whether the advice of this code begins by saying that there is nothing to do."""
    return finding_texts()[code].resolution.startswith(_NOTHING_TO_DO)


def message(finding: Finding, *, masked: bool = False) -> str:
    """What is wrong, in one sentence; `masked` leaves the cell's text out."""
    entry = finding_texts()[finding.code]
    return _told(entry.masked_message if masked else entry.message, finding)


def resolution(finding: Finding, *, masked: bool = False) -> str:
    """What to do about it, in one or two sentences."""
    entry = finding_texts()[finding.code]
    return _told(entry.masked_resolution if masked else entry.resolution, finding)
