"""`rostersync mail send`: what is due, now."""

from __future__ import annotations

from rostersync import pipeline
from rostersync.cli.environment import open_services
from rostersync.cli.exit_codes import FINE
from rostersync.cli.output import print_numbers


def send() -> int:
    """Send what is due now, in all districts; what a server cannot take waits on."""
    with open_services() as opened:
        print_numbers(pipeline.send_due(opened))
    return FINE
