"""File rules about what a row must fill: required cells, the class group, the keys of a removal.

Which cells a row needs follows from its action and from whether it names a class. Each missing cell breaks exactly
one rule: a placeholder in a needed cell is `cell-placeholder`, a blank one is `cell-required`, `class-incomplete` or
`action-incomplete`. A row whose action is no action is not asked for anything: what it needs cannot be known.

Settings, as the suite writes them: `required`: columns; `actions`: action → keys; `opens`: columns; `opens_when`:
column → value; `class_needs`: columns; `names`: columns with names; `columns`: those to judge.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from rostersync import text_columns as c
from rostersync.screening.rules.cells import Broken, RuleSettings
from rostersync.text_columns import Mask, Table


def required_cells_to_be_filled(table: Table, settings: RuleSettings) -> Broken:
    """`cell-required`. Required columns of rows that add or update."""
    adds = _adds(table)
    return {h: adds & is_blank(table, h) for h in settings["required"]}


def class_group_to_be_complete(table: Table, settings: RuleSettings) -> Broken:
    """`class-incomplete`. The class columns of rows that name a class."""
    names_class = _names_class(table, settings)
    return {h: names_class & is_blank(table, h) for h in settings["class_needs"]}


def action_to_have_its_keys(table: Table, settings: RuleSettings) -> Broken:
    """`action-incomplete`. The key columns of removals."""
    needed = _needed_by_action(table, settings)
    return {h: rows & is_blank(table, h) for h, rows in needed.items()}


def needed_cells_to_hold_no_placeholder(table: Table, settings: RuleSettings) -> Broken:
    """`cell-placeholder`. Cells that must be filled."""
    return _placeholders(table, settings, needed=True)


def other_cells_to_hold_no_placeholder(table: Table, settings: RuleSettings) -> Broken:
    """`cell-placeholder`. Cells that may be blank: the placeholder is read as blank."""
    return _placeholders(table, settings, needed=False)


def _placeholders(table: Table, settings: RuleSettings, *, needed: bool) -> Broken:
    found = {h: _is_placeholder(table, h, settings) for h in settings["columns"]}
    if not any(rows.any() for rows in found.values()):
        return found
    needs = _needs(table, settings)
    return {h: rows & (needs[h] == needed) if h in needs else rows & (not needed) for h, rows in found.items()}


def _needs(table: Table, settings: RuleSettings) -> dict[str, Mask]:
    """column → rows that must fill it."""
    needs = _needed_by_action(table, settings)
    adds, names_class = _adds(table), _names_class(table, settings)
    for columns, rows in ((settings["required"], adds), (settings["class_needs"], names_class)):
        for header in columns:
            needs[header] = needs.get(header, np.zeros(len(rows), bool)) | rows
    return needs


def _needed_by_action(table: Table, settings: RuleSettings) -> dict[str, Mask]:
    needs: dict[str, Mask] = {}
    for word, keys in settings["actions"].items():
        rows = has(table, "action", (word,))
        for header in keys:
            needs[header] = needs.get(header, np.zeros(len(rows), bool)) | rows
    return needs


def _adds(table: Table) -> Mask:
    action = table["action"]
    return c.spread(is_nothing(action.dictionary, name=False), action)


def _names_class(table: Table, settings: RuleSettings) -> Mask:
    opened = [~c.spread(is_nothing(table[h].dictionary, name=False), table[h]) for h in settings["opens"]]
    opened += [has(table, h, (value,)) for h, value in settings["opens_when"].items()]
    names: Mask = _adds(table) & np.logical_or.reduce(opened)
    return names


def is_nothing(words: c.Words, *, name: bool) -> Mask:
    """Words that say nothing: blank, or a placeholder."""
    return c.are(words, ("",)) | c.placeholders(words, name=name)


def is_blank(table: Table, header: str) -> Mask:
    """Rows whose cell is blank."""
    return has(table, header, ("",))


def has(table: Table, header: str, words: Iterable[str]) -> Mask:
    """Rows whose cell is one of the words."""
    return c.spread(c.are(table[header].dictionary, tuple(words)), table[header])


def _is_placeholder(table: Table, header: str, settings: RuleSettings) -> Mask:
    return c.spread(c.placeholders(table[header].dictionary, name=header in settings["names"]), table[header])
