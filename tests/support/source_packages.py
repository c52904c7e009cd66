"""Small OneRoster packages: one that is right, changed file by file, as a zip or a folder."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

from rostersync.configuration.dictionary import load_package_format

VERSION = "1.2"
ROWS: Mapping[str, tuple[str, ...]] = {
    "orgs": ("d1,,,District,district,0600001,", "s1,,,School,school,060000100001,d1"),
    "academicSessions": ("y26,,,2026-27,schoolYear,2026-08-01,2027-06-30,,2027",),
    "courses": ("c1,,,y26,Math 3,M3,03,d1,,",),
    "classes": ("k1,,,Math 3 A,03,c1,,scheduled,,s1,y26,,,1",),
    "users": ("t1,,,true,t1,,Ann,Lee,,,ann@example.org,,,,,,,,,,s1,", "p1,,,true,p1,,Bo,Ray,,,,,,,03,,,,,,s1,"),
    "roles": ("r1,,,t1,primary,teacher,,,s1,", "r2,,,p1,primary,student,,,s1,"),
    "enrollments": ("e1,,,k1,s1,t1,teacher,true,,", "e2,,,k1,s1,p1,student,false,,"),
}


def header(table: str, version: str = VERSION) -> str:
    """The header line of a table."""
    _, dictionaries = load_package_format(f"oneroster-{version}")
    return ",".join(dictionaries[table].headers)


def manifest(modes: Mapping[str, str], version: str = VERSION) -> str:
    """A manifest that names every file of the catalog."""
    package, _ = load_package_format(f"oneroster-{version}")
    lines = [f"file.{file},{modes.get(file, 'absent')}" for file in package.catalog]
    head = ["propertyName,value", "manifest.version,1.0", f"oneroster.version,{version}"]
    return "\n".join([*head, *lines, "source.systemName,try", "source.systemCode,1", ""])


def package(modes: Mapping[str, str] | None = None, **rows: tuple[str, ...]) -> dict[str, str]:
    """Name → text of the files of a bulk package, some tables with other rows, some in another mode."""
    tables = {**ROWS, **rows}
    texts = {f"{table}.csv": "\n".join([header(table), *lines, ""]) for table, lines in tables.items()}
    return {"manifest.csv": manifest({**dict.fromkeys(tables, "bulk"), **(modes or {})}), **texts}


def write_zip(path: Path, files: Mapping[str, str | bytes]) -> Path:
    """A zip of these files."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def write_folder(path: Path, files: Mapping[str, str]) -> Path:
    """A folder of these files."""
    path.mkdir()
    for name, text in files.items():
        (path / name).write_text(text, encoding="utf-8", newline="")
    return path
