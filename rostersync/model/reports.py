"""A message and its files, before anybody is addressed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFile:
    """A file of a report. `attached`: it goes with the mail. `target`: its name in the district's reports folder."""

    name: str
    media_type: str
    content: bytes
    attached: bool = True
    target: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Facts and wording of one message, before anybody is addressed."""

    kind: str
    subject: str
    text: str
    html: str
    files: tuple[ReportFile, ...] = ()
