"""Rows that share a key, as numbers: what expectations about several rows are made of."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pandas as pd

from rostersync import text_columns as c
from rostersync.screening.rules.required import is_blank
from rostersync.text_columns import Mask, Table

Groups = npt.NDArray[np.int64]


def numbered(*parts: npt.NDArray[np.integer]) -> Groups:
    """A number for each row; rows that are equal in all parts have the same."""
    whole: Groups = parts[0].astype(np.int64)
    for part in parts[1:]:
        width = part.max(initial=0) + 1
        if width > 1:
            whole = pd.factorize(whole * width + part)[0].astype(np.int64)
    return whole


def group(table: Table, key: Iterable[str]) -> Groups:
    """A number for each row's key; -1 where a part of it is blank or unusable."""
    headers = list(key)
    missing = np.logical_or.reduce([is_blank(table, h) | (c.codes(table[h]) < 0) for h in headers])
    return np.where(missing, -1, numbered(*(c.codes(table[h]) for h in headers)))


def disagreeing(groups: Groups, statements: npt.NDArray[np.int32]) -> Mask:
    """Rows of groups (≥ 0) in which two different statements (≥ 0) are made."""
    speak = (groups >= 0) & (statements >= 0)
    one = np.full(groups.max(initial=-1) + 2, -1, np.int64)
    one[groups[speak]] = statements[speak]
    apart = np.zeros(len(one), bool)
    apart[groups[speak & (one[groups] != statements)]] = True
    result: Mask = apart[groups] & (groups >= 0)
    return result


def shared(groups: Groups, some: Mask, others: Mask) -> Mask:
    """Rows of `some` and `others` whose group has members of both."""
    seen = [np.zeros(groups.max(initial=-1) + 2, bool) for _ in range(2)]
    for members, rows in zip(seen, (some, others), strict=True):
        members[groups[rows & (groups >= 0)]] = True
    both = seen[0] & seen[1]
    result: Mask = both[groups] & (groups >= 0) & (some | others)
    return result
