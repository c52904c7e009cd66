"""What is counted, by entity and by bucket."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

ENTITIES = ("school", "staff", "class", "enrollment")
BUCKETS = ("created", "updated", "unchanged", "removed", "errors")


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCounts:
    """Data rows of a file: read = accepted + rejected + set_aside."""

    read: int = 0
    accepted: int = 0
    rejected: int = 0
    set_aside: int = 0


Counts = Mapping[str, Mapping[str, int]]
"""entity (ENTITIES) → bucket (BUCKETS) → distinct entities."""
