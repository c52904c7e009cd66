"""The suite is what the dictionary says, as committed, and every file rule about rows is in it."""

from __future__ import annotations

import json

import great_expectations as gx
import pytest

from rostersync.catalogue.findings import finding_texts
from rostersync.screening import suite
from rostersync.screening.gx_expectations import CLASSES, RULES
from rostersync.settings import include_path
from tests.support.factories import DICTIONARY

BUILT = suite.build_suite(DICTIONARY)["expectations"]
BY_READER = {"row-cell-count", "row-blank", "row-short", "row-repeated-header", "cell-number"}


def test_the_committed_suite_is_the_dictionarys() -> None:
    assert include_path("expectations", "users.json").read_text(encoding="utf-8") == suite.suite_text(DICTIONARY)


def test_great_expectations_reads_the_suite() -> None:
    read = gx.ExpectationSuite(**json.loads(suite.suite_text(DICTIONARY)))
    assert len(read.expectations) == len(BUILT)
    assert all(type(expectation) in CLASSES.values() for expectation in read.expectations)


def test_every_file_rule_about_rows_is_an_expectation() -> None:
    rules = {
        code for code, entry in finding_texts().items() if entry.by == "F" and not code.startswith(("file-", "header-"))
    }
    assert {expectation["meta"]["code"] for expectation in BUILT} == rules - BY_READER


def test_each_expectation_says_what_it_demands_in_the_words_of_the_dictionary() -> None:
    said = {(e["meta"]["code"], e["meta"]["severity"]): e["description"] for e in BUILT}
    assert "; userRole: one of Teacher, Administrator; " in said["value-not-allowed", "row"]
    assert said["date-order", "row"] == "endDate: not before startDate"
    assert said["role-student", "row"] == "userRole: not Student"
    for expectation in BUILT:
        # Data Docs put values in place of what follows a dollar sign.
        assert "$" not in expectation["description"]
        assert expectation["notes"][0].startswith(f"{expectation['meta']['code']} (")


@pytest.mark.parametrize("expectation", BUILT, ids=lambda e: f"{e['type']}-{e['meta']['severity']}")
def test_a_sentence_names_the_columns_it_is_about(expectation) -> None:
    columns = expectation["meta"]["columns"]
    named = [header for header in columns if header in expectation["description"]]
    assert (
        named == columns or "every" in expectation["description"] or expectation["meta"]["code"] == "action-incomplete"
    )


def test_a_column_that_is_added_enters_the_sentences() -> None:
    middle = DICTIONARY.by_header["userMiddleName"]
    added = middle.model_copy(update={"header": "userPreferredName", "attribute": "preferred_name", "max_length": 41})
    more = DICTIONARY.model_copy(update={"columns": (*DICTIONARY.columns, added)})
    said = {e["meta"]["code"]: e["description"] for e in suite.build_suite(more)["expectations"]}
    assert "userPreferredName: at most 41 characters" in said["cell-too-long"]


def test_every_rule_is_used() -> None:
    assert {expectation["type"] for expectation in BUILT} == set(RULES) == set(CLASSES)


@pytest.mark.parametrize("expectation", BUILT, ids=lambda e: f"{e['type']}-{e['meta']['severity']}")
def test_an_expectation_says_what_it_finds(expectation) -> None:
    meta = expectation["meta"]
    assert meta["severity"] in finding_texts()[meta["code"]].severities
    assert meta["stage"] in suite.STAGES
    assert set(meta["columns"]) <= set(DICTIONARY.headers)
    assert len(expectation["kwargs"]["column_list"]) > 1


@pytest.mark.parametrize("column", DICTIONARY.columns, ids=lambda column: column.header)
def test_every_column_is_judged(column) -> None:
    """Each column has rules of its own kind, besides those about any cell."""
    codes = {e["meta"]["code"] for e in BUILT if column.header in e["meta"]["columns"]}
    own = {
        "id": "id-character" if column.characters != "any" else "cell-spreadsheet-damage",
        "text": "cell-mojibake",
        "choice": "value-not-allowed",
        "email": "email-invalid",
        "date": "date-invalid",
        "blank": "grade-for-staff",
    }
    assert {"cell-character", "cell-trimmed", "cell-placeholder", own[column.kind]} <= codes
    assert ("cell-required" in codes) == (column.need == "required")
    assert ("class-incomplete" in codes) == (column.header in DICTIONARY.class_group.needs)
    assert ("row-conflict" in codes) == (
        column.header == "schoolId" or bool(column.attribute and not column.key and not column.wins)
    )
