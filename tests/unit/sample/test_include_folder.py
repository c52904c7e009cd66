"""The configuration folder of a sample night: made again at will, and never at the cost of what is somebody's own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from rostersync.configuration import districts
from rostersync.exceptions import ConfigurationError
from rostersync.sample.include_folder import write_include_folder
from rostersync.sample.places import SampleDistrict
from rostersync.settings import PROJECT


def places(*codes: str) -> list[SampleDistrict]:
    return [SampleDistrict(code=code, name=code.title(), schools={"0100": "Elm"}) for code in codes]


def content(folder: Path) -> Mapping[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def codes(include: Path, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    monkeypatch.setenv("ROSTERSYNC_INCLUDE", str(include))
    return set(districts.load_districts())


def test_a_folder_is_made_twice_after_its_own_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    include = write_include_folder(tmp_path, places("elm", "oak"))
    assert codes(include, monkeypatch) == {"elm", "oak"}
    before = content(include)
    assert write_include_folder(tmp_path, places("elm", "oak")) == include
    assert content(include) == before


def test_the_export_may_name_the_folder_in_other_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_include_folder(tmp_path / "real", places("elm"))
    (tmp_path / "link").symlink_to(tmp_path / "real")
    monkeypatch.setenv("ROSTERSYNC_INCLUDE", str(tmp_path / "link" / ".." / "real" / "include"))
    include = write_include_folder(tmp_path / "link", places("oak"))
    assert codes(include, monkeypatch) == {"oak"}


def test_a_smaller_night_leaves_no_district_of_the_larger_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_include_folder(tmp_path, places("elm", "oak", "ash"))
    assert codes(write_include_folder(tmp_path, places("ash")), monkeypatch) == {"ash"}


def test_a_district_that_somebody_added_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    include = write_include_folder(tmp_path, places("elm"))
    mine = (include / "districts" / "elm.yaml").read_text().replace("elm", "mine").replace("Elm", "Mine")
    (include / "districts" / "mine.yaml").write_text(mine)
    write_include_folder(tmp_path, places("oak"))
    assert codes(include, monkeypatch) == {"mine", "oak"}
    assert (include / "districts" / "mine.yaml").read_text() == mine


def test_a_district_of_somebodys_is_not_replaced_by_one_of_the_same_name(tmp_path: Path) -> None:
    include = write_include_folder(tmp_path, places("elm"))
    (include / "districts" / "oak.yaml").write_text("code: oak\n")
    before = content(include)
    with pytest.raises(ConfigurationError):
        write_include_folder(tmp_path, places("oak"))
    assert content(include) == before


@pytest.mark.parametrize("exported", [True, False])
def test_a_folder_of_somebodys_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exported: bool) -> None:
    mine = tmp_path / "include"
    (mine / "districts").mkdir(parents=True)
    (mine / "districts" / "mine.yaml").write_text("code: mine\n")
    (mine / "waves.yaml").write_text("[]\n")
    if exported:
        monkeypatch.setenv("ROSTERSYNC_INCLUDE", str(mine))
    before = content(mine)
    with pytest.raises(ConfigurationError):
        write_include_folder(tmp_path, places("elm"))
    assert content(mine) == before


def test_a_state_folder_inside_the_configuration_is_not_copied_into_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "districts").mkdir()
    (tmp_path / "waves.yaml").write_bytes((PROJECT / "include" / "waves.yaml").read_bytes())
    monkeypatch.setenv("ROSTERSYNC_INCLUDE", str(tmp_path))
    with pytest.raises(ConfigurationError):
        write_include_folder(tmp_path / "state" / "sample", places("elm"))
    assert not (tmp_path / "state").exists()


def test_the_projects_own_folder_is_never_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROSTERSYNC_INCLUDE", str(PROJECT / "include"))
    before = content(PROJECT / "include" / "districts")
    with pytest.raises(ConfigurationError):
        write_include_folder(PROJECT, places("elm"))
    assert content(PROJECT / "include" / "districts") == before
