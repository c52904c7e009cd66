"""manifest.csv: which version a package is of, and how each of its files is meant."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from rostersync.catalogue.findings import make_finding
from rostersync.configuration.dictionary import PackageFormat
from rostersync.model import Finding, Severity
from rostersync.reading.encoding import recognise

NAME: Final = "manifest.csv"
FORMATS: Final[Mapping[str, str]] = {"1.1": "oneroster-1.1", "1.2": "oneroster-1.2"}
"""What the manifest calls a version → the folder of its dictionaries."""
MODES: Final = ("absent", "bulk", "delta")
_HEADER: Final = ["propertyName", "value"]
_SHORT: Final = "1"
"""What a spreadsheet makes of 1.0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """`format`: the folder of the dictionaries; None when the manifest refuses the package before that is known.
    `properties`: name → value and line.
    """

    format: str | None = None
    properties: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    @property
    def system_code(self) -> str:
        """What the sending system calls itself; blank when it does not say."""
        return self.properties.get("source.systemCode", ("", 0))[0]


def read_manifest(data: bytes | None) -> Manifest:
    """Which format the package says that it is, or why that cannot be told."""
    if data is None:
        return Manifest(findings=(make_finding("manifest-missing"),))
    content = recognise(data, fallback_encoding=False)
    if content.refused:
        return Manifest(findings=tuple(_about(finding) for finding in content.findings))
    rows = _rows(content.data[content.start :].decode("utf-8"))
    if not rows or [cell.strip() for cell in rows[0]] != _HEADER:
        return Manifest(findings=(make_finding("manifest-header", file=NAME, line=1),))
    named = [(row[0].strip(), row[1].strip(), line) for line, row in enumerate(rows[1:], start=2) if len(row) > 1]
    properties = {name: (value, line) for name, value, line in named}
    findings = tuple(_version_findings(properties))
    refused = any(finding.severity is Severity.FILE for finding in findings)
    folder = None if refused else FORMATS[properties["oneroster.version"][0]]
    return Manifest(format=folder, properties=properties, findings=findings)


def _rows(text: str) -> list[list[str]]:
    """The rows; none when the text is no CSV, or has a cell that no manifest has."""
    try:
        return list(csv.reader(io.StringIO(text, newline="")))
    except csv.Error:
        return []


def _about(finding: Finding) -> Finding:
    return make_finding(finding.code, file=NAME, severity=finding.severity, **finding.detail)


def _version_findings(properties: Mapping[str, tuple[str, int]]) -> Iterator[Finding]:
    known = {"oneroster.version": tuple(FORMATS), "manifest.version": ("1.0", _SHORT)}
    for name, accepted in known.items():
        value, line = properties.get(name, ("", None))
        if value not in accepted:
            accepted_words = " or ".join(word for word in accepted if word != _SHORT)
            yield make_finding("manifest-version", file=NAME, line=line, name=name, accepted=accepted_words)
        elif value == _SHORT:
            yield make_finding("manifest-version-short", file=NAME, line=line)


def modes_of(
    manifest: Manifest, package: PackageFormat, names: Collection[str]
) -> tuple[Mapping[str, str], tuple[Finding, ...]]:
    """Each file of the catalog with its mode, and what is wrong with what the manifest says of them."""
    modes: dict[str, str] = {}
    findings: list[Finding] = []
    for file in package.catalog:
        mode, line = manifest.properties.get(f"file.{file}", ("", None))
        modes[file] = mode if mode in MODES else "absent"
        findings += _file_findings(file, mode, line, is_there=f"{file}.csv" in names)
    known = {*(f"file.{file}" for file in package.catalog)}
    strange = [
        line for name, (_, line) in manifest.properties.items() if name.startswith("file.") and name not in known
    ]
    if strange:
        findings.append(make_finding("manifest-unknown", file=NAME, line=min(strange), count=len(strange)))
    return modes, tuple(findings)


def _file_findings(file: str, mode: str, line: int | None, *, is_there: bool) -> Iterator[Finding]:
    facts: dict[str, Any] = {"file": NAME, "line": line, "table": f"{file}.csv"}
    if mode and mode not in MODES:
        yield make_finding("manifest-mode", **facts)
    elif mode in ("bulk", "delta") and not is_there:
        yield make_finding("manifest-mismatch", **facts, problem=f"is said to be there ({mode}), but is not")
    elif mode == "absent" and is_there:
        yield make_finding("manifest-mismatch", **facts, problem="is there, but is said to be absent")
    elif not mode and is_there:
        yield make_finding("manifest-mismatch", **facts, problem="is there, but the manifest does not name it")
    elif not mode:
        yield make_finding("manifest-unnamed", **facts)
