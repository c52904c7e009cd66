"""The numbered bad inputs, number by number: the verdict, and every finding where it belongs."""

from __future__ import annotations

import pytest

from rostersync.model import Severity
from rostersync.screening import screen
from tests.support.bad_inputs.bytes import short_rows
from tests.support.bad_inputs.files import Bad, Delivery
from tests.support.bad_inputs.nights import NIGHTS
from tests.support.bad_inputs.numbered import CASES
from tests.support.factories import DICTIONARY
from tests.support.reading_cases import read_bytes


def judged(delivery: Delivery) -> tuple[str, list[tuple[int | None, str | None, str]]]:
    """The verdict and the findings."""
    result = screen(read_bytes(delivery.content, **delivery.limits), DICTIONARY)
    rejected = any(finding.severity is Severity.ROW for finding in result.findings)
    verdict = "refused" if result.refused else "accepted_with_errors" if rejected else "accepted"
    return verdict, [finding.flat for finding in result.findings]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"B{case.number:02}")
def test_each_bad_input_gets_its_verdict(case: Bad) -> None:
    for delivery in case.deliveries:
        assert judged(delivery) == (delivery.verdict, delivery.findings), case.about


def test_no_number_is_left_out_or_twice() -> None:
    assert sorted([*(case.number for case in CASES), *NIGHTS]) == list(range(1, 101))


def test_a_million_rows_are_read() -> None:
    reading = read_bytes(short_rows(1_000_000))
    assert (reading.rows_read, reading.findings) == (1_000_000, ())
    assert reading.lines[-1] == 1_000_001
