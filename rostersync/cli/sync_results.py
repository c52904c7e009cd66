"""What a delivery came to, for a person at the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rostersync.configuration import dictionary as dictionaries
from rostersync.model import BUCKETS, ENTITIES, Severity
from rostersync.pipeline import SyncResult
from rostersync.reporting.grouping import faults, groups

HEADINGS = {"unchanged": "no changes"}


def result_lines(result: SyncResult, dry_run: bool = False) -> Iterator[str]:
    """A result for a person: outcome, rows, counts, and what to do about each kind of finding."""
    would = " (dry run: nothing was written)" if dry_run else ""
    yield f"{result.district}: {result.outcome.value.replace('_', ' ')}{would}"
    if result.delivery:
        yield f"  delivery {result.delivery}" + (f", attempt {result.attempt}" if result.attempt else "")
    for remark in (result.set_aside, result.error):
        if remark:
            yield f"  {remark}"
    if result.rows.read:
        rows = result.rows
        told = (("read", rows.read), ("accepted", rows.accepted), ("rejected", rows.rejected))
        yield "  rows: " + ", ".join(f"{word} {n:,}" for word, n in (*told, ("set aside", rows.set_aside)))
    if any(number for buckets in result.counts.values() for number in buckets.values()):
        yield from _counts(result)
    yield from _problems(result)


def _counts(result: SyncResult) -> Iterator[str]:
    yield "  " + " " * 12 + "".join(f"{HEADINGS.get(bucket, bucket):>12}" for bucket in BUCKETS)
    for entity in ENTITIES:
        numbers = result.counts.get(entity, {})
        yield f"  {entity:<12}" + "".join(f"{numbers.get(bucket, 0):>12,}" for bucket in BUCKETS)


def _problems(result: SyncResult) -> Iterator[str]:
    dictionary = dictionaries.load_dictionary()
    for severity in (Severity.FILE, Severity.HOLD):
        for fault in faults(result.findings, severity, dictionary, headers_shown=False):
            yield f"  {fault.message}  [{fault.code}]"
            yield f"      What to do: {fault.resolution}"
    for group in groups(result.findings, Severity.ROW, dictionary, listed=False):
        yield f"  {group.count:,} x {group.code}" + (f" ({group.lines})" if group.lines else "")
        yield f"      What to do: {group.resolution}"
