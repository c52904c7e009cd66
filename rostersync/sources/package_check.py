"""A package → its tables and the verdict on them, as far as it can be told without a roster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rostersync.catalogue.findings import make_finding, message, resolution
from rostersync.configuration.dictionary import Dictionary, PackageFormat, load_package_format
from rostersync.model import Finding, Severity
from rostersync.sources import manifest as manifests
from rostersync.sources.foreign_packages import foreign_package, format_of_file
from rostersync.sources.manifest import Manifest
from rostersync.sources.package_archive import Package, is_zip, open_package
from rostersync.sources.references import PendingCheck, check_references
from rostersync.sources.tables import SourceTable, read_table, refused

_FOREIGN_FILES: Final = (
    "schools.csv", "students.csv", "teachers.csv", "sections.csv", "staff.csv", "School.csv", "Section.csv",
    "Student.csv", "Teacher.csv", "relationships.csv", "userFlags.csv",
)  # fmt: skip
"""Files of other formats, opened only for their headers."""
_VERDICTS: Final = ((Severity.FILE, "refused"), (Severity.HOLD, "held"), (Severity.ROW, "accepted_with_errors"))


NOT_JUDGED = ("cells", "roster")
"""What a package may still be at fault in when its verdict is `accepted`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedPackage:
    """`format`: None when it could not be told. `tables`: by name, none of a package that is refused before they are
    read. `pending`: what only the roster can tell.
    """

    format: str | None = None
    manifest: Manifest = field(default_factory=Manifest)
    tables: Mapping[str, SourceTable] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    pending: tuple[PendingCheck, ...] = ()

    @property
    def verdict(self) -> str:
        """`refused`, `held`, `accepted_with_errors` or `accepted`."""
        found = {finding.severity for finding in self.findings}
        return next((verdict for severity, verdict in _VERDICTS if severity in found), "accepted")

    def to_json(self) -> dict[str, Any]:
        """For programs: no cell is quoted. `not_judged`: what the verdict does not speak of."""
        return {
            "verdict": self.verdict,
            "not_judged": list(NOT_JUDGED),
            "format": self.format,
            "files": {table.file: table.reading.rows_read for table in self.tables.values()},
            "findings": [_finding_json(finding) for finding in self.findings],
            "pending": [
                {"code": check.code, "file": check.file, "column": check.column, "rows": check.rows}
                for check in self.pending
            ],
        }


def _finding_json(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "file": finding.file,
        "line": finding.line,
        "column": finding.column,
        "message": message(finding, masked=True),
        "resolution": resolution(finding, masked=True),
    }


def check_package(path: Path) -> CheckedPackage:
    """Judge a zip or a folder. Whatever is wrong with it is a finding; raises OSError when it cannot be read at all."""
    if path.is_file() and not is_zip(path):
        return CheckedPackage(findings=(make_finding("package-foreign", format=format_of_file(path)),))
    package = open_package(path, _wanted())
    if any(finding.severity is Severity.FILE for finding in package.findings):
        return CheckedPackage(findings=package.findings)
    return _check_files(package)


def _wanted() -> frozenset[str]:
    tables = {table for folder in manifests.FORMATS.values() for table in load_package_format(folder)[0].tables}
    return frozenset({manifests.NAME, *_FOREIGN_FILES, *(f"{table}.csv" for table in tables)})


def _check_files(package: Package) -> CheckedPackage:
    if manifests.NAME not in package.files and (foreign := foreign_package(package.files)) is not None:
        return CheckedPackage(findings=(make_finding("package-foreign", format=foreign),))
    manifest = manifests.read_manifest(package.files.get(manifests.NAME))
    findings = (*package.findings, *manifest.findings)
    if manifest.format is None:
        return CheckedPackage(manifest=manifest, findings=findings)
    format_, dictionaries = load_package_format(manifest.format)
    modes, faults = manifests.modes_of(manifest, format_, package.names)
    tables = _read_tables(package, format_, modes, dictionaries)
    found = [finding for table in tables.values() for finding in table.findings]
    dangling, pending = ((), ()) if refused(tables) else check_references(tables)
    return CheckedPackage(
        format=manifest.format,
        manifest=manifest,
        tables=tables,
        findings=(*findings, *faults, *found, *dangling),
        pending=(*_bases(tables, format_), *pending),
    )


def _read_tables(
    package: Package, format_: PackageFormat, modes: Mapping[str, str], dictionaries: Mapping[str, Dictionary]
) -> dict[str, SourceTable]:
    """The tables that the manifest says are there, and that are."""
    there = [name for name in format_.tables if modes[name] != "absent" and f"{name}.csv" in package.files]
    return {name: read_table(package.files[f"{name}.csv"], name, modes[name], dictionaries[name]) for name in there}


def _bases(tables: Mapping[str, SourceTable], format_: PackageFormat) -> Sequence[PendingCheck]:
    """Deltas that need a bulk of the same file before them."""
    return [
        PendingCheck(code="delta-without-base", file=table.file, column=None, rows=table.reading.rows_read)
        for table in tables.values()
        if table.mode == "delta" and table.name in format_.based
    ]
