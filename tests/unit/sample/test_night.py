"""Sample nights: the same from the same seed, valid where they should be, and broken as wished."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rostersync import pipeline
from rostersync.configuration import dictionary
from rostersync.exceptions import ConfigurationError
from rostersync.sample import big_file, faults, names, night, places, records, staff
from rostersync.sample.broken import BROKEN
from rostersync.sample.places import SampleDistrict
from tests.support.shared_data import ROOT, needs_data

ENDS = date(2027, 6, 30)
PLACE = SampleDistrict(code="oak", name="Oak", schools={"0100": "Oak Elementary", "0200": "Oak High"})


def rows_and_roster(count: int = 120, seed: int = 1) -> tuple[pd.DataFrame, records.Roster]:
    rng = np.random.default_rng(seed)
    roster = records.of_record(PLACE, names.committed(), rng)
    return staff.rows_of(PLACE, roster, dictionary.load_dictionary(), names.committed(), rng, count, ends=ENDS), roster


def test_rows_without_faults_are_accepted_entirely() -> None:
    rows, _ = rows_and_roster()
    checked = pipeline.check(staff.to_csv(rows), dictionary.load_dictionary())
    assert (checked.verdict, checked.findings) == ("accepted", ())
    assert checked.rows.read == len(rows) > 100


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    one, again, other = (staff.to_csv(rows_and_roster(seed=seed)[0]) for seed in (1, 1, 2))
    assert one == again != other


@pytest.mark.parametrize(
    ("today", "last"),
    [
        ("2026-11-29", "2027-06-30"),
        ("2027-05-31", "2027-06-30"),
        ("2027-06-01", "2028-06-30"),
        ("2027-07-01", "2028-06-30"),
    ],
)
def test_dated_assignments_end_with_the_school_year_and_are_never_over_soon(today: str, last: str) -> None:
    assert staff.end_of_school_year(date.fromisoformat(today)) == date.fromisoformat(last)
    rows, _ = rows_and_roster()
    assert set(rows["endDate"]) == {"", ENDS.isoformat()}


@pytest.mark.parametrize("kind", [kind for kind in faults.CELLS if kind not in faults.NEEDS])
def test_a_fault_of_one_cell_leads_to_the_finding_it_is_named_after(kind: str) -> None:
    rows, _ = rows_and_roster()
    single = rows[~rows["userId"].duplicated(keep=False)].reset_index(drop=True)
    faults._change_cells(single, np.array([3]), faults.CELLS[kind])
    found = {finding.code for finding in pipeline.check(staff.to_csv(single), dictionary.load_dictionary()).findings}
    roster_rules = {"action-target-unknown", "school-unknown"}
    assert found == (set() if kind in roster_rules else {kind})


def test_every_kind_of_fault_is_in_a_file_that_shows_them_all() -> None:
    place = places.demo()[1]
    rng = np.random.default_rng(7)
    roster = records.of_record(place, names.committed(), rng)
    rows = staff.rows_of(
        place, roster, dictionary.load_dictionary(), names.committed(), rng, place.rows or 0, ends=ENDS
    )
    data = faults.write_with(rows, faults.FaultContext(roster=roster), rng, 0, every_kind=True)
    found = {finding.code for finding in pipeline.check(data, dictionary.load_dictionary()).findings}
    assert {*faults.CELLS, *faults.LINES, "row-conflict", "row-duplicate", "role-both", "email-duplicate"} - found == {
        "action-target-unknown",
        "school-unknown",
    }


def test_what_is_told_of_a_file_is_what_is_read_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some faults are rows of their own: the demonstration said 43 rows, and its mail 47."""
    monkeypatch.setenv("ROSTERSYNC_STATE", str(tmp_path))
    place = places.demo()[1]
    rng = np.random.default_rng(7)
    roster = records.of_record(place, names.committed(), rng)
    rows = staff.rows_of(
        place, roster, dictionary.load_dictionary(), names.committed(), rng, place.rows or 0, ends=ENDS
    )
    sent = night._send(place, rows, faults.FaultContext(roster=roster), rng, 0)
    assert sent.rows == pipeline.check(sent.path.read_bytes(), dictionary.load_dictionary()).rows.read > len(rows)


