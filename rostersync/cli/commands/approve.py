"""`rostersync approve`: apply a held delivery, without Airflow."""

from __future__ import annotations

from typing import Annotated

import typer

from rostersync.cli.environment import actor, open_services
from rostersync.cli.exit_codes import CODES
from rostersync.cli.options import DeliveryArgument, Format, FormatOption
from rostersync.cli.reviews import print_result, say_decided_before, send_mails
from rostersync.operations import reviewing


def approve(
    delivery: DeliveryArgument,
    without_held_schools: Annotated[
        bool, typer.Option("--without-held-schools", help="Leave out the schools that are held.")
    ] = False,
    format_: FormatOption = Format.TEXT,
) -> int:
    """Apply a held delivery as its plan shows it."""
    with open_services() as opened:
        reviewed = reviewing.approve(opened, delivery, actor=actor(), without_held_schools=without_held_schools)
        send_mails(opened, reviewed)
    if reviewed.result is None:
        return say_decided_before(reviewed)
    print_result(reviewed.result, format_)
    return CODES[reviewed.result.outcome]
