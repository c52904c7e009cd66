"""File rules about removals, judged after the cells: what they contradict, and what they take with them.

These rules see the *values* of cells (normalised; null where the cell itself was found faulty), and `rejected`: rows
that already have an error. Keys are compared exactly. Settings: `targets`: action → key of what it removes;
`ends_person`, `ends_class`, `ends_enrollment`: the actions that do.
"""

from __future__ import annotations

import numpy as np

from rostersync import text_columns as c
from rostersync.screening.rules.cells import Broken, RuleSettings
from rostersync.screening.rules.required import has, is_blank
from rostersync.screening.rules.row_groups import disagreeing, group, shared
from rostersync.text_columns import Mask, Table

WHOLE_ROW = "row"
"""Stands for a column where a rule is about the row as a whole."""


def actions_to_agree(table: Table, settings: RuleSettings) -> Broken:
    """`action-conflict`. No row adds an enrollment that another removes; no target has two schools."""
    if not _removals(table, settings):
        return {"action": np.zeros(len(table["action"]), bool)}
    apart = _unequal_removals(table, settings)
    ended = settings["ends_enrollment"]
    groups = group(table, settings["targets"][ended])
    aside = np.logical_or(*_folds(table, settings, apart))
    both = shared(groups, has(table, "action", (ended,)) & ~aside, is_blank(table, "action") & ~aside)
    return {"action": apart | both}


def _unequal_removals(table: Table, settings: RuleSettings) -> Mask:
    """Removals by the same action of the same target that name different schools."""
    result = np.zeros(len(table["action"]), bool)
    for word in _removals(table, settings):
        rows = has(table, "action", (word,))
        groups = np.where(rows, group(table, settings["targets"][word]), -1)
        result |= disagreeing(groups, c.codes(table["schoolId"]))
    return result


def rows_not_to_be_removed_elsewhere(table: Table, settings: RuleSettings) -> Broken:
    """`row-folded`. A removal of the person at the school takes the whole row; one of the class a REMOVE-ENROLLMENT."""
    return {WHOLE_ROW: _folds(table, settings)[0]}


def classes_not_to_be_removed_elsewhere(table: Table, settings: RuleSettings) -> Broken:
    """`row-folded`. A removal of the class takes the class part of the rows that remain."""
    return {WHOLE_ROW: _folds(table, settings)[1]}


def _folds(table: Table, settings: RuleSettings, conflict: Mask | None = None) -> tuple[Mask, Mask]:
    """Rows wholly taken, rows whose class part is. Only removals without any error take; none is taken by its like."""
    if not _removals(table, settings):
        return np.zeros(len(table["action"]), bool), np.zeros(len(table["action"]), bool)
    if conflict is None:
        conflict = actions_to_agree(table, settings)["action"]
    sound = ~has(table, "rejected", ("yes",)) & ~conflict
    person, class_ = (_taken(table, settings, settings[name], sound) for name in ("ends_person", "ends_class"))
    whole = person | (class_ & has(table, "action", (settings["ends_enrollment"],)))
    return whole, class_ & ~whole & is_blank(table, "action")


def _taken(table: Table, settings: RuleSettings, word: str, sound: Mask) -> Mask:
    """Other rows that name what sound rows of this action remove."""
    rows = has(table, "action", (word,))
    return shared(group(table, settings["targets"][word]), rows & sound, ~rows) & ~rows


def _removals(table: Table, settings: RuleSettings) -> list[str]:
    """The removals that occur; mostly none, and then nothing is computed."""
    occurring = set(table["action"].dictionary.to_pylist())
    return [word for word in settings["targets"] if word in occurring]
