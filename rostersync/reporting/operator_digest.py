"""The operators' digest: what needs their look, each with what to do and where to read on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from rostersync.catalogue.alerts import Alert, fingerprint
from rostersync.model import Report
from rostersync.reporting import rendering
from rostersync.reporting.facts import amount

KIND = "watch"
SHOWN = 100
"""More than that is told as a number: the command lists them all."""


def operator_digest(alerts: Sequence[Alert], *, at: datetime) -> Report:
    """The mail about these alerts (none: all is well again). Its kind names day and set: one such mail is enough."""
    told = amount(len(alerts), "thing") + (" needs a look" if len(alerts) == 1 else " need a look")
    headline = f"{told[0].upper()}{told[1:]}" if alerts else "Everything is fine again"
    facts = {
        "headline": headline,
        "subject": f"Rostersync: {told if alerts else 'everything is fine again'}",
        "alerts": alerts[:SHOWN],
        "more": max(0, len(alerts) - SHOWN),
        "at": f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC",
    }
    return Report(
        kind=f"{KIND} {at.astimezone(UTC).date().isoformat()} {fingerprint(alerts)}",
        subject=str(facts["subject"]),
        text=rendering.text_of("digest", **facts),
        html=rendering.html_of("digest", **facts),
    )
