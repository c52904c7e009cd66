"""`rostersync template`: a users.csv to fill in."""

from __future__ import annotations

import sys

from rostersync import documentation
from rostersync.cli.exit_codes import FINE
from rostersync.configuration import dictionary as dictionaries


def template() -> int:
    """An empty users.csv with all headers, for a spreadsheet."""
    sys.stdout.buffer.write(documentation.template(dictionaries.load()))
    return FINE
