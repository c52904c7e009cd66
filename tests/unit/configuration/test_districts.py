"""District files: defaults, digests, and faults that name file and field."""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from rostersync.configuration import dictionary, districts
from rostersync.configuration.district import Retention
from rostersync.configuration.waves import codes_of_wave, waves
from rostersync.exceptions import ConfigurationError
from rostersync.settings import PROJECT

PLAIN: dict[str, Any] = {
    "code": "maple",
    "name": "Maple Valley Unified",
    "state": "CA",
    "timezone": "America/Los_Angeles",
    "source": {"file": "maple"},
    "email_domains": ["maple.example.org"],
    "contacts": [{"address": "it@maple.example.org", "name": "IT desk"}],
}


@pytest.fixture
def include(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An include folder with two waves, the dictionary and no district."""
    (tmp_path / "districts").mkdir()
    shutil.copytree(PROJECT / "include" / "dictionary", tmp_path / "dictionary")
    entries = [{"name": "nightly", "cron": "30 1 * * *", "timezone": "America/New_York"}]
    entries.append({"name": "west", "cron": "0 4 * * *", "timezone": "America/Los_Angeles"})
    (tmp_path / "waves.yaml").write_text(yaml.safe_dump(entries))
    monkeypatch.setenv("ROSTERSYNC_INCLUDE", str(tmp_path))
    return tmp_path


def _write(include: Path, code: str = "maple", **changed: Any) -> None:
    raw = {**PLAIN, "code": code, "source": {"file": code}, **changed}
    (include / "districts" / f"{code}.yaml").write_text(yaml.safe_dump(raw))


def test_a_plain_district_has_the_designs_defaults(include: Path, own_environment: Path) -> None:
    _write(include)
    district = districts.load_district("maple")
    assert district.wave == "nightly"
    assert district.limits.max_rows == 5_000_000
    assert district.holds.removals == districts.Threshold(share=0.10, least=5)
    assert district.policies == districts.Policies(school_creation=False, fallback_encoding=True, after_read="keep")
    assert district.source.folder == own_environment / "inbox" / "maple"
    assert [c.address for c in district.recipients("problems")] == ["it@maple.example.org"]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"state": "California"}, "state"),
        ({"wave": "never"}, "wave"),
        ({"surprise": 1}, "surprise"),
        ({"source": {}}, "source"),
        ({"source": {"file": "a", "sftp": "b"}}, "source"),
        ({"source": {"file": "a", "pattern": "../users.csv"}}, "source.pattern"),
        ({"contacts": [{"address": "a@elsewhere.example.org", "name": "A"}]}, "contacts.0.address"),
        ({"contacts": [{"address": "a@evilmaple.example.org", "name": "A"}]}, "contacts.0.address"),
        ({"contacts": [{"address": "a@maple.example.org\nBcc: b@x.org", "name": "A"}]}, "contacts.0.address"),
        ({"contacts": PLAIN["contacts"] * 2}, "contacts"),
        ({"email_domains": ["Maple.example.org"]}, "email_domains.0"),
        ({"holds": {"removals": {"share": 10, "least": 5}}}, "holds.removals.share"),
        ({"blackouts": [{"start": "2026-08-10", "end": "2026-08-01"}]}, "blackouts.0"),
        ({"name": "two\nlines"}, "name"),
    ],
)
def test_a_fault_names_file_and_field_and_never_the_value(include: Path, changed: dict[str, Any], field: str) -> None:
    _write(include, **changed)
    with pytest.raises(ConfigurationError) as caught:
        districts.load_district("maple")
    assert caught.value.message.startswith(f"maple.yaml: {field}")
    assert "@" not in caught.value.message


@pytest.mark.parametrize("content", ["a: [", "- 1\n", "", "code: other\nname: x\nstate: CA\nsource: {file: x}\n"])
def test_a_file_that_is_no_district_is_a_configuration_error(include: Path, content: str) -> None:
    (include / "districts" / "maple.yaml").write_text(content)
    with pytest.raises(ConfigurationError, match=r"^\[configuration\] maple\.yaml: "):
        districts.load_district("maple")


@pytest.mark.parametrize("code", ["nowhere", "../waves", "", "A"])
def test_an_unknown_code_is_a_configuration_error(include: Path, code: str) -> None:
    with pytest.raises(ConfigurationError):
        districts.load_district(code)


def test_two_districts_may_not_share_an_inbox_and_all_faults_are_told(include: Path) -> None:
    _write(include, "birch", source={"file": "one"})
    _write(include, "maple", source={"file": "one"})
    _write(include, "oak", state="x")
    assert [line.split(":")[:2] for line in districts.problems()] == [["maple.yaml", " source"], ["oak.yaml", " state"]]
    with pytest.raises(ConfigurationError):
        districts.load_districts()


def test_load_all_is_sorted_and_has_the_disabled_ones(include: Path) -> None:
    for code in ("oak", "birch"):
        _write(include, code, enabled=code == "oak")
    assert list(districts.load_districts()) == ["birch", "oak"]


def test_a_wave_has_its_enabled_districts_and_the_first_wave_those_that_cannot_be_read(include: Path) -> None:
    _write(include, "oak")
    _write(include, "birch", enabled=False)
    _write(include, "maple", wave="west")
    _write(include, "elm", wave="never")
    (include / "districts" / "broken.yaml").write_text("a: [")
    assert codes_of_wave("nightly") == ["broken", "elm", "oak"]
    assert codes_of_wave("west") == ["maple"]


def test_the_projects_own_waves_are_readable() -> None:
    assert waves()[0].name == "nightly"


@pytest.mark.parametrize("content", ["", "[]", "- {name: a}", "a: [", "- 5"])
def test_broken_waves_are_a_configuration_error(include: Path, content: str) -> None:
    (include / "waves.yaml").write_text(content)
    with pytest.raises(ConfigurationError):
        waves()


def test_the_digest_changes_with_what_judges_and_with_nothing_else(include: Path) -> None:
    _write(include)
    plain = districts.load_district("maple")
    assert districts.configuration_digest(plain) == districts.configuration_digest(districts.load_district("maple"))
    for same in ({"contacts": []}, {"name": "Other"}, {"policies": {"after_read": "move"}}, {"wave": "west"}):
        _write(include, **same)
        assert districts.configuration_digest(districts.load_district("maple")) == districts.configuration_digest(plain)
    for other in ({"policies": {"school_creation": True}}, {"email_domains": []}, {"limits": {"max_rows": 5}}):
        _write(include, **{"contacts": [], **other})
        assert districts.configuration_digest(districts.load_district("maple")) != districts.configuration_digest(plain)


def test_a_district_that_pins_no_version_is_judged_by_the_current_one(include: Path) -> None:
    _write(include)
    current = districts.configuration_digest(districts.load_district("maple"))
    _write(include, dictionary_version=dictionary.load_dictionary().version)
    assert districts.configuration_digest(districts.load_district("maple")) == current


def test_a_blackout_includes_both_its_days(include: Path) -> None:
    _write(include, blackouts=[{"start": date(2026, 8, 1), "end": date(2026, 8, 3)}])
    district = districts.load_district("maple")
    days = (date(2026, 7, 31), date(2026, 8, 1), date(2026, 8, 3), date(2026, 8, 4))
    assert [district.in_blackout(day) for day in days] == [False, True, True, False]


@pytest.mark.parametrize(("number", "of", "held"), [(5, 100, False), (11, 100, True), (4, 10, False), (10, 100, False)])
def test_a_threshold_is_exceeded_only_when_share_and_number_are(number: int, of: int, held: bool) -> None:
    assert districts.Holds().removals.exceeded(number, of) is held


def test_the_part_for_dag_files_imports_nothing_heavy() -> None:
    script = (
        "import sys; from rostersync.configuration.waves import waves; waves();"
        "print({'pydantic', 'pandas', 'sqlalchemy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    "terms",
    [{"ledger": 60}, {"reports": 1096}, {"changes": 1096}, {"plans": 2000}, {"ledger": 30, "reports": 20, "plans": 10}],
)
def test_no_term_is_longer_than_the_ledger_that_it_refers_to(terms: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="ledger"):
        Retention.model_validate(terms)


@pytest.mark.parametrize(
    "terms",
    [{}, {"ledger": 400}, {"ledger": 20, "reports": 20, "plans": 20, "changes": 20}, {"raw_files": 3000}],
)
def test_terms_that_the_ledger_outlives_are_taken(terms: dict[str, int]) -> None:
    assert Retention.model_validate(terms).ledger == terms.get("ledger", 1095)
