"""`rostersync plan`: what a held delivery would change, without Airflow."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rostersync import ledger, reporting
from rostersync.cli.environment import open_services
from rostersync.cli.exit_codes import HELD
from rostersync.cli.options import DeliveryArgument, Format, FormatOption
from rostersync.cli.output import say
from rostersync.cli.reviews import print_result, say_decided_before
from rostersync.operations import held_deliveries
from rostersync.pipeline.context import district_transaction


def plan(
    delivery: DeliveryArgument,
    format_: FormatOption = Format.TEXT,
    csv: Annotated[Path | None, typer.Option(help="Write every change here, one line for each record.")] = None,
) -> int:
    """What a held delivery would change, in numbers, and as a file."""
    with open_services() as opened:
        shown = held_deliveries.shown_plan(opened, delivery)
        if csv is not None:
            with district_transaction(opened, shown.result.district) as conn:
                changes = list(ledger.kept_changes(conn, delivery, shown.attempt))
            csv.write_bytes(reporting.changes_file(changes))
            say(f"saved: {csv} ({len(changes):,} changes)")
    print_result(shown.result, format_)
    if shown.ended is not None:
        return say_decided_before(shown.ended)
    if format_ is Format.TEXT and csv is None:
        say(f"Every change, record by record: rostersync plan {delivery} --csv FILE")
    return HELD
