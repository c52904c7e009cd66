"""`rostersync replay`: a delivery's reports rendered anew, and its unsent mail sent."""

from __future__ import annotations

from rostersync import pipeline
from rostersync.cli.environment import actor, open_services
from rostersync.cli.exit_codes import FINE
from rostersync.cli.options import DeliveryArgument
from rostersync.cli.output import say
from rostersync.operations import replaying
from rostersync.pipeline import Run


def replay(delivery: DeliveryArgument) -> int:
    """Render a delivery's reports anew and send what was not sent; the roster is not touched."""
    with open_services() as opened:
        replayed = replaying.replay(opened, delivery)
        run_ = Run(dag_id=replaying.REPLAY, run_id=delivery, actor=actor())
        sent = pipeline.email(opened, run_, replayed.district, delivery)
    print(f"{replayed.district}: replayed\n  delivery {delivery}, attempt {replayed.attempt}")
    print(f"  reports rendered anew: {replayed.rendered}, mails queued: {replayed.queued}, sent: {sent['sent']}")
    print(f"  left alone: {replayed.sent_before} sent before, {replayed.unclear} of which nobody knows")
    if replayed.swept:
        say("The file, or what was told of it, is not kept any more: the reports stay as they are.")
    return FINE
