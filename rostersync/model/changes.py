"""Changes of records: planned, made, taken back, or brought by a date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One record that a plan would change, or a change that was made: images before (None: created) and after."""

    entity: str
    key: tuple[str, ...]
    action: str
    line: int | None
    before: Mapping[str, Any] | None
    after: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedAttempt:
    """An attempt that was applied and not undone; `approved`: a person had seen its plan and approved it."""

    delivery: str
    number: int
    approved: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """A person's ID that was corrected from `old` to `new`, in the change log's order (`change`)."""

    change: int
    old: str
    new: str


class NotRestoredReason(StrEnum):
    """Why an undo leaves something as it is."""

    CHANGED = "changed"
    BY_HAND = "by-hand"
    OWNER = "owner"
    GONE = "gone"
    TAKEN = "taken"
    IN_USE = "in-use"
    INACTIVE = "inactive"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotRestored:
    """What an undo leaves: a field of a record, or (None) the record. `since_…`: who changed the record afterwards."""

    entity: str
    key: tuple[str, ...]
    field: str | None
    reason: NotRestoredReason
    since_delivery: str | None = None
    since_actor: str | None = None
    since_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DateChanges:
    """What passing days did to a district: assignments that started and ended, and people deactivated by that."""

    started: int = 0
    ended: int = 0
    deactivated: int = 0

    def __bool__(self) -> bool:
        return bool(self.started or self.ended or self.deactivated)
