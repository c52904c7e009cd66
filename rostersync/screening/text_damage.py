"""What programs do to letters: characters that cannot be seen, and letters that went through the wrong code page.

Pure functions of one text. Rules ask them only about the few words that a quick pattern could not clear.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from html.entities import html5

LINE_BREAKS = "\r\n"
_IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Unicode's Default_Ignorable_Code_Point: a program may show nothing at all."""
_BLANK = "\u2800\ufffc\U0001d159"
"""Symbols that look like nothing: the empty Braille pattern, the place of an object, the null notehead."""
UNSEEN = _IGNORABLE + _BLANK
FULL_WIDTH = "\uff10-\uff19\uff21-\uff3a\uff41-\uff5a"
SUSPECT = f"[^\\p{{L}}\\p{{M}}\\p{{N}}\\p{{P}}\\p{{S}}\\p{{Zs}}]|[{UNSEEN}]"
"""RE2: a text without a match holds nothing unprintable (full-width letters aside)."""

_NEVER_SHOWN = frozenset(("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"))
_UNSEEN = re.compile(f"[{UNSEEN}]")
_FULL_WIDTH = re.compile(f"[{FULL_WIDTH}]")
_JOINERS = "\u200c\u200d"
_JOINED_SCRIPTS = re.compile(
    "[\u0620-\u064a\u064b-\u065f\u066e-\u06d3\u06d5\u06ee\u06ef\u06fa-\u06ff\u0700-\u074f\u0750-\u077f\u07c0-\u07fa"
    "\u08a0-\u08ff\u0900-\u0dff\u0f40-\u0fbc\u1000-\u109f\u1780-\u17d3\u1820-\u18aa\ua8e0-\ua8ff\uaa60-\uaa7f"
    "\U00011000-\U000116ff]"
)
"""Letters and marks of scripts that are not written right without joiners: Arabic, Syriac, N'Ko, those of India,
Tibetan, Burmese, Khmer, Mongolian.
"""
_VIRAMA = 9
"""Unicode's combining class of the sign that takes a letter's vowel away: a joiner behind it chooses a form."""
_MONGOLIAN_FORMS = "\u180b\u180c\u180d\u180f"
_HAN_FORMS = re.compile("[\ufe00-\ufe02\U000e0100-\U000e01ef]")
_HAN = re.compile("[\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]")


def unprintable_characters(text: str, kind: str) -> list[str]:
    """The characters that a cell of this kind (id, text, email …) may not hold, in order.

    E-mail leaves line breaks to its own rule; IDs have no full-width letters and digits.
    """
    return [letter for place, letter in enumerate(text) if _is_unprintable(text, place, kind)]


def _is_unprintable(text: str, place: int, kind: str) -> bool:
    letter = text[place]
    if " " <= letter <= "~" or (kind == "email" and letter in LINE_BREAKS):
        return False
    if kind == "id" and _FULL_WIDTH.match(letter):
        return True
    if unicodedata.category(letter) not in _NEVER_SHOWN and not _UNSEEN.match(letter):
        return False
    return kind != "text" or not _is_part_of_a_letter(text, place)


def _is_part_of_a_letter(text: str, place: int) -> bool:
    """A joiner or a variation selector where a script needs it: Persian, Malayalam, Mongolian, Japanese names."""
    letter, before, after = text[place], text[max(place - 1, 0) : place], text[place + 1 : place + 2]
    if letter in _JOINERS:
        joined = _JOINED_SCRIPTS.fullmatch(before)
        ends_well = _JOINED_SCRIPTS.fullmatch(after) or (joined and unicodedata.combining(before) == _VIRAMA)
        return bool(joined and ends_well)
    if letter in _MONGOLIAN_FORMS:
        return "\u1820" <= before <= "\u18aa"
    return bool(_HAN_FORMS.match(letter) and _HAN.fullmatch(before))


def is_damaged(text: str) -> bool:
    """Any text of letters: another program lost some, or saved them twice in two encodings."""
    return "\ufffd" in text or _is_encoded_twice(text) or _has_escapes(text) or _has_signs_between_letters(text)


def is_damaged_name(text: str) -> bool:
    """A person's name: as any text, and no sign stands at a letter where a name has only letters."""
    return is_damaged(text) or _has_signs_for_letters(text) or re.search(r"\\[nrt]", text) is not None


DOUBTFUL = "[^\\x00-\\x7f]|[&\\\\]"
"""A pattern: only texts with a match can be damaged."""

