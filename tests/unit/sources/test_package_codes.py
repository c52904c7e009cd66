"""Each code of the catalogue that is about packages, shown by a minimal package."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rostersync.catalogue.findings import finding_texts, message, resolution
from rostersync.sources import check_package
from tests.support.source_packages import ROWS, header, package, write_zip

Files = dict[str, str | bytes]


def changed(name: str, old: str, new: str) -> Files:
    """The right package with one text of one file replaced."""
    files = package()
    assert old in files[name]
    return {**files, name: files[name].replace(old, new, 1)}


def without(name: str) -> Files:
    files = package()
    del files[name]
    return {**files}


CASES: dict[str, tuple[Files, list[tuple]]] = {
    "package-zip": ({**package(), "more.zip": "PK"}, [(None, None, None, "file")]),
    "package-zip in folders": (
        {"a/orgs.csv": header("orgs"), "b/users.csv": header("users")},
        [(None, None, None, "file")],
    ),
    "package-zip of two cases": ({**package(), "Orgs.csv": header("orgs")}, [(None, None, None, "file")]),
    "package-zip outside": ({"../orgs.csv": header("orgs")}, [(None, None, None, "file")]),
    "package-too-large": ({**package(), "orgs.csv": b"x" * (8 << 20)}, [(None, None, None, "file")]),
    "package-too-large of files": ({f"{n}.csv": "" for n in range(65)}, [(None, None, None, "file")]),
    "package-foreign": ({"School.csv": "SIS ID,Name\n1,A\n"}, [(None, None, None, "file")]),
    "package-foreign of Clever": (
        {"schools.csv": "School_id,School_name,School_number\n"},
        [(None, None, None, "file")],
    ),
    "package-folder": ({f"district/{name}": text for name, text in package().items()}, [(None, None, None, "remark")]),
    "package-file-empty": (package(users=()), [("users.csv", None, None, "file")]),
    "package-file-empty of courses": (package(courses=()), [("courses.csv", None, None, "remark")]),
    "manifest-missing": (without("manifest.csv"), [(None, None, None, "file")]),
    "manifest-header": (
        changed("manifest.csv", "propertyName,value", "propertyName,propertyValue"),
        [("manifest.csv", 1, None, "file")],
    ),
    "manifest-version": (
        changed("manifest.csv", "oneroster.version,1.2", "oneroster.version,1.2.1"),
        [("manifest.csv", 3, None, "file")],
    ),
    "manifest-version-short": (
        changed("manifest.csv", "manifest.version,1.0", "manifest.version,1"),
        [("manifest.csv", 2, None, "remark")],
    ),
    "manifest-mode": (
        changed("manifest.csv", "file.orgs,bulk", "file.orgs,full"),
        [("manifest.csv", 15, None, "file")],
    ),
    "manifest-mismatch": (without("courses.csv"), [("manifest.csv", 9, None, "file")]),
    "manifest-mismatch undeclared": (
        changed("manifest.csv", "file.courses,bulk", "file.courses,absent"),
        [("manifest.csv", 9, None, "file")],
    ),
    "manifest-unnamed": (
        changed("manifest.csv", "file.results,absent\n", ""),
        [("manifest.csv", None, None, "remark")],
    ),
    "manifest-unknown": (
        changed("manifest.csv", "source.systemName,try", "file.pets,absent"),
        [("manifest.csv", 25, None, "remark")],
    ),
    "header-order": (
        {
            **package(),
            "roles.csv": "role,userSourcedId,roleType,orgSourcedId,sourcedId,status,dateLastModified,beginDate,"
            "endDate,userProfileSourcedId\nteacher,t1,primary,s1,r1,,,,,\n",
        },
        [("roles.csv", 1, None, "remark")],
    ),
    "header-absent": (
        changed("orgs.csv", header("orgs"), header("orgs").replace(",identifier", ",metadata.x")),
        [("orgs.csv", 1, None, "remark")],
    ),
    "header-ignored": (
        changed("orgs.csv", header("orgs"), f"{header('orgs')},ext_x"),
        [("orgs.csv", 1, None, "remark")],
    ),
    "cell-status-in-bulk": (changed("users.csv", "\np1,,", "\np1,active,"), [("users.csv", 3, "status", "remark")]),
    "cell-deleted-in-bulk": (changed("users.csv", "\np1,,", "\np1,tobedeleted,"), [("users.csv", 3, "status", "file")]),
    "id-duplicate": (package(orgs=(*ROWS["orgs"], ROWS["orgs"][1])), [("orgs.csv", 4, "sourcedId", "file")]),
    "reference-dangling": (
        changed("classes.csv", ",y26,", ',"y26,y27",'),
        [("classes.csv", 2, "termSourcedIds", "file")],
    ),
    "reference-circle": (
        changed("orgs.csv", "0600001,", "0600001,s1"),
        [("orgs.csv", 2, "parentSourcedId", "file")],
    ),
    "row-rejected-share": (
        package(users=(*ROWS["users"], *(f"u{n},,,true" for n in range(3)))),
        [("users.csv", None, None, "file")],
    ),
    "hold-header-only": (package(enrollments=()), [("enrollments.csv", None, None, "hold")]),
}


@pytest.mark.parametrize("name", CASES)
def test_a_code_is_shown_by_a_package(tmp_path: Path, name: str) -> None:
    files, wanted = CASES[name]
    checked = check_package(write_zip(tmp_path / "package.zip", files))
    code = name.partition(" ")[0]
    found = [(each.file, each.line, each.column, each.severity.value) for each in checked.findings if each.code == code]
    assert found == wanted
    # Rows that are short of a cell say so.
    assert {each.code for each in checked.findings} <= {code, "row-short", "row-cell-count"}


@pytest.mark.parametrize("name", CASES)
def test_its_sentences_are_whole_and_quote_no_cell(tmp_path: Path, name: str) -> None:
    checked = check_package(write_zip(tmp_path / "package.zip", CASES[name][0]))
    for finding in checked.findings:
        said = message(finding) + resolution(finding)
        assert finding.value is None
        assert not re.search(r"[{}…]|None|  ", said)


def test_every_code_about_packages_is_shown() -> None:
    wanted = {code for code, entry in finding_texts().items() if entry.by == "P"}
    assert {name.partition(" ")[0] for name in CASES} == wanted
