"""E-mail addresses: the quick test never says more than the validator, keys are stable, reasons never fail."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rostersync.screening import email_addresses
from rostersync.screening.email_addresses import fold

LETTERS = st.sampled_from("aZ0-._'+&@xn ")
NEARLY = st.one_of(
    st.text(LETTERS, max_size=20),
    st.builds("{}@{}".format, st.text(LETTERS, max_size=70), st.text(LETTERS, max_size=70)),
    st.builds("{}@{}.{}".format, st.text("a.-'", max_size=5), st.text("b.-", max_size=5), st.text("abc-1", max_size=4)),
    st.emails(),
)


@settings(deadline=None)
@given(words=st.lists(NEARLY, min_size=1, max_size=40))
@example(words=["a@b.local", "a@localhost.test", "a@xn--a.org", "a@b--c.org", "a.-b@c.org", "a@ab--c.org"])
def test_what_the_pattern_takes_is_valid(words: list[str]) -> None:
    plain = email_addresses.plainly_valid(pa.array(words, pa.large_string()))
    assert [word for word, taken in zip(words, plain, strict=True) if taken and not fold(word)] == []


@settings(deadline=None)
@given(words=st.lists(NEARLY, max_size=20))
def test_columns_are_folded_as_single_addresses_are(words: list[str]) -> None:
    column = pa.array(words, pa.large_string())
    assert email_addresses.fold_all(column).to_pylist() == [fold(word) for word in words]
    assert email_addresses.invalid(column).tolist() == [bool(word) and not fold(word) for word in words]


@settings(deadline=None)
@given(address=st.emails())
def test_a_key_is_its_own_key(address: str) -> None:
    assert fold(fold(address)) == fold(address)


@settings(deadline=None)
@given(address=st.one_of(NEARLY, st.text(max_size=30)))
def test_there_is_always_a_reason_and_it_quotes_nothing(address: str) -> None:
    assert email_addresses.why_invalid(address) in {reason for _, reason in email_addresses._REASONS}


@pytest.mark.parametrize("address", ["a@例え.jp", "a@пример.рф", "a@münchen.de", "plain@example.org"])
def test_whole_words_of_one_alphabet_are_no_look_alikes(address: str) -> None:
    assert not email_addresses.mixes_scripts(address)


@pytest.mark.parametrize("address", ["a@exаmple.org", "аb@example.org", "a@αbc.org"])
def test_letters_of_two_alphabets_in_one_word_are(address: str) -> None:
    assert email_addresses.mixes_scripts(address)
