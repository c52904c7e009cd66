"""Who had an ID, when IDs are corrected and given to others."""

from __future__ import annotations

from rostersync.ledger import id_periods
from rostersync.model import Correction


def had(id_: str, *pairs: tuple[str, str]) -> list[list[tuple[str, int, int | None]]]:
    known = [Correction(change=10 * n, old=old, new=new) for n, (old, new) in enumerate(pairs, start=1)]
    return [[(each.id, each.since, each.until) for each in life] for life in id_periods(known, id_)]


def test_an_id_that_was_never_corrected_is_one_persons() -> None:
    assert had("a", ("x", "y")) == [[("a", 0, None)]]


def test_a_person_is_found_under_every_id_they_had() -> None:
    life = [("a", 0, 10), ("b", 10, 20), ("c", 20, None)]
    later = [("a", 10, None)]
    assert had("c", ("a", "b"), ("b", "c")) == [life]
    assert had("b", ("a", "b"), ("b", "c")) == [life, [("b", 20, None)]]
    assert had("a", ("a", "b"), ("b", "c")) == [life, later]


def test_two_people_who_had_the_same_id_one_after_the_other_are_two() -> None:
    assert had("a", ("a", "b"), ("a", "c")) == [
        [("a", 0, 10), ("b", 10, None)],
        [("a", 10, 20), ("c", 20, None)],
        [("a", 20, None)],
    ]


def test_an_id_that_was_given_back_is_the_same_persons() -> None:
    assert had("a", ("a", "b"), ("b", "a")) == [[("a", 0, 10), ("b", 10, 20), ("a", 20, None)]]
