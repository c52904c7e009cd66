"""A package as it lies there, a zip or a folder → the bytes of the files that are read, within limits."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Final

from rostersync.catalogue.findings import make_finding
from rostersync.model import Finding
from rostersync.reading.workbook_archive import BROKEN_ARCHIVE, ENCRYPTED, METHODS

MAX_ENTRIES: Final = 64
MAX_BYTES: Final = 200 << 20
"""Of the archive, and of each file in it when unpacked."""
MAX_UNPACKED: Final = 1 << 30
MAX_RATIO: Final = 200
_SMALL: Final = 1 << 20
_SLICE: Final = 1 << 20
_NO_FILES: Final = ("__MACOSX", ".DS_Store")
_ARCHIVES: Final = (".zip", ".gz", ".7z", ".rar", ".tar")


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """`names`: every file of the package. `files`: name → bytes of those that are read."""

    names: tuple[str, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


class _Refusal(Exception):
    """The finding that refuses the package."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.code)
        self.finding = finding


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """A file of the package: its place, its size when packed, and how it is opened."""

    place: str
    packed: int
    open: Callable[[], IO[bytes]]


def open_package(path: Path, wanted: Collection[str]) -> Package:
    """The files of these names. What cannot be opened is a finding; raises OSError when the path cannot be read."""
    try:
        if path.is_dir():
            return _read(list(_folder_entries(path)), wanted, MAX_UNPACKED)
        return _from_zip(path, wanted)
    except _Refusal as refusal:
        return Package(findings=(refusal.finding,))


def is_zip(path: Path) -> bool:
    """Whether the file begins as archives do; whether it is a whole one is seen when it is opened."""
    with path.open("rb") as file:
        return file.read(2) == b"PK"


def _from_zip(path: Path, wanted: Collection[str]) -> Package:
    if path.stat().st_size > MAX_BYTES:
        raise _too_large(f"has more than {MAX_BYTES >> 20} MB")
    try:
        with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            _check_entries(entries)
            return _read([_zip_entry(archive, entry) for entry in entries], wanted, MAX_UNPACKED)
    except BROKEN_ARCHIVE as error:
        raise _unusable("is damaged, or was cut off on its way") from error


def _check_entries(entries: Collection[zipfile.ZipInfo]) -> None:
    if any(entry.flag_bits & ENCRYPTED for entry in entries):
        raise _unusable("is protected by a password")
    if any(stat.S_ISLNK(entry.external_attr >> 16) for entry in entries):
        raise _unusable("holds a link to another file")
    if any(entry.compress_type not in METHODS for entry in entries):
        raise _unusable("is packed in a way that is not read here")


def _zip_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> _Entry:
    return _Entry(place=entry.filename, packed=entry.compress_size, open=lambda: archive.open(entry))


def _folder_entries(folder: Path) -> Iterator[_Entry]:
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            raise _unusable("holds a link to another file")
        if path.is_file():
            place = path.relative_to(folder).as_posix()
            yield _Entry(place=place, packed=path.stat().st_size, open=lambda path=path: path.open("rb"))  # type: ignore[misc]


def _read(entries: Collection[_Entry], wanted: Collection[str], left: int) -> Package:
    kept = [entry for entry in entries if not set(PurePosixPath(entry.place).parts) & set(_NO_FILES)]
    top = _check_places([entry.place for entry in kept])
    files: dict[str, bytes] = {}
    for entry in kept:
        name = PurePosixPath(entry.place).name
        if name in wanted:
            files[name] = _bytes_of(entry, left)
            left -= len(files[name])
    remarks = (make_finding("package-folder", folders=1),) if top else ()
    return Package(names=tuple(PurePosixPath(entry.place).name for entry in kept), files=files, findings=remarks)


def _check_places(places: Collection[str]) -> bool:
    """Whether everything lies in one folder. Raises a refusal for every other place, name or number of files."""
    if len(places) > MAX_ENTRIES:
        raise _too_large(f"holds {len(places):,} files; at most {MAX_ENTRIES} are read")
    if len({place.casefold() for place in places}) < len(places):
        raise _unusable("holds two files of one name, capital and small letters not told apart")
    if any(place.casefold().endswith(_ARCHIVES) for place in places):
        raise _unusable("holds another archive")
    paths = [PurePosixPath(place) for place in places]
    if any(path.is_absolute() or ".." in path.parts or "\\" in str(path) or ":" in str(path) for path in paths):
        raise _unusable("holds a file whose place lies outside of it")
    folders = {path.parent for path in paths}
    if folders - {PurePosixPath()} and (len(folders) > 1 or any(len(folder.parts) > 1 for folder in folders)):
        raise _unusable("holds its files in several folders")
    return bool(folders - {PurePosixPath()})


def _bytes_of(entry: _Entry, left: int) -> bytes:
    """What the entry really holds: its own word for its size is not asked."""
    most = min(MAX_BYTES, left)
    parts, size = [], 0
    with entry.open() as file:
        while part := file.read(_SLICE):
            size += len(part)
            if size > most:
                raise _too_large(f"grows to more than {most >> 20} MB when unpacked")
            if size > max(_SMALL, MAX_RATIO * entry.packed):
                raise _too_large(f"grows to more than {MAX_RATIO} times its size when unpacked")
            parts.append(part)
    return b"".join(parts)


def _unusable(problem: str) -> _Refusal:
    return _Refusal(make_finding("package-zip", problem=problem))


def _too_large(problem: str) -> _Refusal:
    return _Refusal(make_finding("package-too-large", problem=problem))
