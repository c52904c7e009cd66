"""A message and its files, before anybody is addressed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFile:
    """A file of a report. `attached`: it goes with the mail. `target`: its name in the district's reports folder.

    `personal`: it holds people's data, which not every contact wants by mail.
    """

    name: str
    media_type: str
    content: bytes
    attached: bool = True
    target: str | None = None
    personal: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterSchool:
    """A school of the roster, as reports name it."""

    school_id: str
    name: str
    active: bool = True

    @property
    def shown(self) -> str:
        """'Lincoln Elementary (0100)'."""
        return f"{self.name} ({self.school_id})" if self.name else self.school_id

    @property
    def place(self) -> tuple[str, str]:
        """Sorts schools by name."""
        return (self.name.casefold(), self.school_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Facts and wording of one message, before anybody is addressed."""

    kind: str
    subject: str
    text: str
    html: str
    files: tuple[ReportFile, ...] = ()
