"""The watcher's mail to the operators: through the outbox, once for each set of alerts."""

from __future__ import annotations

from collections.abc import Sequence

from rostersync import ledger, mailing, reporting
from rostersync.catalogue.alerts import Alert, fingerprint
from rostersync.pipeline.context import Edges, transaction
from rostersync.pipeline.notifications import OPERATORS
from rostersync.pipeline.sending import relay_district


def mail_digest(edges: Edges, alerts: Sequence[Alert]) -> bool:
    """Tell the operators, unless the mail before told of just these alerts; whether there was a mail to send.

    What is fine is not told, except after something was not. Raises DatabaseUnavailable.
    """
    report = reporting.digest(alerts, at=edges.clock())
    with transaction(edges, OPERATORS) as conn:
        before = ledger.last_report_kind(conn, OPERATORS, f"{reporting.DIGEST} ")
        told = before.rpartition(" ")[2] if before else fingerprint(())
        if not edges.ops or told == fingerprint(alerts):
            return False
        added = mailing.enqueue(
            conn,
            district=OPERATORS,
            allowed=lambda address: address in edges.ops,
            delivery=None,
            attempt=None,
            report=report,
            recipients=edges.ops,
            at=edges.clock(),
        )
    relay_district(edges, OPERATORS)
    return added > 0
