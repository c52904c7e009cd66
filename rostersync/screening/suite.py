"""The Great Expectations suite of users.csv, derived from the dictionary. Pure; does not import Great Expectations.

Each *file* rule about rows is an expectation over all the columns it concerns. Its `meta` says which finding it
makes: `code`, `severity`, `columns` (those it may find fault with; `column` when there is just one) and `stage`. The
stages are judged one after the other, because a later one must not see what an earlier one found faulty:
`cells`, then `removals`, then `agreement`, then `roles`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rostersync.catalogue.findings import finding_texts
from rostersync.configuration.dictionary import Column, Dictionary
from rostersync.model import Severity
from rostersync.screening.rule_sentences import TYPED, sentence
from rostersync.settings import include_path

STAGES = ("cells", "removals", "agreement", "roles")

_WEIGHT = {Severity.ROW: "critical", Severity.REMARK: "info"}


def build_suite(dictionary: Dictionary) -> dict[str, Any]:
    """The suite as Great Expectations reads it from JSON."""
    rules = [*_cells(dictionary), *_needs(dictionary), *_removals(dictionary), *_agreement(dictionary)]
    return {
        "name": dictionary.name,
        "meta": {"dictionary": dictionary.name, "version": dictionary.version},
        "notes": None,
        "expectations": [_readable(rule, dictionary) for rule in rules],
    }


def _readable(rule: Mapping[str, Any], dictionary: Dictionary) -> dict[str, Any]:
    """The rule with its sentence, and a note: which finding it makes, and when."""
    meta, text = rule["meta"], finding_texts()[rule["meta"]["code"]]
    said = sentence(rule["type"], meta["columns"], rule["kwargs"]["settings"], dictionary)
    note = f"{meta['code']} ({meta['severity']}): {text.when or text.message}"
    return {**rule, "description": said, "notes": [_as_markdown(note)]}


def _as_markdown(text: str) -> str:
    """The text as Markdown that shows it: Great Expectations reads notes so, and would make links of patterns."""
    return re.sub(r"([\\`*_\[\]<>])", r"\\\1", text)


def suite_text(dictionary: Dictionary) -> str:
    """The suite as it is committed."""
    return json.dumps(build_suite(dictionary), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def load_suite(dictionary: Dictionary) -> dict[str, Any]:
    """The committed suite when it is of this dictionary version, else a fresh one."""
    path = include_path("expectations", f"{dictionary.name}.json")
    stored: dict[str, Any] = json.loads(path.read_bytes()) if path.exists() else {"meta": {}}
    return stored if stored["meta"].get("version") == dictionary.version else build_suite(dictionary)


def _rule(
    code: str,
    kind: str,
    columns: Iterable[str],
    /,
    *,
    stage: str = "cells",
    context: Iterable[str] = (),
    severity: Severity | None = None,
    **settings: Any,
) -> dict[str, Any]:
    judged = list(columns)
    severity = severity or finding_texts()[code].severities[0]
    shown = [header.removeprefix(TYPED) for header in judged]
    seen = dict.fromkeys([*judged, *context])
    return {
        "type": f"expect_{kind}",
        "severity": _WEIGHT[severity],
        "kwargs": {"column_list": list(seen) if len(seen) > 1 else [*seen, "action"], "settings": settings},
        "meta": {
            "code": code,
            "severity": str(severity),
            "stage": stage,
            "columns": shown,
            "column": shown[0] if len(shown) == 1 else None,
        },
    }


def _cells(dictionary: Dictionary) -> Iterator[dict[str, Any]]:
    """Rules about one cell, whatever the rest of its row."""
    kinds = {c.header: c.kind for c in dictionary.columns}
    long = {c.header: c.max_length for c in dictionary.columns if c.max_length and c.kind != "email"}
    letters = {c.header: c.characters for c in dictionary.columns if c.kind == "id" and c.characters != "any"}
    typed = {TYPED + header: kind for header, kind in kinds.items()}
    exact = [c.header for c in dictionary.columns if c.kind == "id" or c.attribute == "grade"]
    scrambled = _headers(dictionary, lambda c: c.kind == "text" or c.characters == "any")
    numbers = _headers(dictionary, lambda c: c.kind == "id" and c.personal)
    yield _rule("cell-trimmed", "cells_to_have_no_stray_spaces", typed, kinds=typed)
    yield _rule("cell-character", "cells_to_hold_printable_text", kinds, kinds=kinds)
    yield _rule("cell-spreadsheet-damage", "cells_to_be_unharmed_by_spreadsheets", kinds, columns=[*kinds], exact=exact)
    names = _headers(dictionary, lambda c: c.name)
    yield _rule("cell-mojibake", "cells_to_be_encoded_once", scrambled, columns=scrambled, names=names)
    yield _rule("cell-too-long", "cells_to_be_short_enough", long, lengths=long)
    yield _rule("id-character", "ids_to_use_allowed_characters", letters, characters=letters)
    yield _rule("id-looks-like-ssn", "ids_not_to_look_like_social_security_numbers", numbers, columns=numbers)
    yield from _choices(dictionary)
    yield from _addresses_and_dates(dictionary)


def _choices(dictionary: Dictionary) -> Iterator[dict[str, Any]]:
    accepted = {c.header: [*c.accepted, *c.aliases, *_forbidden(c)] for c in dictionary.columns if c.kind == "choice"}
    aliases = {c.header: [*c.aliases] for c in dictionary.columns if c.aliases}
    blank = _headers(dictionary, lambda c: c.kind == "blank")
    yield _rule("value-not-allowed", "values_to_be_accepted", accepted, accepted=accepted)
    yield _rule("value-alias", "values_to_be_spelled_as_listed", aliases, aliases=aliases)
    for column in dictionary.columns:
        for code in dict.fromkeys(column.forbidden.values()):
            words = {column.header: [w.lower() for w, its in column.forbidden.items() if its == code]}
            yield _rule(code, "rows_to_be_about_staff", words, forbidden=words)
    yield _rule("grade-for-staff", "cells_to_be_blank", blank, columns=blank)


def _forbidden(column: Column) -> list[str]:
    """The forbidden words in their usual spellings, so that they break their own rule only."""
    return [spelled for word in column.forbidden for spelled in (word, word.lower(), word.upper())]


def _addresses_and_dates(dictionary: Dictionary) -> Iterator[dict[str, Any]]:
    mail = _headers(dictionary, lambda c: c.kind == "email")
    days = _headers(dictionary, lambda c: c.kind == "date")
    yield _rule("email-look-alike", "addresses_to_use_one_script", mail, columns=mail)
    yield _rule("email-invalid", "addresses_to_be_valid", mail, columns=mail)
    yield _rule("email-domain", "addresses_to_be_in_known_domains", mail, columns=mail, domains=[])
    yield _rule("date-invalid", "days_to_be_iso_dates", days, columns=days)
    yield _rule(
        "date-order", "last_day_not_to_be_before_first", ["endDate"], context=days, first="startDate", last="endDate"
    )


def _needs(dictionary: Dictionary) -> Iterator[dict[str, Any]]:
    """Rules about what a row must fill."""
    required, group = _headers(dictionary, lambda c: c.need == "required"), dictionary.class_group
    keys = list(dict.fromkeys(key for action in dictionary.actions.values() for key in action.keys))
    facts: dict[str, Any] = {
        "required": required,
        "actions": {word: [*action.keys] for word, action in dictionary.actions.items()},
        "opens": [*group.opens],
        "opens_when": dict(group.opens_when),
        "class_needs": [*group.needs],
        "names": _headers(dictionary, lambda c: c.name),
        "columns": [*dictionary.headers],
    }
    context = ["action", *group.opens, *group.opens_when]
    yield _rule("cell-required", "required_cells_to_be_filled", required, context=context, **facts)
    yield _rule("class-incomplete", "class_group_to_be_complete", group.needs, context=context, **facts)
    yield _rule("action-incomplete", "action_to_have_its_keys", keys, context=context, **facts)
    for severity, which in ((Severity.ROW, "needed"), (Severity.REMARK, "other")):
        kind = f"{which}_cells_to_hold_no_placeholder"
        yield _rule("cell-placeholder", kind, dictionary.headers, severity=severity, **facts)


def _removals(dictionary: Dictionary) -> Iterator[dict[str, Any]]:
    """Rules about removals and the rows they concern."""
    by_entity = {action.entity: word for word, action in dictionary.actions.items()}
    facts: dict[str, Any] = {
        "targets": {word: [*dictionary.keys_of(action.entity)] for word, action in dictionary.actions.items()},
        "ends_person": by_entity["placement"],
        "ends_class": by_entity["class"],
        "ends_enrollment": by_entity["enrollment"],
    }
    context = ["action", "schoolId", "userId", "classId", "rejected"]
    yield _rule("action-conflict", "actions_to_agree", ["action"], stage="removals", context=context, **facts)
    for part, kind in (("row", "rows_not_to_be_removed_elsewhere"), ("class", "classes_not_to_be_removed_elsewhere")):
        yield _rule("row-folded", kind, [], stage="removals", context=context, part=part, **facts)


def _agreement(dictionary: Dictionary) -> Iterator[dict[str, Any]]:
    """Rules about rows that speak of the same person, school, placement, class or enrollment."""
    context = ["action", "schoolId", "userId", "classId", "rejected", "folded"]
    for key, scope, columns in _what_must_agree(dictionary):
        yield _rule(
            "row-conflict", "rows_of_one_key_to_agree", [c.header for c in columns], stage="agreement", context=context,
            key=[*key], scope=scope, **_statements(columns),
        )  # fmt: skip
    mail = _headers(dictionary, lambda c: c.kind == "email")
    yield _rule(
        "email-duplicate", "addresses_to_be_used_by_one_person", mail, stage="agreement", context=context,
        column=mail[0],
    )  # fmt: skip
    for column in (c for c in dictionary.columns if c.wins):
        yield _rule(
            "role-both", "people_to_have_one_role", [column.header], stage="roles", context=context,
            column=column.header, wins=column.wins,
        )  # fmt: skip
    typed = [TYPED + header for header in dictionary.headers]
    yield _rule("row-duplicate", "rows_to_differ", [], stage="agreement", context=["action", *typed], columns=typed)


def _what_must_agree(dictionary: Dictionary) -> Iterator[tuple[Sequence[str], str, list[Column]]]:
    """Key, scope (all rows, or those that name a class, or none) and the columns that must agree."""
    school_of_class = dictionary.by_header["schoolId"]
    dates = dictionary.of("assignment")
    yield dictionary.keys_of("person"), "all", [c for c in dictionary.of("person") if not c.wins]
    yield dictionary.keys_of("school"), "all", [*dictionary.of("school")]
    yield dictionary.keys_of("placement"), "all", [*dictionary.of("placement")]
    yield dictionary.keys_of("placement"), "no class", [*dates]
    yield dictionary.keys_of("class"), "class", [school_of_class, *dictionary.of("class")]
    yield dictionary.keys_of("enrollment"), "class", [*dictionary.of("enrollment"), *dates]


def _statements(columns: Sequence[Column]) -> Mapping[str, Any]:
    return {
        "columns": [c.header for c in columns],
        "cleared": [c.header for c in columns if c.on_blank == "clear"],
        "blank_means": {c.header: "No" for c in columns if c.header == "primaryTeacher"},
    }


def _headers(dictionary: Dictionary, choose: Any) -> list[str]:
    return [column.header for column in dictionary.columns if choose(column)]
