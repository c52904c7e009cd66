"""Packages as they come: right ones, variants, other systems' files, broken archives, columns that are not read."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from rostersync.sources import check_package, package_archive
from tests.support.shared_data import ROOT, needs_data
from tests.support.source_packages import ROWS, header, manifest, package, write_folder, write_zip

VARIANTS = ROOT / "sources" / "oneroster_1p2_written" / "variants"
TOLERATED = "accepted"
WANTED = {
    "00_base": (TOLERATED, []),
    "01_in_folder": (TOLERATED, [(None, None, "package-folder")]),
    "02_active_in_bulk": (TOLERATED, [(2, "status", "cell-status-in-bulk")]),
    "03_header_order": (TOLERATED, [(1, None, "header-order")]),
    "04_bom": (TOLERATED, []),
    "05_lf_only": (TOLERATED, []),
    "06_ext_column_end": (TOLERATED, [(1, None, "header-ignored")]),
    "07_metadata_column_end": (TOLERATED, []),
    "08_manifest_1": (TOLERATED, [(2, None, "manifest-version-short")]),
    "09_dangling_user": ("refused", [(3, "userSourcedId", "reference-dangling")]),
    "10_dup_id": ("refused", [(3, "sourcedId", "id-duplicate")]),
    "14_grade_3": (TOLERATED, []),
    "16_org_cycle": ("refused", [(2, "parentSourcedId", "reference-circle")]),
    "17_missing_declared": ("refused", [(20, None, "manifest-mismatch")]),
    "19_enrollment_role_differs": (TOLERATED, []),
    "20_delta_enrollments": (TOLERATED, []),
    "21_delta_no_millis": (TOLERATED, []),
    "24_cp1252": ("refused", [(None, None, "file-encoding")]),
    "25_header_only_enrollments": ("held", [(None, None, "hold-header-only")]),
}
"""What the package as a whole decides; rules about cells are not among it."""


@needs_data
@pytest.mark.parametrize("name", WANTED)
def test_a_variant_has_its_verdict(name: str) -> None:
    checked = check_package(VARIANTS / f"{name}.zip")
    assert (checked.verdict, [finding.flat for finding in checked.findings]) == WANTED[name]


@needs_data
@pytest.mark.parametrize(
    ("name", "format_"),
    [
        ("canvas_sis_doc_samples", "Canvas"),
        ("microsoft_sds_v1_minimal", "Microsoft School Data Sync v1"),
        ("microsoft_sds_v2", "Microsoft School Data Sync v2"),
        ("microsoft_sds_v2_1", "Microsoft School Data Sync v2.1"),
    ],
)
def test_another_systems_files_are_named(name: str, format_: str) -> None:
    [finding] = check_package(ROOT / "rosters" / name).findings
    assert (finding.code, finding.detail["format"]) == ("package-foreign", format_)


@needs_data
def test_a_package_that_only_says_that_it_is_1_1_is_refused() -> None:
    checked = check_package(ROOT / "rosters" / "oneroster_1p1_base_csv")
    assert checked.verdict == "refused"
    assert (1, "schoolYear", "header-missing") in [finding.flat for finding in checked.findings]


def test_zip_and_folder_say_the_same(tmp_path: Path) -> None:
    zipped = check_package(write_zip(tmp_path / "package.zip", package()))
    folder = check_package(write_folder(tmp_path / "package", package()))
    assert zipped.verdict == folder.verdict == "accepted"
    assert zipped.to_json() == folder.to_json()
    assert {name: table.reading.rows_read for name, table in folder.tables.items()} == {
        name: len(rows) for name, rows in ROWS.items()
    }


def test_our_own_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "users.csv"
    file.write_text("action,schoolId,userId,firstName,lastName,userEmail,userRole\n", encoding="utf-8")
    [finding] = check_package(file).findings
    assert finding.code == "package-foreign"
    assert "users.csv" in finding.detail["format"]


def test_an_archive_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "package.zip", package())
    for size in (3, 100, path.stat().st_size // 2, path.stat().st_size - 1):
        cut = tmp_path / f"{size}.zip"
        cut.write_bytes(path.read_bytes()[:size])
        assert [finding.flat for finding in check_package(cut).findings] == [(None, None, "package-zip")]


def test_a_damaged_entry_is_refused(tmp_path: Path) -> None:
    path = write_zip(
        tmp_path / "package.zip",
        {"users.csv": os.urandom(5000), **{n: t for n, t in package().items() if n != "users.csv"}},
    )
    data = bytearray(path.read_bytes())
    data[200:240] = bytes(40)
    path.write_bytes(data)
    assert [finding.flat for finding in check_package(path).findings] == [(None, None, "package-zip")]


def test_a_link_is_refused(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "package", package())
    (folder / "more.csv").symlink_to("/etc/hostname")
    assert [finding.flat for finding in check_package(folder).findings] == [(None, None, "package-zip")]


def test_an_entry_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "package.zip", {**package(), "users.csv": bytes(300_001)})
    path.write_bytes(path.read_bytes().replace((300_001).to_bytes(4, "little"), (64).to_bytes(4, "little")))
    assert [finding.flat for finding in check_package(path).findings] == [(None, None, "package-zip")]


def test_an_entry_beyond_the_limit_refuses_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package_archive, "MAX_BYTES", 2 << 20)
    files = {**package(), "users.csv": os.urandom(1 << 20) + bytes(1 << 21)}
    assert [finding.flat for finding in check_package(write_zip(tmp_path / "p.zip", files)).findings] == [
        (None, None, "package-too-large")
    ]


def test_what_finder_adds_is_no_part_of_the_package(tmp_path: Path) -> None:
    files = {f"d/{name}": text for name, text in package().items()}
    path = write_zip(tmp_path / "package.zip", {**files, "__MACOSX/d/._orgs.csv": "x", "d/.DS_Store": "x"})
    assert [finding.flat for finding in check_package(path).findings] == [(None, None, "package-folder")]


def test_no_column_is_read_that_must_not_be(tmp_path: Path) -> None:
    unread = ("userIds", "sms", "phone", "agentSourcedIds", "password", "pronouns", "preferredGivenName")
    names = header("users").split(",")
    cells = dict(zip(names, ROWS["users"][0].split(","), strict=True)) | dict.fromkeys(unread, "Quillfeather")
    path = write_zip(
        tmp_path / "package.zip", {**package(), "demographics.csv": "sourcedId,birthDate\nt1,Quillfeather\n"}
    )
    assert check_package(path).verdict == "refused"  # the manifest says that there are none
    files = package(users=(",".join(cells[name] for name in names), ROWS["users"][1]))
    checked = check_package(write_zip(path, files))
    assert checked.verdict == "accepted"
    assert not set(checked.tables["users"].reading.frame.columns) & set(unread)
    for table in checked.tables.values():
        assert "Quillfeather" not in table.reading.frame.astype(str).to_csv()
    assert "Quillfeather" not in repr(checked.to_json())


def test_the_order_of_rows_decides_nothing(tmp_path: Path) -> None:
    many = [f"u{n},,,true,n{n},,A,B,,,,,,,,,,,,,," for n in range(50)]
    shuffled = np.random.default_rng(1).permutation(many)
    one = check_package(write_zip(tmp_path / "1.zip", package(users=(*ROWS["users"], *many))))
    other = check_package(write_zip(tmp_path / "2.zip", package(users=(*shuffled, *ROWS["users"]))))
    assert one.to_json() == other.to_json()


def test_a_delta_asks_the_roster(tmp_path: Path) -> None:
    rows = ("e3,active,2026-09-01T00:00:00.000Z,k9,s1,t1,teacher,,,",)
    files = package({"enrollments": "delta", "classes": "delta"}, enrollments=rows)
    checked = check_package(write_zip(tmp_path / "package.zip", files))
    assert checked.verdict == "accepted"
    assert [(each.code, each.file, each.column, each.rows) for each in checked.pending] == [
        ("delta-without-base", "classes.csv", None, 1),
        ("reference-dangling", "enrollments.csv", "classSourcedId", 1),
    ]


def test_a_rows_parent_may_stand_below_it(tmp_path: Path) -> None:
    files = package(orgs=tuple(reversed(ROWS["orgs"])))
    assert check_package(write_zip(tmp_path / "package.zip", files)).findings == ()


def test_a_version_1_1_package_is_read_by_its_own_dictionary(tmp_path: Path) -> None:
    users = "\n".join([header("users", "1.1"), "t1,,,true,s1,teacher,t1,,Ann,Lee,,,,,,,,", ""])
    tables = {f"{name}.csv": text for name, text in package().items() if name not in ("roles.csv", "manifest.csv")}
    files = {name.removesuffix(".csv"): text for name, text in tables.items()}
    rows = ("e1,,,k1,s1,t1,teacher,true,,",)
    files |= {"users.csv": users, "enrollments.csv": "\n".join([header("enrollments"), *rows, ""])}
    files["manifest.csv"] = manifest(dict.fromkeys([n for n in ROWS if n != "roles"], "bulk"), "1.1")
    checked = check_package(write_zip(tmp_path / "package.zip", files))
    assert (checked.format, checked.findings) == ("oneroster-1.1", ())


def test_a_row_that_is_there_but_cannot_be_read_is_not_missing(tmp_path: Path) -> None:
    files = package(users=(ROWS["users"][0], "p1,,,true,p1,,Bo,Ray,,,,,,,03,,,,,,s1,,one,too,many"))
    checked = check_package(write_zip(tmp_path / "package.zip", files))
    assert [finding.flat for finding in checked.findings] == [(3, None, "row-cell-count")]
    assert checked.verdict == "accepted_with_errors"
