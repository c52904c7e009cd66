"""File rules about single cells. Pure functions; `expectations` turns each into a Great Expectations class.

A rule receives the cells of its columns (tidied text, unless the suite names `typed` columns) and the settings the
suite wrote down from the dictionary; it gives, per column, which rows break it. Blank cells break no rule but the
required ones. A rule judges a cell by itself: which of several broken rules is the root cause is settled later.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np

from rostersync import text_columns as c
from rostersync.screening import email_addresses, text_damage
from rostersync.text_columns import Mask, Table, Words

RuleSettings = Mapping[str, Any]
Broken = dict[str, Mask]

MONTHS = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
DAMAGE = '^#(?:REF!|N/A|VALUE!|DIV/0!|NAME\\?|NUM!|NULL!|SPILL!|CALC!)$|^#{4,}$|^="[^"]*"$'
"""What a spreadsheet leaves in any cell: error words, too narrow columns, the text trick."""
DAMAGED_ID = (
    "^[0-9](?:\\.[0-9]+)?E\\+[0-9]{2,}$|^[0-9]+\\.0+$"
    f"|(?i:^[0-9]{{1,2}}-{MONTHS}(?:-[0-9]{{2,4}})?$|^{MONTHS}-[0-9]{{1,4}}$)"
    "|^[0-9]{1,2}/[0-9]{1,2}/(?:[0-9]{2}){1,2}$|^(?:19|20)[0-9]{2}-[01][0-9]-[0-3][0-9](?:[ T]00:00:00)?$"
)
"""Numbers and dates a spreadsheet made of an identifier or a grade."""

SSN = "^(?:00[1-9]|0[1-9][0-9]|[1-5][0-9]{2}|6[0-57-9][0-9]|66[0-57-9]|[78][0-9]{2})-(?:0[1-9]|[1-9][0-9])-[0-9]{4}$"
"""A US social security number as it is written: areas 000, 666 and 900-999 were never given out."""


def cells_to_have_no_stray_spaces(table: Table, settings: RuleSettings) -> Broken:
    """`cell-trimmed`. `kinds`: column → text (no outer, doubled or no-break spaces) or other (no outer spaces)."""
    return {
        h: _words(table, h, lambda words, kind=kind: c.changed(words, c.tidy(words, inner=kind == "text")))
        for h, kind in settings["kinds"].items()
    }


def cells_to_hold_printable_text(table: Table, settings: RuleSettings) -> Broken:
    """`cell-character`. `kinds`: column → id, text, email …: nothing invisible, no full-width letters in IDs."""
    return {h: _words(table, h, _unprintable, kind) for h, kind in settings["kinds"].items()}


def _unprintable(words: Words, kind: str) -> Mask:
    suspect = f"{text_damage.SUSPECT}|[{text_damage.FULL_WIDTH}]" if kind == "id" else text_damage.SUSPECT
    return c.map_words(
        words, lambda word: bool(text_damage.unprintable_characters(word, kind)), c.match(words, suspect)
    )


def cells_to_be_short_enough(table: Table, settings: RuleSettings) -> Broken:
    """`cell-too-long`. `lengths`: column → most code points."""
    return {h: _words(table, h, c.longer, length) for h, length in settings["lengths"].items()}


def cells_to_be_encoded_once(table: Table, settings: RuleSettings) -> Broken:
    """`cell-mojibake`. `columns`: letters that another program lost or replaced; `names`: people's names."""
    return {h: _words(table, h, _damaged, h in settings["names"]) for h in settings["columns"]}


def _damaged(words: Words, name: bool) -> Mask:
    judge = text_damage.is_damaged_name if name else text_damage.is_damaged
    return c.map_words(words, judge, c.match(words, text_damage.DOUBTFUL))


def cells_to_be_unharmed_by_spreadsheets(table: Table, settings: RuleSettings) -> Broken:
    """`cell-spreadsheet-damage`. `columns`: all; `exact`: those whose digits matter (IDs and grades)."""
    patterns = {h: f"{DAMAGE}|{DAMAGED_ID}" if h in settings["exact"] else DAMAGE for h in settings["columns"]}
    return {h: _words(table, h, c.match, pattern) for h, pattern in patterns.items()}


def ids_to_use_allowed_characters(table: Table, settings: RuleSettings) -> Broken:
    """`id-character`. `characters`: column → those allowed beside ASCII letters and digits."""
    return {h: _words(table, h, c.match, f"[^{allowed(extra)}]") for h, extra in settings["characters"].items()}


