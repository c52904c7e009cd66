"""Inboxes that two districts share: whose a file is could not be said, so neither may read there."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from itertools import combinations, product, starmap

from rostersync.configuration.district import Source
from rostersync.model import PROCESSED

Place = tuple[object, ...]
"""A folder, the same however it is written: the server (or this machine) and the folder there."""
Account = Callable[[str], tuple[object, ...]]
"""What an SFTP connection id stands for: the same for two ids of one login at one server."""


@dataclass(frozen=True, slots=True)
class _Inbox:
    """Where a district's files are read, and the folders that its own run writes to."""

    place: Place
    patterns: tuple[str, ...]
    written: frozenset[Place]


def connection_id(connection: str) -> tuple[object, ...]:
    """The id itself, as it is written in environment variables: all that is known without credentials."""
    return (connection.lower().replace("-", "_"),)


def overlapping_inboxes(sources: Mapping[str, Source], account: Account = connection_id) -> dict[str, list[str]]:
    """District code → codes of the districts, sorted, whose files it could read, or that could read its own.

    So it is for one folder with patterns that one name may match both, however the folder is written or linked, and
    for an inbox that is another district's folder of read files or of reports.
    """
    inboxes = {code: _inbox(source, account) for code, source in sources.items()}
    overlapping: dict[str, set[str]] = defaultdict(set)
    for one, other in _pairs_with_a_common_folder(inboxes):
        if _overlap(inboxes[one], inboxes[other]):
            overlapping[one].add(other)
            overlapping[other].add(one)
    return {code: sorted(overlapping[code]) for code in sorted(overlapping)}


def _pairs_with_a_common_folder(inboxes: Mapping[str, _Inbox]) -> Iterator[tuple[str, str]]:
    """Among thousands of districts these are few."""
    by_place: dict[Place, list[str]] = defaultdict(list)
    for code, inbox in inboxes.items():
        for place in {inbox.place, *inbox.written}:
            by_place[place].append(code)
    for codes in by_place.values():
        yield from combinations(codes, 2)


def _overlap(one: _Inbox, other: _Inbox) -> bool:
    if one.place == other.place:
        return any(starmap(patterns_overlap, product(one.patterns, other.patterns)))
    return one.place in other.written or other.place in one.written


def _inbox(source: Source, account: Account) -> _Inbox:
    def place(inside: str) -> Place:
        if source.sftp is None:
            return _folder_place(source, inside)
        return (*account(source.sftp), _sftp_path(source, inside))

    written = frozenset(place(folder) for folder in (PROCESSED, source.reports))
    return _Inbox(place=place(""), patterns=source.patterns(), written=written)


def _folder_place(source: Source, inside: str) -> Place:
    """Links are followed: the folder itself is what counts, by its number where there is one."""
    path = (source.folder / inside).resolve()
    try:
        status = path.stat()
    except OSError:
        return ("this machine", str(path))
    return ("this machine", status.st_dev, status.st_ino)


def _sftp_path(source: Source, inside: str) -> str:
    """What a server shows below a login's home and at its root may be the same folder: both count as one."""
    return posixpath.normpath("/" + posixpath.join(source.directory, inside).lstrip("/"))


def patterns_overlap(one: str, other: str) -> bool:
    """Whether some file name matches both patterns (`*`, `?`, `[…]`, as in fnmatch)."""
    first, second = _tokens(one), _tokens(other)

    @cache
    def overlap_from(i: int, j: int) -> bool:
        if i == len(first) or j == len(second):
            return {*first[i:], *second[j:]} <= {"*"}
        if first[i] == "*" or second[j] == "*":  # the star is over, or it takes what the other pattern has next
            return overlap_from(i + 1, j) or overlap_from(i, j + 1)
        return _share_a_character(first[i], second[j]) and overlap_from(i + 1, j + 1)

    return overlap_from(0, 0)


def _tokens(pattern: str) -> list[str]:
    """The pattern's parts that stand for one character each, and its stars."""
    return re.findall(r"\[[!^]?\]?[^\]]*\]|.", pattern, re.DOTALL)


_ALPHABET = [chr(code) for code in range(0x20, 0x250)]


def _share_a_character(one: str, other: str) -> bool:
    """Whether one character matches both tokens; classes are tried over Latin letters and what they name."""
    if len(one) == len(other) == 1 and "?" not in (one, other):
        return one == other
    candidates: Iterable[str] = (*one, *other, *_ALPHABET)
    return any(fnmatchcase(letter, one) and fnmatchcase(letter, other) for letter in candidates)
