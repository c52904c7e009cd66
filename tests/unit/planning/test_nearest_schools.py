"""The nearest school that is offered for an unknown one, also when a whole column is unknown."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from rostersync.planning import finding_details
from rostersync.planning.finding_details import MAX_COMPARED, nearest_of


def test_zeros_and_case_make_no_difference_and_a_slip_is_near() -> None:
    known = ["00310", "0310", "Elm-1", "Oak-22"]
    nearest = nearest_of(["310", "ELM-1", "oak-21", "nowhere"], known)
    assert nearest == {"310": "00310", "ELM-1": "Elm-1", "oak-21": "Oak-22", "nowhere": "none"}


def test_a_wrong_column_is_not_compared_with_every_school(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: Counter[str] = Counter()
    extract = finding_details.process.extractOne

    def counted(query: str, choices: Any, **options: Any) -> Any:
        compared["pairs"] += len(choices)
        return extract(query, choices, **options)

    monkeypatch.setattr(finding_details.process, "extractOne", counted)
    known = [f"{number:06d}" for number in range(1_000)]
    # The last one has only lost its zeros: it is recognised however many stand before it.
    nearest = nearest_of([*(f"name-{number}" for number in range(20_000)), "999"], known)
    assert len(nearest) == 20_001
    assert nearest["999"] == "000999"
    assert compared["pairs"] == MAX_COMPARED * len(known)