_STRANGE = re.compile("[^\x00-\x7f\u00a0-\u017f\u2010-\u2026\u20ac\u2122]|[\u0112\u0152]")
_CODE_PAGES = {"cp1252": "", "mac_roman": "√¬≈‚", "cp437": "├┬┼─Γ", "cp850": "├┬┼─Ô"}
"""Code pages that UTF-8 is taken for → signs, one of which must be there: letters that names have are no proof."""


def _is_encoded_twice(text: str) -> bool:
    """The text turns into other Latin text when its letters are taken as bytes; apostrophes after É do not count."""
    for code_page, signs in _CODE_PAGES.items():
        if signs and not any(sign in text for sign in signs):
            continue
        repaired = _decoded_again(text, code_page)
        if repaired != text and ("\ufffd" in repaired or not _STRANGE.search(repaired)):
            return True
    return False


def _decoded_again(text: str, code_page: str) -> str:
    """The text with one round of wrong decoding undone; the same text when there was none."""
    try:
        return codecs.charmap_encode(text, "strict", _BYTES[code_page])[0].decode()
    except UnicodeError:
        return text


_UNASSIGNED = b"\x81\x8d\x8f\x90\x9d"
"""Windows-1252 leaves these bytes without a letter; programs pass them through."""


def _letters_of(code_page: str) -> str:
    unassigned = _UNASSIGNED if code_page == "cp1252" else b""
    bytes_ = (bytes([byte]) for byte in range(256))
    return "".join(byte.decode("latin-1" if byte in unassigned else code_page) for byte in bytes_)


_BYTES = {code_page: codecs.charmap_build(_letters_of(code_page)) for code_page in _CODE_PAGES}
"""Code page → its letters' bytes, for `charmap_encode`."""

_ESCAPE = re.compile(r"""\\(?:u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2}|[0-7]{3}|['"\\])""")
_ENTITY = re.compile("&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|([A-Za-z][A-Za-z0-9]{1,31}));")


def _has_escapes(text: str) -> bool:
    """HTML entities and backslash escapes, as web exports leave them."""
    entities = (found[1] is None or f"{found[1]};" in html5 for found in _ENTITY.finditer(text))
    return any(entities) or _ESCAPE.search(text) is not None


_LETTER = r"[^\W\d_]"
_BETWEEN = re.compile(f"(?<={_LETTER})[‚„†‡ˆ‰˜¡¢£¤¥](?={_LETTER})|(?<={_LETTER})[‚ˆ‰¤](?!\\w)")
_AT_A_LETTER = "[‚„†‡ˆ‰‹›•˜™¡¢£¤¥€]"
_AT_LETTERS = re.compile(f"(?<={_LETTER}){_AT_A_LETTER}|{_AT_A_LETTER}(?={_LETTER})")
_INSTEAD_OF_A_LETTER = re.compile(f"(?<={_LETTER})[–—“”…](?={_LETTER})")
_CAPITALS = "ŠŽŒŸ"
_WORD = re.compile(f"{_LETTER}+")
_NO_CAPITAL_THERE = 2
"""So many small letters before a capital one: a prefix such as De or Mc is no longer."""


def _has_signs_between_letters(text: str) -> bool:
    """Signs that Mac Roman's or a DOS code page's letters become when they are read as Windows-1252: Jos‚, Nu¤ez."""
    return not text.isascii() and _BETWEEN.search(text) is not None


def _has_signs_for_letters(text: str) -> bool:
    """As above, where the text is a name: nothing but letters, apostrophes and hyphens stands inside one."""
    if text.isascii():
        return False
    followed = (text[found.end()].islower() for found in _INSTEAD_OF_A_LETTER.finditer(text))
    return bool(_AT_LETTERS.search(text)) or any(followed) or _has_capitals_for_small_letters(text)


def _has_capitals_for_small_letters(text: str) -> bool:
    """JosŽ, AndrŽs, PŽrez; JOSƒ: é and É of Mac Roman. A ƒ among small letters is Ewe."""
    return any(_has_capital_out_of_place(found[0]) for found in _WORD.finditer(text)) or any(
        text[place - 1 : place].isupper() and not text[place + 1 : place + 2].islower()
        for place, letter in enumerate(text)
        if letter == "ƒ"
    )


def _has_capital_out_of_place(word: str) -> bool:
    """In one pass: a word may be as long as a cell."""
    small = 0
    for place, letter in enumerate(word):
        if letter in _CAPITALS and _is_out_of_place(word, place, small):
            return True
        small = small + 1 if letter.islower() else 0
    return False


def _is_out_of_place(word: str, place: int, small: int) -> bool:
    """`small`: so many small letters are right before it."""
    after = word[place + 1 : place + 2]
    if small:
        return small >= _NO_CAPITAL_THERE or not after
    return place == 1 and word[0] != "D" and after.islower()
