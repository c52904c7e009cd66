"""Generated documents are committed as generated, and say everything."""

from __future__ import annotations

import pytest

from rostersync import documentation
from rostersync.catalogue.findings import finding_texts
from rostersync.reading import read
from rostersync.reporting.attachments import template_bytes
from tests.support.factories import DICTIONARY


def test_generated_files_are_up_to_date() -> None:
    assert list(documentation.stale()) == []


@pytest.mark.parametrize("header", DICTIONARY.headers)
def test_every_column_is_documented(header: str) -> None:
    assert all(header in write(DICTIONARY) for write in documentation.WRITERS.values())


@pytest.mark.parametrize("code", finding_texts())
def test_every_code_is_documented(code: str) -> None:
    assert f"## {code}\n" in documentation.errors()


def test_the_template_is_a_file_without_rows() -> None:
    reading = read(template_bytes(DICTIONARY), DICTIONARY, max_bytes=1 << 20, max_rows=10)
    assert [finding.code for finding in reading.findings] == ["file-header-only"]
