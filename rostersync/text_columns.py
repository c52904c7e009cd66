"""One column of a file, each different text held once.

A column is a pyarrow dictionary array: `words` are the different texts, `codes` say which word each row has.
Everything that is a function of the text alone is computed on the words, so that a million rows cost no more than
their different texts. A null row is a cell whose text cannot be used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

# pyarrow's classes carry no annotations: a DictionaryArray, and the Array of its different texts.
Cells: TypeAlias = Any
Words: TypeAlias = Any
Mask = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int32]
Table = Mapping[str, Cells]

SPACES = " \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
"""All space separators of Unicode; tabs and line breaks are not among them."""

_RUN_OF_SPACES = f"[{SPACES}]{{2,}}"
_NO_BREAK_SPACES = "[\u00a0\u2007\u202f]"

SIGNS = (
    *("-", "--", "---", ".", "?", "n/a"),
    *(
        "\\n",
        "<na>",
        "<n/a>",
        "<null>",
        "<none>",
        "<blank>",
        "[null]",
        "[object object]",
        "(null)",
        "(none)",
        "(blank)",
    ),
)
"""Placeholders that no name can be: bare signs, and what programs write for nothing."""

PLACEHOLDERS = (
    *SIGNS,
    "–",
    "—",
    "??",
    "???",
    "na",
    "n.a.",
    "nan",
    "nil",
    "null",
    "none",
    "undefined",
)
"""Placeholders in other columns, case-folded (docs/dictionary.md: `N/A`, `null`, `none`, `-` …)."""


def encode(texts: pd.Series) -> Cells:
    """The cells of a text column."""
    return as_cells(pa.array(texts))


def as_cells(array: pa.Array | pa.ChunkedArray) -> Cells:
    """A dictionary array with int32 codes, in one piece."""
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if not pa.types.is_dictionary(array.type):
        array = pc.dictionary_encode(array.cast(pa.large_string()))
    return array


def of_frame(frame: pd.DataFrame, columns: Sequence[str]) -> dict[str, Cells]:
    """These dictionary columns of a frame made by `to_frame`."""
    return {name: as_cells(pa.array(frame[name].array)) for name in columns}


def to_frame(table: Table) -> pd.DataFrame:
    """A frame that shares the cells' memory."""
    series = {name: pd.Series(cells, dtype=pd.ArrowDtype(cells.type)) for name, cells in table.items()}
    return pd.DataFrame(series, copy=False)


def blanks(count: int) -> Cells:
    """A column of `count` blank cells."""
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int32)), pa.array([""], pa.large_string()))


def flags(truths: Mapping[str, Mask], count: int) -> Cells:
    """A column that says the word whose truth holds, else nothing."""
    places = np.zeros(count, np.int32)
    for place, truth in enumerate(truths.values(), start=1):
        places[truth] = place
    return pa.DictionaryArray.from_arrays(pa.array(places), pa.array(["", *truths], pa.large_string()))


def codes(cells: Cells) -> Codes:
    """Which word each row has; -1 where the cell cannot be used."""
    result: Codes = pc.fill_null(cells.indices, -1).to_numpy(zero_copy_only=False)
    return result


def spread(broken: npt.ArrayLike | pa.Array, cells: Cells) -> Mask:
    """A truth per word → a truth per row; unusable cells are False."""
    truths = np.asarray(broken, dtype=bool)
    if not len(truths):
        return np.zeros(len(cells), bool)
    places = codes(cells)
    hits: Mask = truths[places]
    return hits & (places >= 0) if cells.indices.null_count else hits


def reword(cells: Cells, words: Words) -> Cells:
    """The same rows with other words, which may now coincide."""
    if words.equals(cells.dictionary):
        return cells
    merged = pc.dictionary_encode(words)
    return pa.DictionaryArray.from_arrays(merged.indices.take(cells.indices), merged.dictionary)


