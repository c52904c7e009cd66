"""The dictionary's own consistency."""

from __future__ import annotations

import pytest

from rostersync.catalogue.findings import finding_texts
from rostersync.configuration import dictionary
from rostersync.exceptions import ConfigurationError
from tests.support.factories import DICTIONARY, flat, row

COLUMNS = DICTIONARY.columns


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.header)
def test_a_column_is_consistent(column) -> None:
    assert column.description
    assert bool(column.accepted) == (column.kind == "choice")
    assert set(column.aliases.values()) <= set(column.accepted)
    assert set(column.forbidden.values()) <= set(finding_texts())
    assert column.wins is None or column.wins in column.accepted
    assert (column.max_length is not None) == (column.kind in ("id", "text", "email"))


def test_headers_are_unique() -> None:
    assert len({column.header.lower() for column in COLUMNS}) == len(COLUMNS)


def test_other_parts_name_columns_of_the_dictionary() -> None:
    group = DICTIONARY.class_group
    keys = {key for action in DICTIONARY.actions.values() for key in action.keys}
    assert {*group.opens, *group.opens_when, *group.needs, *keys} <= set(DICTIONARY.headers)
    assert set(DICTIONARY.actions) == set(DICTIONARY.by_header["action"].accepted)


def test_the_examples_make_a_valid_row() -> None:
    assert flat({column.header: column.example for column in COLUMNS}, row(2)) == []


def test_an_unknown_version_is_a_matter_of_configuration() -> None:
    with pytest.raises(ConfigurationError):
        dictionary.load_dictionary("9.9")
