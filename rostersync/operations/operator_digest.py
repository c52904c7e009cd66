"""The watcher's mail to the operators: through the outbox, once for each set of alerts."""

from __future__ import annotations

from collections.abc import Sequence

from rostersync import ledger, mailing, reporting
from rostersync.catalogue.alerts import Alert, fingerprint
from rostersync.pipeline.context import Services, district_transaction
from rostersync.pipeline.notifications import OPERATORS
from rostersync.pipeline.sending import relay_district


def mail_digest(services: Services, alerts: Sequence[Alert]) -> bool:
    """Tell the operators, unless the mail before told of just these alerts; whether there was a mail to send.

    What is fine is not told, except after something was not. Raises DatabaseUnavailable.
    """
    report = reporting.operator_digest(alerts, at=services.clock())
    with district_transaction(services, OPERATORS) as conn:
        before = ledger.last_report_kind(conn, OPERATORS, f"{reporting.DIGEST} ")
        told = before.rpartition(" ")[2] if before else fingerprint(())
        if not services.ops or told == fingerprint(alerts):
            return False
        added = mailing.enqueue(
            conn,
            district=OPERATORS,
            allowed=lambda address: address in services.ops,
            delivery=None,
            attempt=None,
            report=report,
            recipients=services.ops,
            at=services.clock(),
        )
    relay_district(services, OPERATORS)
    return added > 0