def where(cells: Cells, keep: Mask, otherwise: str | None) -> Cells:
    """The cells where `keep`, else `otherwise` (None: unusable)."""
    if keep.all():
        return cells
    if otherwise is None:
        places = pa.array(codes(cells), mask=~keep | (codes(cells) < 0))
        return pa.DictionaryArray.from_arrays(places, cells.dictionary)
    words = pa.concat_arrays([cells.dictionary, pa.array([otherwise], cells.dictionary.type)])
    places = np.where(keep, codes(cells), np.int32(len(words) - 1)).astype(np.int32)
    return reword(pa.DictionaryArray.from_arrays(pa.array(places, mask=places < 0), words), pa.array(words))


def with_blanks(cells: Cells, count: int, order: npt.NDArray[np.int64]) -> Cells:
    """The cells and `count` blank ones after them, taken in this order; unusable cells are blank."""
    words = pa.concat_arrays([cells.dictionary, pa.array([""], cells.dictionary.type)])
    blank = np.int32(len(words) - 1)
    usable = np.where(codes(cells) < 0, blank, codes(cells))
    places = np.concatenate([usable, np.full(count, blank, np.int32)])[order]
    return pa.DictionaryArray.from_arrays(pa.array(places), words)


def pick(cells: Cells, rows: npt.NDArray[np.int64]) -> Cells:
    """Some rows, with only the words they need."""
    some = cells.take(pa.array(rows))
    used = pc.dictionary_encode(some.indices)
    return pa.DictionaryArray.from_arrays(used.indices, some.dictionary.take(used.dictionary))


def texts(cells: Cells) -> pa.Array:
    """One text per row; unusable cells are blank."""
    return pc.fill_null(cells.dictionary_decode(), "")


def are(words: Words, accepted: Sequence[str]) -> Mask:
    """Which words are among `accepted`."""
    return _mask(pc.is_in(words, value_set=pa.array(list(accepted), words.type)))


def match(words: Words, pattern: str) -> Mask:
    """Which words hold the RE2 pattern."""
    return _mask(pc.match_substring_regex(words, pattern))


def longer(words: Words, length: int) -> Mask:
    """Which words have more code points than `length`."""
    return _mask(pc.greater(pc.utf8_length(words), length))


def placeholders(words: Words, *, name: bool) -> Mask:
    """Which words stand for "nothing"; in name columns only bare signs do (Null, None and NA are surnames)."""
    return are(folded(words), SIGNS if name else PLACEHOLDERS)


def tidy(words: Words, *, inner: bool) -> Words:
    """Words without outer spaces; with `inner` also without doubled and no-break spaces inside."""
    trimmed = pc.utf8_trim(words, characters=SPACES)
    if not inner:
        return trimmed
    single = pc.replace_substring_regex(trimmed, _RUN_OF_SPACES, " ")
    return pc.replace_substring_regex(single, _NO_BREAK_SPACES, " ")


def compose(words: Words) -> Words:
    """Words in Unicode normalisation form C."""
    return pc.utf8_normalize(words, form="NFC")


def rename(words: Words, names: Mapping[str, str]) -> Words:
    """Words with those in `names` replaced."""
    if not names:
        return words
    places = pc.index_in(words, value_set=pa.array(list(names), words.type))
    return pc.coalesce(pa.array(list(names.values()), words.type).take(places), words)


def map_words(words: Words, judge: Callable[[str], bool], among: Mask | None = None) -> Mask:
    """Which words `judge` says True of; slow, so only `among` those that need it."""
    result = np.zeros(len(words), bool)
    places = np.arange(len(words)) if among is None else np.flatnonzero(among)
    result[places] = [judge(word) for word in words.take(pa.array(places)).to_pylist()]
    return result


def folded(words: Words) -> Words:
    """Words in lower case."""
    return pc.utf8_lower(words)


def changed(words: Words, others: Words) -> Mask:
    """Which words differ from their counterparts."""
    return _mask(pc.not_equal(words, others))


def plain(words: Words) -> Mask:
    """Which words are ASCII only."""
    return _mask(pc.string_is_ascii(words))


def _mask(truths: pa.Array) -> Mask:
    result: Mask = truths.to_numpy(zero_copy_only=False)
    return result
