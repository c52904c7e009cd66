"""The short mail about a file that is not read, because its name is only near the expected one."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING

from rostersync.model import RemoteFile, Report
from rostersync.reporting import rendering
from rostersync.reporting.facts import day_text, minute_text
from rostersync.reporting.grouping import short

if TYPE_CHECKING:
    from rostersync.configuration.districts import District

KIND = "misnamed"
_NO_DELIVERY = dict.fromkeys(("delivery", "attempt", "dictionary"), "")


def misnamed(district: District, file: RemoteFile, *, reported_at: datetime) -> Report:
    """Its kind names the file, by a digest of name and time: one such mail a file is enough.

    The name is the district's own, shown to its contacts alone: shortened, without invisible characters.
    """
    name, expected = short(file.name), _pattern(district, file.name.casefold())
    shown = {
        "subject": f"{' '.join(district.name.split())}, {day_text(reported_at, district.timezone)}: a file was not "
        f"read - please name it {_expected(expected)}",
        "tone": "stopped",
        "badge": "Not read",
        "verdict": f"A file in your folder was not read, because it is named “{name}”.",
        "paragraphs": [
            f"The name must be {_expected(expected)}, capital and small letters included. Nothing was changed.",
            "Rename it, or save it again under that name, and put it in the same folder; it is read the next night.",
            _advice(file.name.casefold()),
        ],
        "footer": _NO_DELIVERY
        | {"district": district.name, "received": minute_text(file.modified_at, district.timezone)},
    }
    shown["paragraphs"] = [paragraph for paragraph in shown["paragraphs"] if paragraph]
    identity = hashlib.sha256(f"{file.name}\n{file.modified_at.isoformat()}".encode()).hexdigest()[:16]
    return Report(
        kind=f"{KIND} {identity}",
        subject=str(shown["subject"]),
        text=rendering.text_of("notice", **shown),
        html=rendering.html_of("notice", **shown),
    )


def _pattern(district: District, name: str) -> str:
    """What the name must match: a workbook's, where workbooks are read."""
    patterns = district.source.patterns(workbooks=district.policies.workbooks)
    return next(
        (pattern for pattern in patterns if name.endswith(pattern[-5:]) and name.endswith(".xlsx")), patterns[0]
    )


def _expected(pattern: str) -> str:
    """The name; where several will do, what they look like."""
    if any(sign in pattern for sign in "*?["):
        return f"like {pattern} (the * stands for any letters and digits)"
    return pattern


def _advice(name: str) -> str:
    """Where such a name comes from, so that it does not come again."""
    if "errors" in name:
        return "It looks like our list of rows to correct. Corrected, it can be sent under the name above."
    if name.endswith((".csv.txt", ".csv.csv", ".txt")):
        return "Your computer may hide the end of file names. In Windows, switch on View, Show, File name extensions."
    if name.endswith((".xls", ".xlsm", ".ods", ".numbers")):
        return "In your spreadsheet program choose Save as, then CSV UTF-8 (comma delimited)."
    return ""
