"""What `plan`, `approve` and `discard` share: printing a held delivery, and what was decided before."""

from __future__ import annotations

from rostersync import pipeline
from rostersync.cli.environment import actor
from rostersync.cli.exit_codes import FINE, HELD
from rostersync.cli.options import Format
from rostersync.cli.output import print_json, print_lines, say
from rostersync.cli.sync_results import result_lines
from rostersync.configuration import dictionary as dictionaries
from rostersync.exceptions import ConfigurationError
from rostersync.model import DeliveryState
from rostersync.operations import held_deliveries, reviewing
from rostersync.pipeline import Run, Services, SyncResult


def print_result(result: SyncResult, format_: Format) -> None:
    """What the delivery came to, or would come to."""
    if format_ is Format.JSON:
        print_json(result.to_json(dictionaries.load_dictionary()))
    else:
        print_lines(result_lines(result))


def send_mails(opened: Services, reviewed: held_deliveries.Reviewed) -> None:
    """Send what a decision has queued; nothing when this call decided nothing."""
    if reviewed.decided:
        run = Run(dag_id=reviewing.REVIEW, run_id=reviewed.delivery, actor=actor())
        pipeline.email(opened, run, reviewed.district, reviewed.delivery)


def say_decided_before(reviewed: held_deliveries.Reviewed) -> int:
    """The first decision stands; gives the exit code.

    Raises ConfigurationError for a delivery that nobody decided about.
    """
    if reviewed.state is DeliveryState.HELD:
        say(f"Delivery {reviewed.delivery} waits with other numbers now: rostersync plan {reviewed.delivery}")
        return HELD
    if reviewed.by is None or reviewed.at is None:
        raise ConfigurationError(
            f"Delivery {reviewed.delivery} is not held; it is {reviewed.state.value}.",
            hint="There is nothing to decide.",
        )
    when = reviewed.at.date().isoformat()
    say(f"Decided before: delivery {reviewed.delivery} is {reviewed.state.value}, by {reviewed.by} on {when}.")
    return FINE
