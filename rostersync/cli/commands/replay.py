"""`rostersync replay`: a delivery's reports rendered anew, and its unsent mail sent."""

from __future__ import annotations

from rostersync import pipeline
from rostersync.cli import app as cli
from rostersync.cli.commands.sync import actor
from rostersync.cli.environment import edges
from rostersync.operations import replaying
from rostersync.pipeline import Run


def run(delivery: str) -> int:
    """Render, queue, send, and print what it came to. Raises ConfigurationError for a delivery without a report."""
    with edges() as opened:
        replayed = replaying.replay(opened, delivery)
        run_ = Run(dag_id=replaying.REPLAY, run_id=delivery, actor=actor())
        sent = pipeline.email(opened, run_, replayed.district, delivery)
    print(f"{replayed.district}: replayed\n  delivery {delivery}, attempt {replayed.attempt}")
    print(f"  reports rendered anew: {replayed.rendered}, mails queued: {replayed.queued}, sent: {sent['sent']}")
    print(f"  left alone: {replayed.sent_before} sent before, {replayed.unclear} of which nobody knows")
    if replayed.swept:
        cli.say("The file, or what was told of it, is not kept any more: the reports stay as they are.")
    return cli.FINE
