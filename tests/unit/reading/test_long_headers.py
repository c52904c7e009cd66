"""Headers as long as a file, and thousands of them: what is done for a name does not grow with its length."""

from __future__ import annotations

from collections import Counter

import pytest

from rostersync.configuration import dictionary
from rostersync.reading import header
from rostersync.reading.header import MAX_NAME, check_headers

DICTIONARY = dictionary.load_dictionary()
MEGABYTE = 1_000_000


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Letters that were looked up, and letters that were compared with those of headers."""
    counted: Counter[str] = Counter()
    category, similarity = header.unicodedata.category, header.OSA.normalized_similarity

    class Unicode:
        name = staticmethod(header.unicodedata.name)

        @staticmethod
        def category(letter: str) -> str:
            counted["looked up"] += 1
            return category(letter)

    class Similarity:
        @staticmethod
        def normalized_similarity(one: str, other: str) -> float:
            counted["compared"] += len(one)
            return similarity(one, other)

    monkeypatch.setattr(header, "unicodedata", Unicode)
    monkeypatch.setattr(header, "OSA", Similarity)
    return counted


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("x" * MEGABYTE, "header-unknown"),
        ("a1\u00e9 " * (MEGABYTE // 4), "header-unknown"),
        ("userEmail" + "\u200b" * MEGABYTE, "header-whitespace"),
    ],
)
def test_a_name_of_a_megabyte_is_judged_by_its_different_letters_and_told_by_its_first(
    name: str, code: str, work: Counter[str]
) -> None:
    present = [h for h in DICTIONARY.headers if h != "userEmail" or code != "header-whitespace"]
    found = check_headers([*present, name], 1, DICTIONARY).findings
    assert [finding.code for finding in found] == [code]
    assert len(found[0].column or "") <= MAX_NAME + 1
    assert work["looked up"] < 2_000
    assert work["compared"] < 50 * MAX_NAME


def test_eight_thousand_long_names_are_compared_letter_by_letter_within_a_bound(work: Counter[str]) -> None:
    names = [f"h{number}" + "y" * 5_000 for number in range(8_000)]
    found = check_headers(names, 1, DICTIONARY).findings
    codes = Counter(finding.code for finding in found)
    assert set(codes) == {"header-unknown", "header-missing"}
    assert codes["header-unknown"] == header.MAX_FAULTS
    # Each name once with each header that is missing, and the told ones once more, never more than their beginning.
    pairs = (len(names) + header.MAX_FAULTS) * len(DICTIONARY.headers)
    assert work["compared"] <= pairs * MAX_NAME


def test_a_name_within_a_long_one_is_still_found() -> None:
    rest = [h for h in DICTIONARY.headers if h != "userEmail"]
    found = check_headers([*rest, "the userEmail " + "of somebody " * 10], 1, DICTIONARY).findings
    assert [(finding.code, finding.detail.get("suggestion")) for finding in found] == [
        ("header-misspelled", "userEmail")
    ]
