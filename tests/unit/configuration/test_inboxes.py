"""Two districts never read one file: however their inboxes are written, linked or matched by patterns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from rostersync.cli.commands import doctor
from rostersync.configuration import districts
from rostersync.configuration.district import Source
from rostersync.configuration.inboxes import overlapping_inboxes, patterns_overlap
from rostersync.transports import account


def overlap(one: dict[str, Any], other: dict[str, Any], **options: Any) -> bool:
    sources = {"birch": Source.model_validate(one), "maple": Source.model_validate(other)}
    found = overlapping_inboxes(sources, **options)
    assert found in ({}, {"birch": ["maple"], "maple": ["birch"]})
    return bool(found)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An inbox with links to it, a folder beside it, and one that is not there."""
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "in")
    (tmp_path / "above").symlink_to(tmp_path)
    return tmp_path


@pytest.mark.parametrize("other", ["in", "./in", "in/", "out/../in", "link", "above/in", "above/link/."])
def test_one_folder_is_one_inbox_however_it_is_written(folder: Path, other: str) -> None:
    assert overlap({"file": f"{folder}/in"}, {"file": f"{folder}/{other}"})


@pytest.mark.parametrize("other", ["out", "none", "In", "in2"])
def test_other_folders_are_other_inboxes(folder: Path, other: str) -> None:
    assert not overlap({"file": f"{folder}/in"}, {"file": f"{folder}/{other}"})


def test_a_workbook_has_one_district_as_well(folder: Path) -> None:
    inbox = {"file": f"{folder}/in"}
    assert overlap(inbox | {"pattern": "*.csv"}, inbox | {"pattern": "users.xlsx"})
    assert overlap(inbox | {"pattern": "maple.csv"}, inbox | {"pattern": "*.xlsx"})
    assert not overlap(inbox | {"pattern": "maple.csv"}, inbox | {"pattern": "birch.xlsx"})


def test_relative_folders_are_below_the_states_inbox(own_environment: Path) -> None:
    (own_environment / "inbox" / "in").mkdir(parents=True)
    assert overlap({"file": "in"}, {"file": f"{own_environment}/inbox/in"})
    assert overlap({"file": "missing"}, {"file": "./missing/"})
    assert not overlap({"file": "in"}, {"file": "missing"})


@pytest.mark.parametrize("one", ["in", "./in", "/in", "in/", "//in/", "x/../in"])
def test_one_folder_of_a_server_is_one_inbox(one: str) -> None:
    assert overlap({"sftp": "shared", "directory": one}, {"sftp": "Shared", "directory": "in"})
    assert not overlap({"sftp": "shared", "directory": one}, {"sftp": "other", "directory": "in"})
    assert not overlap({"sftp": "shared", "directory": one}, {"sftp": "shared", "directory": "in/maple"})


def test_two_connections_with_one_login_are_one_server(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, host, user in (
        ("A", "sftp.example.org", "x"),
        ("B", "SFTP.example.org.", "x"),
        ("C", "sftp.example.org", "y"),
    ):
        login = {"host": host, "user": user, "host_key": "k"}
        monkeypatch.setenv(f"ROSTERSYNC_SFTP_{name}", json.dumps(login))
    inbox = {"directory": "in"}
    assert overlap({"sftp": "a"} | inbox, {"sftp": "b"} | inbox, account=account)
    assert not overlap({"sftp": "a"} | inbox, {"sftp": "c"} | inbox, account=account)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("users.csv", "users.csv", True),
        ("users.csv", "*.csv", True),
        ("users*.csv", "*north.csv", True),
        ("users-?.csv", "users-1.csv", True),
        ("users-[0-9].csv", "users-[5-9]*", True),
        ("*a*b*", "*b*a*", True),
        ("maple-*.csv", "birch-*.csv", False),
        ("users.csv", "Users.csv", False),
        ("users-?.csv", "users-10.csv", False),
        ("users-[0-4].csv", "users-[5-9].csv", False),
        ("users-[!a].csv", "users-a.csv", False),
        ("*.csv", "*.txt", False),
    ],
)
def test_patterns_overlap_when_one_name_matches_both(folder: Path, one: str, other: str, expected: bool) -> None:
    assert patterns_overlap(one, other) is expected
    assert patterns_overlap(other, one) is expected
    place = {"file": f"{folder}/in"}
    assert overlap(place | {"pattern": one}, place | {"pattern": other}) is expected


@pytest.mark.parametrize("written", ["in/processed", "in/reports", "link/reports"])
def test_an_inbox_is_not_where_another_districts_run_writes(folder: Path, written: str) -> None:
    assert overlap({"file": f"{folder}/in"}, {"file": f"{folder}/{written}"})
    assert overlap({"sftp": "s", "directory": "in", "reports": "/out"}, {"sftp": "s", "directory": "out"})


def test_many_stars_are_compared_quickly() -> None:
    assert not patterns_overlap("*a" * 60 + "x", "*a" * 60 + "y")


def test_doctor_names_both_districts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    include = folder / "include"
    (include / "districts").mkdir(parents=True)
    wave = {"name": "nightly", "cron": "30 1 * * *", "timezone": "America/New_York"}
    (include / "waves.yaml").write_text(yaml.safe_dump([wave]))
    for code, place in (("birch", "in"), ("maple", "link"), ("oak", "out")):
        raw = {"code": code, "name": code, "state": "CA", "source": {"file": f"{folder}/{place}"}}
        (include / "districts" / f"{code}.yaml").write_text(yaml.safe_dump(raw))
    monkeypatch.setenv("ROSTERSYNC_INCLUDE", str(include))
    [line] = doctor._districts()
    assert line.mark is doctor.Mark.WRONG
    assert "birch" in line.what
    assert "maple" in line.what
    assert districts.districts_with_shared_inboxes() == {"birch": ["maple"], "maple": ["birch"]}
