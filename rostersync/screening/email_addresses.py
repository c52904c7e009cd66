"""E-mail addresses: which are valid, how two spellings of one are told to be the same, what is wrong with one.

Syntax is judged by `email-validator` without asking the network. Most addresses of a school are so plain that a
pattern can tell; only the others are asked one by one.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, ValidatedEmail, validate_email

from rostersync.text_columns import Mask, Words, longer, map_words, match

_LETTERS = "A-Za-z0-9_'+&"
_PLAIN = f"^[{_LETTERS}-]+(?:\\.[{_LETTERS}-]+)*@(?:[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*\\.)+[A-Za-z]{{2,}}$"
_SPECIAL = "(?i)[.@](?:" + "|".join(map(re.escape, SPECIAL_USE_DOMAIN_NAMES)) + ")$"
"""Top-level names that no mail can reach, such as .local: the validator refuses them."""
_LONGEST = 254
_PLAIN_LENGTH = 64
"""Within 64 characters neither the local part nor a label can be too long."""

_TELLING_SCRIPTS = frozenset(("LATIN", "CYRILLIC", "GREEK", "COPTIC", "ARMENIAN", "CHEROKEE"))
"""Alphabets whose letters look alike (Unicode Technical Standard 39)."""


def plainly_valid(words: Words) -> Mask:
    """Words that are surely valid: a subset of what the validator accepts."""
    return match(words, _PLAIN) & ~longer(words, _PLAIN_LENGTH) & ~match(words, _SPECIAL)


def invalid(words: Words) -> Mask:
    """Words that are neither blank nor a valid address."""
    doubtful = ~plainly_valid(words) & np.asarray(pc.not_equal(words, ""))
    return map_words(words, lambda word: fold(word) == "", doubtful)


def fold_all(words: Words) -> Words:
    """The key of each address; "" for those that are not valid."""
    slow = pa.array(~plainly_valid(words) & np.asarray(pc.not_equal(words, "")))
    keys = [fold(word) for word in words.filter(slow).to_pylist()]
    return pc.replace_with_mask(pc.ascii_lower(words), slow, pa.array(keys, words.type))


@lru_cache(maxsize=65536)
def fold(address: str) -> str:
    """Local part case-folded, domain as lower-case A-label; "" when the address is not valid."""
    parsed = _parsed(address)
    if parsed is None or parsed.ascii_domain is None:
        return ""
    return f"{parsed.local_part.casefold()}@{parsed.ascii_domain.lower()}"


def _parsed(address: str) -> ValidatedEmail | None:
    if len(address) > _LONGEST:
        return None
    try:
        return validate_email(address, allow_smtputf8=False, strict=True, check_deliverability=False)
    except EmailNotValidError:
        return None


def mixes_scripts(address: str) -> bool:
    """The local part or a label of the domain mixes alphabets that look alike, as a Cyrillic а among Latin letters."""
    local, _, domain = in_unicode(address).rpartition("@")
    return any(len(_scripts(part) & _TELLING_SCRIPTS) > 1 for part in (local, *domain.split(".")))


def in_unicode(address: str) -> str:
    """The address with the labels of its domain as they are meant to be read, instead of xn--…."""
    local, at, domain = address.rpartition("@")
    return local + at + ".".join(map(_read_label, domain.split(".")))


def _read_label(label: str) -> str:
    if not label.lower().startswith("xn--"):
        return label
    try:
        return label[4:].lower().encode("ascii").decode("punycode")
    except UnicodeError:
        return label


def look_alikes(words: Words) -> Mask:
    """Words with mixed scripts."""
    return map_words(words, mixes_scripts, ~np.asarray(pc.string_is_ascii(words)) | match(words, "(?i)[@.]xn--"))


def _scripts(text: str) -> set[str]:
    return {unicodedata.name(letter, "").partition(" ")[0] for letter in text if letter.isalpha()}


def strangers(text: str) -> str:
    """The letters of the rarer alphabet of a mixed address, each with its code point."""
    letters = [c for c in in_unicode(text) if not c.isascii() and c.isalpha()]
    return ", ".join(dict.fromkeys(f"{c} (U+{ord(c):04X}, {unicodedata.name(c, '?').lower()})" for c in letters))


def in_domains(key: str, domains: tuple[str, ...]) -> bool:
    """The folded address is in one of the domains or in a domain below one."""
    domain = key.rpartition("@")[2]
    return any(domain == known or domain.endswith(f".{known}") for known in domains)


def why_invalid(address: str) -> str:
    """What is wrong with an address, as the end of a sentence about it."""
    return next(reason for test, reason in _REASONS if test(address))


_REASONS = (
    (lambda a: "\r" in a or "\n" in a, "it holds a line break"),
    (lambda a: "@" not in a, "it has no @"),
    (lambda a: "<" in a or ">" in a or a.lower().startswith("mailto:"), "it holds more than the address itself"),
    (lambda a: re.search(r"[,;]", a) is not None, "it looks like two addresses"),
    (lambda a: '"' in a or "[" in a or "(" in a, "quoted, bracketed or commented forms are not taken"),
    (lambda a: a.count("@") > 1, "it has more than one @"),
    (lambda a: any(c.isspace() for c in a), "it holds a space"),
    (lambda a: not a.rpartition("@")[0].isascii(), "only unaccented letters may stand before the @"),
    (lambda a: len(a) > _LONGEST, "it is longer than 254 characters"),
    (lambda a: len(a.rpartition("@")[0]) > 64, "more than 64 characters stand before the @"),
    (lambda a: a.startswith("@") or a.endswith("@"), "a part before or after the @ is missing"),
    (lambda a: ".." in a or a.startswith(".") or ".@" in a or "@." in a or a.endswith("."), "a dot is out of place"),
    (lambda a: "." not in a.rpartition("@")[2], "the part after the @ has no dot"),
    (lambda a: re.search(_SPECIAL, a) is not None, "no mail can reach its domain"),
    (lambda a: not a.isascii(), "the part after the @ is not a valid domain"),
    (lambda _: True, "it holds a character that an address may not have there"),
)