def allowed(extra: str) -> str:
    """The inside of a character class: ASCII letters, digits and `extra`."""
    return "A-Za-z0-9" + "".join(f"\\{character}" for character in extra)


def ids_not_to_look_like_social_security_numbers(table: Table, settings: RuleSettings) -> Broken:
    """`id-looks-like-ssn`. `columns`: identifiers of persons."""
    return {h: _words(table, h, c.match, SSN) for h in settings["columns"]}


def values_to_be_accepted(table: Table, settings: RuleSettings) -> Broken:
    """`value-not-allowed`. `accepted`: column → its values, aliases and the words other rules are about."""
    return {
        h: _words(table, h, lambda words, accepted=accepted: _others(words, accepted))
        for h, accepted in settings["accepted"].items()
    }


def _others(words: Words, accepted: list[str]) -> Mask:
    return ~c.are(words, ["", *accepted])


def values_to_be_spelled_as_listed(table: Table, settings: RuleSettings) -> Broken:
    """`value-alias`. `aliases`: column → spellings that are read as another value."""
    return {h: _words(table, h, c.are, aliases) for h, aliases in settings["aliases"].items()}


def rows_to_be_about_staff(table: Table, settings: RuleSettings) -> Broken:
    """`role-student`. `forbidden`: column → words (case-folded) of people who come from elsewhere."""
    return {
        h: _words(table, h, lambda words, listed=listed: c.are(c.folded(words), listed))
        for h, listed in settings["forbidden"].items()
    }


def cells_to_be_blank(table: Table, settings: RuleSettings) -> Broken:
    """`grade-for-staff`. `columns`: must hold nothing."""
    return {h: _words(table, h, lambda words: _others(words, [])) for h in settings["columns"]}


def addresses_to_use_one_script(table: Table, settings: RuleSettings) -> Broken:
    """`email-look-alike`. `columns`: no letter that looks like one of another alphabet."""
    return {h: _words(table, h, email_addresses.look_alikes) for h in settings["columns"]}


def addresses_to_be_valid(table: Table, settings: RuleSettings) -> Broken:
    """`email-invalid`. `columns`: valid by syntax and length."""
    return {h: _words(table, h, email_addresses.invalid) for h in settings["columns"]}


def addresses_to_be_in_known_domains(table: Table, settings: RuleSettings) -> Broken:
    """`email-domain`. `domains`: the district's own and those below them; none listed: every domain will do."""
    domains = tuple(domain.lower() for domain in settings["domains"])
    return {h: _words(table, h, lambda words: _outside(words, domains)) for h in settings["columns"]}


def _outside(words: Words, domains: tuple[str, ...]) -> Mask:
    if not domains:
        return np.zeros(len(words), bool)
    pattern = "@(?:.+\\.)?(?:" + "|".join(map(re.escape, domains)) + ")$"
    keys = email_addresses.fold_all(words)
    return ~c.match(keys, pattern) & ~c.are(keys, [""])


def days_to_be_iso_dates(table: Table, settings: RuleSettings) -> Broken:
    """`date-invalid`. `columns`: an existing day, as YYYY-MM-DD."""
    return {
        h: _words(table, h, lambda words: c.map_words(words, lambda word: parse_day(word) is None, _others(words, [])))
        for h in settings["columns"]
    }


def parse_day(text: str) -> date | None:
    """The day an ISO date names, or None."""
    if not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def last_day_not_to_be_before_first(table: Table, settings: RuleSettings) -> Broken:
    """`date-order`. `first`, `last`: two date columns; judged where both are days (ISO dates compare as text)."""
    first, last = table[settings["first"]], table[settings["last"]]
    known = [c.spread(c.map_words(x.dictionary, lambda word: parse_day(word) is not None), x) for x in (first, last)]
    words = np.array(sorted({*first.dictionary.to_pylist(), *last.dictionary.to_pylist()}), dtype=object)
    ranks = [np.searchsorted(words, x.dictionary.to_pylist())[c.codes(x)] for x in (first, last)]
    return {settings["last"]: known[0] & known[1] & (ranks[1] < ranks[0])}


def _words(table: Table, header: str, judge: Any, *details: Any) -> Mask:
    """What `judge` says of each word, spread over the rows."""
    column = table[header]
    return c.spread(judge(column.dictionary, *details), column)
