"""The exit codes of `rostersync`: what cron, a monitoring system or a script may rely on."""

from __future__ import annotations

from typing import Final

from rostersync.model import Outcome

FINE, ROW_ERRORS, REFUSED, HELD, USAGE, BROKEN = range(6)

INTERRUPTED: Final = 130
"""What a shell reports of a program that Ctrl-C ended."""
PIPE_CLOSED: Final = 141
"""What a shell reports of a program whose reader went away."""

CODES: Final = {
    Outcome.APPLIED: FINE,
    Outcome.DUPLICATE: FINE,
    Outcome.WAITING: FINE,
    Outcome.NO_FILE: FINE,
    Outcome.APPLIED_WITH_ERRORS: ROW_ERRORS,
    Outcome.REFUSED: REFUSED,
    Outcome.HELD: HELD,
    Outcome.FAILED: BROKEN,
}
"""Of several deliveries the largest counts."""
