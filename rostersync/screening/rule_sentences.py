"""What an expectation demands, as a sentence that names the columns: derived from the dictionary, shown by Data Docs.

`userRole: one of Teacher, Administrator`. Columns with one demand share it; where every column of the file has one, the
largest group is called "every other column".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rostersync.configuration.dictionary import Dictionary

Settings = Mapping[str, Any]
Demands = Mapping[str, str]
"""Header, or what else it is about → what is demanded of it."""

TYPED = "typed "
"""Before a header: the column as typed."""


def sentence(kind: str, columns: Iterable[str], settings: Settings, dictionary: Dictionary) -> str:
    """What the expectation of this type demands of these columns. Raises KeyError for a type that has no sentence."""
    words = SENTENCES[kind.removeprefix("expect_")]
    demands = words(settings, dictionary) if callable(words) else dict.fromkeys(columns, words)
    return _joined(demands, dictionary)


def _joined(demands: Demands, dictionary: Dictionary) -> str:
    groups: dict[str, list[str]] = {}
    for subject, demand in demands.items():
        groups.setdefault(demand, []).append(subject.removeprefix(TYPED))
    named = [(", ".join(subjects), demand) for demand, subjects in groups.items()]
    if sum(map(len, groups.values())) == len(dictionary.headers):
        largest = max(groups, key=lambda demand: len(groups[demand]))
        named = [pair for pair in named if pair[1] != largest]
        named.append(("every other column" if named else "every column", largest))
    return "; ".join(f"{subjects}: {demand}" for subjects, demand in named)


def _spaces(settings: Settings, _: Dictionary) -> Demands:
    words = {True: "no outer or doubled spaces", False: "no outer spaces"}
    return {header: words[kind == "text"] for header, kind in settings["kinds"].items()}


def _printable(settings: Settings, _: Dictionary) -> Demands:
    words = "no line breaks, nothing invisible"
    return {h: words + (", no full-width letters" if kind == "id" else "") for h, kind in settings["kinds"].items()}


def _unharmed(settings: Settings, _: Dictionary) -> Demands:
    words = "nothing that a spreadsheet left (#REF!, ########)"
    made = ", no number or date that it made (1.2E+05, 12-Sep)"
    return {h: words + (made if h in settings["exact"] else "") for h in settings["columns"]}


def _lengths(settings: Settings, _: Dictionary) -> Demands:
    return {header: f"at most {length} characters" for header, length in settings["lengths"].items()}


def _characters(settings: Settings, _: Dictionary) -> Demands:
    return {h: f"only ASCII letters, digits and {' '.join(extra)}" for h, extra in settings["characters"].items()}


def _accepted(settings: Settings, dictionary: Dictionary) -> Demands:
    columns = (dictionary.by_header[header] for header in settings["accepted"])
    return {
        c.header: f"one of {', '.join(c.accepted)}" + ("" if c.need == "required" else ", or blank") for c in columns
    }


def _aliases(settings: Settings, dictionary: Dictionary) -> Demands:
    columns = (dictionary.by_header[header] for header in settings["aliases"])
    return {c.header: f"spelled as the list of values has it, not {', '.join(c.aliases)}" for c in columns}


def _forbidden(settings: Settings, dictionary: Dictionary) -> Demands:
    columns = (dictionary.by_header[header] for header in settings["forbidden"])
    return {c.header: f"not {', '.join(c.forbidden)}" for c in columns}


def _addresses(settings: Settings, dictionary: Dictionary) -> Demands:
    columns = (dictionary.by_header[header] for header in settings["columns"])
    return {c.header: f"a valid e-mail address, at most {c.max_length} characters" for c in columns}


def _day_order(settings: Settings, _: Dictionary) -> Demands:
    return {settings["last"]: f"not before {settings['first']}"}


def _class_group(settings: Settings, _: Dictionary) -> Demands:
    opened = "".join(f", or {header} is {word}" for header, word in settings["opens_when"].items())
    words = f"filled, all of them, when one of {', '.join(settings['opens'])} is filled{opened}"
    return dict.fromkeys(settings["class_needs"], words)


def _keys(settings: Settings, _: Dictionary) -> Demands:
    return {action: f"with {', '.join(keys)}" for action, keys in settings["actions"].items()}


def _agreeing(settings: Settings, _: Dictionary) -> Demands:
    rows = {"all": "rows", "class": "rows that name a class", "no class": "rows that name no class"}
    words = f"the same in all {rows[settings['scope']]} of one {' and '.join(settings['key'])}"
    return dict.fromkeys(settings["columns"], words)


def _one_role(settings: Settings, _: Dictionary) -> Demands:
    return {settings["column"]: f"one for each person; {settings['wins']} wins"}


def _ends_person(settings: Settings, _: Dictionary) -> Demands:
    return {"rows": f"none about a person at a school from which another row takes them ({settings['ends_person']})"}


def _ends_class(settings: Settings, _: Dictionary) -> Demands:
    return {"class cells": f"none of a class that another row removes ({settings['ends_class']})"}


SENTENCES: Mapping[str, str | Callable[[Settings, Dictionary], Demands]] = {
    "cells_to_have_no_stray_spaces": _spaces,
    "cells_to_hold_printable_text": _printable,
    "cells_to_be_unharmed_by_spreadsheets": _unharmed,
    "cells_to_be_encoded_once": "letters as they were typed (José, not JosÃ©)",
    "cells_to_be_short_enough": _lengths,
    "ids_to_use_allowed_characters": _characters,
    "ids_not_to_look_like_social_security_numbers": "not written like a US social security number (123-45-6789)",
    "values_to_be_accepted": _accepted,
    "values_to_be_spelled_as_listed": _aliases,
    "rows_to_be_about_staff": _forbidden,
    "cells_to_be_blank": "blank",
    "addresses_to_use_one_script": "no letter that looks like one of another alphabet",
    "addresses_to_be_valid": _addresses,
    "addresses_to_be_in_known_domains": "in a domain of the district",
    "days_to_be_iso_dates": "an existing day, written YYYY-MM-DD",
    "last_day_not_to_be_before_first": _day_order,
    "required_cells_to_be_filled": "filled in every row without an action",
    "class_group_to_be_complete": _class_group,
    "action_to_have_its_keys": _keys,
    "needed_cells_to_hold_no_placeholder": "no word for nothing (N/A, null, -) where the row needs the cell",
    "other_cells_to_hold_no_placeholder": "no word for nothing (N/A, null, -); elsewhere it is read as blank",
    "actions_to_agree": "removes nothing that another row adds, or that is removed in another way",
    "rows_not_to_be_removed_elsewhere": _ends_person,
    "classes_not_to_be_removed_elsewhere": _ends_class,
    "rows_of_one_key_to_agree": _agreeing,
    "addresses_to_be_used_by_one_person": "used by one person only",
    "people_to_have_one_role": _one_role,
    "rows_to_differ": lambda *_: {"rows": "no exact copy of another row"},
}
"""Expectation type without `expect_` → what it demands: the same of each of its columns, or what the settings say."""