def test_the_share_of_faulty_rows_is_the_one_asked_for() -> None:
    rows, roster = rows_and_roster(1000)
    data = faults.write_with(rows, faults.FaultContext(roster=roster), np.random.default_rng(1), 0.05)
    touched = set(data.split(b"\n")) - set(staff.to_csv(rows).split(b"\n"))
    assert 0.02 * len(rows) < len(touched) < 0.08 * len(rows)


@pytest.mark.parametrize("way", BROKEN)
def test_a_broken_file_is_refused(way: str) -> None:
    rows, _ = rows_and_roster(30)
    assert pipeline.check(BROKEN[way](staff.to_csv(rows)), dictionary.load_dictionary()).verdict == "refused"


def test_the_broken_header_has_faults_of_four_kinds() -> None:
    rows, _ = rows_and_roster(30)
    checked = pipeline.check(BROKEN["header"](staff.to_csv(rows)), dictionary.load_dictionary())
    assert {finding.code for finding in checked.findings} == {
        "header-misspelled",
        "header-capitalization",
        "header-missing",
        "header-unknown",
    }


def test_a_cell_is_quoted_only_where_it_must_be() -> None:
    rows = pd.DataFrame({"a": ["plain", "a,b", 'say "x"', "two\nlines", ""], "b": ["1", "2", "3", "4", "5"]})
    assert staff.to_csv(rows) == b'a,b\nplain,1\n"a,b",2\n"say ""x""",3\n"two\nlines",4\n,5\n'


def test_a_big_file_has_two_rows_per_person_and_four_per_class() -> None:
    big = big_file(400, fault_share=0)
    rows = [line.split(b",") for line in big.data.splitlines()]
    user, klass = rows[0].index(b"userId"), rows[0].index(b"classId")
    counts = [pd.Series([row[column] for row in rows[1:]]).value_counts() for column in (user, klass)]
    assert [set(count) for count in counts] == [{2}, {4}]
    assert pipeline.check(big.data, dictionary.load_dictionary()).findings == ()


def test_the_second_night_of_a_big_file_differs_in_the_share_asked_for() -> None:
    first, second = (big_file(4000, fault_share=0.01, changed_share=share).data for share in (0, 0.01))
    pairs = list(zip(first.splitlines(), second.splitlines(), strict=True))
    assert 10 < sum(one != other for one, other in pairs) < 90


def test_invented_districts_are_uneven_and_have_codes_of_their_own() -> None:
    made = places.invented(np.random.default_rng(3), 120)
    assert len({place.code for place in made}) == 120
    assert min(len(place.schools) for place in made) == 1 < 10 < max(len(place.schools) for place in made)


@needs_data
def test_national_lists_keep_leading_zeros_and_uneven_sizes() -> None:
    made = places.national(np.random.default_rng(7), 40, ROOT / "schools" / "us_schools_edge2014.csv.gz")
    sizes = sorted(len(place.schools) for place in made)
    assert len(made) == 40
    assert sizes[0] == 1 < 15 < sizes[-1]
    assert any(school.startswith("0") for place in made for school in place.schools)
    assert {len(school) for place in made for school in place.schools} == {12}


@needs_data
def test_people_of_the_national_lists_have_names_that_a_file_may_hold() -> None:
    people = names.national(ROOT / "names").people(np.random.default_rng(1), 3000)
    assert people["local"].str.fullmatch(r"[a-z0-9]+\.[a-z0-9]+").all()
    assert not people["first"].str.isascii().all()


def test_a_list_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="us_firstnames"):
        names.national(tmp_path)
    with pytest.raises(ConfigurationError, match="ncessch"):
        places.national(np.random.default_rng(1), 3, tmp_path / "schools.csv")
