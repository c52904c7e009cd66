"""The zip archive that a workbook is: looked at before anything of it is unpacked, and unpacked within limits."""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import Final
from xml.parsers import expat

MAX_BYTES: Final = 50 << 20
MAX_ENTRIES: Final = 64
MAX_UNPACKED: Final = 500 << 20
MAX_RATIO: Final = 200
"""Bytes unpacked for a byte packed. A part that is small when unpacked does no harm, however well it was packed."""
_SMALL: Final = 1 << 20
_MAGIC: Final = b"PK\x03\x04"
ENCRYPTED: Final = 0x1
METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BOOK: Final = "xl/workbook.xml"
_LINKS: Final = "xl/_rels/workbook.xml.rels"
_KEPT: Final = frozenset({"[content_types].xml", "_rels/.rels", _BOOK, _LINKS, "xl/sharedstrings.xml", "xl/styles.xml"})
_WRITTEN: Final = {"[content_types].xml": "[Content_Types].xml", "xl/sharedstrings.xml": "xl/sharedStrings.xml"}
"""Names as every program writes them: the library looks for them in these letters."""
BROKEN_ARCHIVE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OSError,
)
"""What `zipfile` raises for archives that are damaged, encrypted or packed in a way of their own."""
DAMAGED: Final = "a damaged Excel workbook"


class UnreadableWorkbook(Exception):
    """The workbook cannot be read; the text says what it is ("an Excel workbook with macros")."""


class Parts:
    """The parts of a workbook that are read, by their names in small letters, and which of its sheets is the first.

    Raises UnreadableWorkbook when there is none. `number`: of the first visible sheet, from 0, in the book's order.
    """

    def __init__(self, parts: Mapping[str, bytes]) -> None:
        self._parts = parts
        self.number, self._sheet = self._first_visible_sheet()

    @property
    def sheet(self) -> bytes:
        """The XML of the first visible sheet."""
        return self._part(self._sheet)

    def archive(self) -> io.BytesIO:
        """A workbook of this sheet alone, so that the library meets no part and no packing that was not looked at."""
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
            for name in sorted({*(_KEPT & self._parts.keys()), self._sheet}):
                archive.writestr(_WRITTEN.get(name, name), self._part(name))
        target.seek(0)
        return target

    def _first_visible_sheet(self) -> tuple[int, str]:
        links = {link.get("Id"): link for link in elements(self._part(_LINKS), "Relationship")}
        for number, sheet in enumerate(elements(self._part(_BOOK), "sheet")):
            link = links.get(_local(sheet).get("id"), {})
            if sheet.get("state", "visible") == "visible" and link.get("Type", "").endswith("/worksheet"):
                target = posixpath.join("/xl", link.get("Target", ""))
                return number, posixpath.normpath(target).lstrip("/").lower()
        raise UnreadableWorkbook(DAMAGED)

    def _part(self, name: str) -> bytes:
        if name not in self._parts:
            raise UnreadableWorkbook(DAMAGED)
        return self._parts[name]


def is_workbook(data: bytes) -> bool:
    """Whether the bytes are a whole archive with a workbook in it; a part of one is another kind of file."""
    if not data.startswith(_MAGIC):
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return any(entry.filename.lower() == _BOOK for entry in archive.infolist())
    except BROKEN_ARCHIVE:
        return False


def unpacked(data: bytes) -> Parts:
    """The parts of the workbook. Raises UnreadableWorkbook when it is beyond the limits, encrypted or has macros."""
    if len(data) > MAX_BYTES:
        raise UnreadableWorkbook(f"an Excel workbook of more than {MAX_BYTES >> 20} MB")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            for reason in _refusals(entries):
                raise UnreadableWorkbook(reason)
            texts = [entry for entry in entries if entry.filename.lower().endswith((".xml", ".rels"))]
            parts = {entry.filename.lower(): archive.read(entry) for entry in texts}
    except BROKEN_ARCHIVE as error:
        raise UnreadableWorkbook(DAMAGED) from error
    if b"macroenabled" in parts.get("[content_types].xml", b"").lower():
        raise UnreadableWorkbook("an Excel workbook with macros")
    return Parts(parts)


def _refusals(entries: list[zipfile.ZipInfo]) -> Iterator[str]:
    """Told by the archive's directory alone: nothing is unpacked for it."""
    names = [entry.filename.lower() for entry in entries]
    if any(name.endswith("vbaproject.bin") or "/macrosheets/" in name for name in names):
        yield "an Excel workbook with macros"
    if any(entry.flag_bits & ENCRYPTED for entry in entries):
        yield "an Excel workbook with a password"
    if len(entries) > MAX_ENTRIES:
        yield f"an Excel workbook of {len(entries):,} parts (at most {MAX_ENTRIES} are read)"
    if sum(entry.file_size for entry in entries) > MAX_UNPACKED:
        yield f"an Excel workbook of more than {MAX_UNPACKED >> 20} MB when unpacked"
    if any(entry.file_size > max(_SMALL, MAX_RATIO * entry.compress_size) for entry in entries):
        yield f"an Excel workbook that grows to more than {MAX_RATIO} times its size when unpacked"
    if len(set(names)) < len(names) or any(entry.compress_type not in METHODS for entry in entries):
        yield DAMAGED


def elements(xml: bytes, name: str) -> list[dict[str, str]]:
    """The attributes of every element of this name, whatever its prefix. Raises UnreadableWorkbook."""
    found: list[dict[str, str]] = []

    def start(element: str, attributes: dict[str, str]) -> None:
        if element.rpartition(":")[2] == name:
            found.append(attributes)

    parser = xml_parser()
    parser.StartElementHandler = start
    parse(parser, xml)
    return found


def xml_parser() -> expat.XMLParserType:
    """A parser of UTF-8 that refuses a document type: entities are how small XML grows large."""
    parser = expat.ParserCreate("utf-8")
    parser.StartDoctypeDeclHandler = _refuse_document_type
    return parser


def parse(parser: expat.XMLParserType, xml: bytes) -> None:
    """Parse a whole part. Raises UnreadableWorkbook when it is no XML."""
    try:
        parser.Parse(xml, True)
    except expat.ExpatError as error:
        raise UnreadableWorkbook(DAMAGED) from error


def _refuse_document_type(*_: object) -> None:
    raise UnreadableWorkbook(DAMAGED)


def _local(attributes: Mapping[str, str]) -> dict[str, str]:
    return {name.rpartition(":")[2]: value for name, value in attributes.items()}
