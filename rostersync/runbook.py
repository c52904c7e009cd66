"""Where the runbook says what to do about a state, an alert or a failure: a page for each code, named like it."""

from __future__ import annotations

from rostersync import settings

FOLDER = "docs/runbook"


def page(code: str) -> str:
    """The page of a code: an address below `ROSTERSYNC_RUNBOOK_URL`, else the path in the project."""
    return f"{settings.runbook_url() or FOLDER}/{code.replace('_', '-')}.md"
