"""email: send what the outbox holds for a district. The roster work is done before; a mail server cannot undo it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rostersync import crash, mailing
from rostersync.pipeline.edges import Edges, Run


def email(edges: Edges, run: Run, code: str, delivery: str) -> Mapping[str, Any]:
    """Hand the district's due mails to the mail server, those that earlier nights deferred too.

    What the server cannot take now stays deferred: that is no failure of this task.
    """
    if run.dry_run:
        return {"delivery": delivery}
    crash.point("email.before_send")
    counts = mailing.relay(edges.engine, edges.sender, clock=edges.clock, district=code)
    crash.point("email.after_send")
    return {"delivery": delivery, **asdict(counts)}


def send_due(edges: Edges) -> Mapping[str, int]:
    """Hand over every mail that is due, of all districts; counts. A mail server that is away is no failure."""
    return asdict(mailing.relay(edges.engine, edges.sender, clock=edges.clock))
