"""File rules about rows that speak of the same: they must agree, last of all judged.

These rules see the *values* of cells (normalised, addresses folded; null where the cell itself was found faulty),
`rejected`: rows that already have an error, and `folded`: what a removal in the same file took away. Only rows that
add or update, and are not wholly folded, speak. A blank cell that keeps the stored value says nothing, so it
contradicts nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from rostersync import text_columns as c
from rostersync.screening.rules.cells import Broken, RuleSettings
from rostersync.screening.rules.required import has, is_blank
from rostersync.screening.rules.row_groups import Groups, disagreeing, group, numbered, shared
from rostersync.text_columns import Cells, Mask, Table

WHOLE_ROW = "row"
"""Stands for a column where a rule is about the row as a whole."""


def rows_of_one_key_to_agree(table: Table, settings: RuleSettings) -> Broken:
    """`row-conflict`. `key`, `columns`: what must agree; `cleared`: columns where a blank is a statement.

    `blank_means`: column → value; `scope`: which rows - all, or those that name a class, or those that name none.
    """
    groups = np.where(speaking(table) & _in_scope(table, settings["scope"]), group(table, settings["key"]), -1)
    return {h: disagreeing(groups, _statements(table[h], h, settings)) for h in settings["columns"]}


def _in_scope(table: Table, scope: str) -> Mask:
    if scope == "all":
        return np.ones(len(table["action"]), bool)
    named = ~is_blank(table, "classId")
    return named & ~has(table, "folded", ("class",)) if scope == "class" else ~named


def _statements(cells: Cells, header: str, settings: RuleSettings) -> c.Codes:
    """Codes of what cells say; -1 for saying nothing."""
    if header in settings["blank_means"]:
        cells = c.reword(cells, c.rename(cells.dictionary, {"": settings["blank_means"][header]}))
    silent = c.spread(c.are(cells.dictionary, ("",)), cells) & (header not in settings["cleared"])
    return np.where(silent, np.int32(-1), c.codes(cells))


def speaking(table: Table) -> Mask:
    """Rows that add or update and are not taken away by a removal."""
    return is_blank(table, "action") & ~has(table, "folded", ("row",))


def addresses_to_be_used_by_one_person(table: Table, settings: RuleSettings) -> Broken:
    """`email-duplicate`. `column`: one folded address, two userIds."""
    rows = speaking(table) & ~is_blank(table, "userId")
    groups = np.where(rows, group(table, (settings["column"],)), -1)
    return {settings["column"]: disagreeing(groups, c.codes(table["userId"]))}


def people_to_have_one_role(table: Table, settings: RuleSettings) -> Broken:
    """`role-both`. `column`, `wins`: rows with another role, of a person whom an accepted row gives that one."""
    rows = speaking(table) & ~has(table, "rejected", ("yes",))
    wins = rows & has(table, settings["column"], (settings["wins"],))
    return {settings["column"]: shared(group(table, ("userId",)), wins, rows & ~wins) & ~wins}


def rows_to_differ(table: Table, settings: RuleSettings) -> Broken:
    """`row-duplicate`. `columns`: as typed. Every row but the first of identical ones."""
    result = np.zeros(len(table["action"]), bool)
    result[copies(table, settings["columns"])[0]] = True
    return {WHOLE_ROW: result}


def copies(table: Table, columns: Sequence[str]) -> tuple[Groups, Groups]:
    """Rows that copy an earlier one, and the first row each copies.

    Column by column, those with most different words first, so that few rows remain after the first ones.
    """
    rows: Groups = np.arange(len(table["action"]))
    numbers = np.zeros(len(rows), np.int64)
    for header in sorted(columns, key=lambda header: -len(table[header].dictionary)):
        numbers = numbered(numbers, c.codes(table[header])[rows])
        again = pd.Series(numbers).duplicated(keep=False).to_numpy()
        rows, numbers = rows[again], numbers[again]
    first = np.zeros(numbers.max(initial=-1) + 1, np.int64)
    first[numbers[::-1]] = rows[::-1]
    later = first[numbers] != rows
    return rows[later], first[numbers][later]
