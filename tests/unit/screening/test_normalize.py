"""Normalised cells, and rows that can be rebuilt from the landed bytes and the stored findings."""

from __future__ import annotations

import json
import subprocess
import sys

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rostersync import text_columns
from rostersync.catalogue.findings import make_finding
from rostersync.model import Finding, RawRow, Severity
from rostersync.screening import normalize, screen
from tests.support.factories import DICTIONARY, reading_of, removal, row, staff

SAME = {header: row(1)[header] for header in ("schoolId", "userId", "userDistrictId", "userStateId", "userEmail")}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def stored(finding: Finding) -> Finding:
    """The finding as the ledger gives it back."""
    kept = json.loads(json.dumps([finding.code, finding.severity, finding.line, finding.column, dict(finding.detail)]))
    return Finding(code=kept[0], severity=Severity(kept[1]), line=kept[2], column=kept[3], detail=kept[4])


def test_rows_are_rebuilt_from_stored_findings() -> None:
    rows = [
        row(1, userId=" a b"),
        row(2, classId="ä", userEmail="nobody"),
        row(3),
        removal("REMOVE-USER", 3),
        row(4),
        removal("REMOVE-CLASS", 4),
        row(5, userRole="Administrator", classGrade="KG"),
        staff(6, **SAME | {"userId": "000005", "userEmail": "PERSON5@example.org"}),
        row(7, schoolId="none"),
    ]
    reading = reading_of(*rows, raw_rows=[RawRow(line=40, text="x,y")])
    judged = screen(reading, DICTIONARY)
    again = normalize.staging_rows(reading, DICTIONARY, [stored(finding) for finding in judged.findings])
    pd.testing.assert_frame_equal(again, judged.rows)
    assert set(judged.rows.status) == {"accepted", "rejected"}


def test_rebuilding_needs_no_great_expectations() -> None:
    code = "import sys, rostersync.screening.normalize; sys.exit('great_expectations' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_rejected_rows_keep_the_keys_that_can_be_used() -> None:
    reading = reading_of(row(1, userId="a b", schoolId=" 0100 ", classId="C-1"))
    told = [make_finding("id-character", line=2, column="userId")]
    rows = normalize.staging_rows(reading, DICTIONARY, told)
    assert rows[["schoolId", "userId", "classId"]].to_numpy().tolist() == [["0100", "", "C-1"]]
    assert rows.status.tolist() == ["rejected"]


def test_a_conflict_leaves_the_keys_usable() -> None:
    told = [make_finding("row-conflict", line=2, column="schoolId")]
    rows = normalize.staging_rows(reading_of(row(1)), DICTIONARY, told)
    assert rows.schoolId.tolist() == ["0001"]


def test_findings_about_lines_that_are_no_rows_do_no_harm() -> None:
    told = [make_finding("cell-required", line=7, column="userId"), make_finding("row-blank", line=3)]
    assert normalize.staging_rows(reading_of(row()), DICTIONARY, told).status.tolist() == ["accepted"]
    assert len(normalize.staging_rows(reading_of(), DICTIONARY, told)) == 0


@pytest.mark.parametrize("column", DICTIONARY.columns, ids=lambda column: column.header)
@settings(deadline=None)
@given(words=st.lists(TEXT))
def test_cleaning_twice_is_cleaning_once(column, words: list[str]) -> None:
    once = normalize.clean(pa.array(words, pa.large_string()), column)
    assert normalize.clean(once, column).equals(once)


@settings(deadline=None)
@given(words=st.lists(TEXT))
def test_clean_text_has_no_spaces_at_its_ends_and_none_doubled(words: list[str]) -> None:
    clean = text_columns.tidy(pa.array(words, pa.large_string()), inner=True).to_pylist()
    assert all(word == word.strip(text_columns.SPACES) and "  " not in word for word in clean)


@settings(deadline=None)
@given(typed=st.lists(st.sampled_from(["a", "b", ""]), max_size=8), keep=st.data())
def test_cells_behave_like_a_column_of_text(typed: list[str], keep: st.DataObject) -> None:
    """Encoding, replacing and picking give what the plain list would."""
    column = text_columns.encode(pd.Series(typed, dtype="str"))
    mask = keep.draw(st.lists(st.booleans(), min_size=len(typed), max_size=len(typed)))
    kept = [word if keeps else "x" for word, keeps in zip(typed, mask, strict=True)]
    assert text_columns.texts(text_columns.where(column, pd.array(mask, dtype=bool), "x")).to_pylist() == kept
    blanked = [word if keeps else "" for word, keeps in zip(typed, mask, strict=True)]
    assert text_columns.texts(text_columns.where(column, pd.array(mask, dtype=bool), None)).to_pylist() == blanked
    assert text_columns.texts(
        text_columns.reword(column, text_columns.rename(column.dictionary, {"b": "a"}))
    ).to_pylist() == ["a" if word == "b" else word for word in typed]
