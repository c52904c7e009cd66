"""`rostersync discard`: set a held delivery aside for good, without Airflow."""

from __future__ import annotations

from typing import Annotated

import typer

from rostersync.cli.environment import actor, open_services
from rostersync.cli.exit_codes import FINE
from rostersync.cli.options import DeliveryArgument
from rostersync.cli.reviews import say_decided_before, send_mails
from rostersync.operations import reviewing


def discard(
    delivery: DeliveryArgument,
    reason: Annotated[str, typer.Option(help="Why; kept in the ledger. No personal data.")],
) -> int:
    """Do not apply a held delivery; its contacts are told."""
    with open_services() as opened:
        reviewed = reviewing.discard(opened, delivery, actor=actor(), reason=reason)
        send_mails(opened, reviewed)
    if not reviewed.decided:
        return say_decided_before(reviewed)
    print(f"{reviewed.district}: discarded\n  delivery {reviewed.delivery}")
    return FINE
