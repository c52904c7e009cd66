"""What the bytes are: empty, another kind of file, UTF-16, binary, UTF-8 or Windows-1252. The first fault ends it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rostersync.catalogue.findings import make_finding
from rostersync.model import Finding, Severity

if TYPE_CHECKING:
    from rostersync.reading.workbook import Numbers

BOM: Final = b"\xef\xbb\xbf"
_SLICE: Final = 1 << 20

_NOT_BLANK = re.compile(rb"[^\r\n\t ,\x1a]")
_MARKUP = re.compile(rb"\s*<(?:!doctype|html|head|body|table|!--|meta)\b", re.IGNORECASE)
_JSON = re.compile(rb"\s*(?:\{\s*\"|\[\s*[{\"\[])")
# Lead byte and the right number of continuation bytes. Overlong forms and surrogates are included on purpose: such a
# file is broken UTF-8 and must not pass as Windows-1252.
_MULTIBYTE = re.compile(rb"[\xc0-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf7][\x80-\xbf]{3}")

_ZIP: Final = b"PK\x03\x04"
_OFFICE_PARTS: Final = (
    (b"word/document.xml", "a Word document (.docx)"),
    (b"ppt/presentation.xml", "a presentation (.pptx)"),
    (b"xl/workbook.bin", "a binary Excel workbook (.xlsb)"),
    (b"opendocument.spreadsheet", "an OpenDocument spreadsheet (.ods)"),
)
"""What an archive of an office program holds, in plain sight: names are never packed."""
_OFFICE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_BOOK: Final = "EncryptedPackage".encode("utf-16-le")
_MAGIC: Final[tuple[tuple[bytes, str], ...]] = (
    (_ZIP, "a zip archive"),
    (b"PK\x05\x06", "an empty zip archive"),
    (_OFFICE, "an old Excel workbook (.xls) or another Office document"),
    (b"%PDF", "a PDF document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"(\xb5/\xfd", "a Zstandard archive"),
    (b"PAR1", "a Parquet file"),
    (b"SQLite format 3\x00", "a SQLite database"),
    (b"\x89PNG", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"GIF8", "a picture (GIF)"),
    (b"{\\rtf", "a rich text document (RTF)"),
    (b"-----BEGIN PGP", "an encrypted file (PGP)"),
    (b"<?xml", "an XML file"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """UTF-8 bytes and where they start (after a byte order mark), or the finding that refuses them.

    `numbers`: of a workbook's sheet, position of a column → its cells that hold numbers; None: a text file.
    """

    data: bytes
    start: int = 0
    encoding: str = "utf-8"
    findings: tuple[Finding, ...] = ()
    numbers: Mapping[int, Numbers] | None = None

    @property
    def refused(self) -> bool:
        return any(f.severity is Severity.FILE for f in self.findings)


def line_at(data: bytes, offset: int) -> int:
    """Physical line (1-based) of a byte: LF, CRLF and a lone CR each end one."""
    breaks = data.count(b"\n", 0, offset) + data.count(b"\r", 0, offset) - data.count(b"\r\n", 0, offset)
    return 1 + breaks


def first_filled(data: bytes, start: int) -> int:
    """Offset of the first byte that is not a space, a comma or a line break; -1 when there is none."""
    match = _NOT_BLANK.search(data, start)
    return match.start() if match else -1


def recognise(data: bytes, *, fallback_encoding: bool) -> Content:
    """Make sure of the bytes, drop a byte order mark and a closing Ctrl-Z, give UTF-8."""
    start = len(BOM) if data.startswith(BOM) else 0
    fault = _not_text(data, start)
    if fault is not None:
        return Content(data=b"", findings=(fault,))
    content = _decoded(data, start, fallback_encoding=fallback_encoding)
    return content if content.refused else _without_ctrl_z(content)


def _not_text(data: bytes, start: int) -> Finding | None:
    if first_filled(data, start) < 0:
        return make_finding("file-empty", size=len(data))
    kind = _kind(data, start)
    if kind is not None:
        return make_finding("file-not-csv", format=kind)
    wide = _wide(data)
    if wide is not None:
        return make_finding("file-encoding", problem=f"is {wide}, not UTF-8", bad_line=1)
    nul = data.find(b"\0")
    if nul >= 0:
        return make_finding("file-control-character", bad_line=line_at(data, nul))
    return None


def _kind(data: bytes, start: int) -> str | None:
    head = data[start : start + 4096]
    if head.startswith(_ZIP):
        for part, kind in _OFFICE_PARTS:
            if part in data:
                return kind
    if head.startswith(_ZIP) and (b"[Content_Types].xml" in head or b"xl/" in head):
        return "an Excel workbook (.xlsx)"
    if head.startswith(_OFFICE) and _ENCRYPTED_BOOK in data:
        return "an Excel workbook with a password"
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if _MARKUP.match(head):
        return "a web page (HTML)"
    return "a JSON file" if _JSON.match(head) else None


def _wide(data: bytes) -> str | None:
    """UTF-32 or UTF-16 by its mark, or by the places of its NULs."""
    if data.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        return "UTF-32"
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "UTF-16"
    head = data[:4096]
    half = len(head) // 2
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if 0.65 * len(head) < even + odd < 0.9 * len(head):
        return "UTF-32"
    return "UTF-16" if half and max(even, odd) > 0.5 * half > 5 * min(even, odd) else None


def _decoded(data: bytes, start: int, *, fallback_encoding: bool) -> Content:
    bad = _first_not_utf8(data, start)
    if bad is None:
        return Content(data=data, start=start)
    line = line_at(data, bad)
    if _cut_character(data, bad):
        problem = "ends in the middle of a character, so the upload was cut off"
    elif start or _MULTIBYTE.search(data):
        problem = "mixes UTF-8 with another encoding"
    else:
        text = _from_windows_1252(data) if fallback_encoding else None
        if text is not None:
            remark = make_finding("file-encoding-fallback", bad_line=line)
            return Content(data=text, encoding="windows-1252", findings=(remark,))
        problem = "holds bytes that are not UTF-8"
    return Content(data=b"", findings=(make_finding("file-encoding", problem=problem, bad_line=line),))


def _first_not_utf8(data: bytes, start: int) -> int | None:
    """Offset of the first byte that is not UTF-8; looks slice by slice, so that no second copy of the file is held."""
    if data.isascii():
        return None
    while start < len(data):
        end = start + _SLICE
        try:
            data[start:end].decode("utf-8")
        except UnicodeDecodeError as error:
            if end >= len(data) or error.reason != "unexpected end of data":
                return start + error.start
            end = start + error.start
        start = end
    return None


def _cut_character(data: bytes, bad: int) -> bool:
    tail = data[bad:]
    if len(tail) > 3:
        return False
    try:
        tail.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return False


def _from_windows_1252(data: bytes) -> bytes | None:
    try:
        slices = (data[at : at + _SLICE].decode("cp1252") for at in range(0, len(data), _SLICE))
        return b"".join(text.encode("utf-8") for text in slices)
    except UnicodeDecodeError:
        return None


def _without_ctrl_z(content: Content) -> Content:
    tail = content.data[-4096:]
    kept = len(tail.rstrip(b"\x1a\r\n"))
    mark = tail.find(b"\x1a", kept)
    if mark < 0:
        return content
    end = len(content.data) - len(tail) + mark
    return Content(
        data=content.data[:end],
        start=content.start,
        encoding=content.encoding,
        findings=(*content.findings, make_finding("file-ctrl-z")),
    )
