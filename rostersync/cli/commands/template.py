"""`rostersync template`: a users.csv to fill in."""

from __future__ import annotations

import sys

from rostersync.cli.exit_codes import FINE
from rostersync.configuration import dictionary as dictionaries
from rostersync.reporting.attachments import template_bytes


def template() -> int:
    """An empty users.csv with all headers, for a spreadsheet."""
    sys.stdout.buffer.write(template_bytes(dictionaries.load_dictionary()))
    return FINE
