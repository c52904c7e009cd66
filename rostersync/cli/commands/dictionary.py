"""`rostersync dictionary`: the columns of users.csv for people."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from rostersync import documentation
from rostersync.cli.exit_codes import FINE
from rostersync.cli.options import Document
from rostersync.configuration import dictionary as dictionaries


def dictionary(
    format_: Annotated[Document, typer.Option("--format", help="md, html or csv.")] = Document.MD,
) -> int:
    """What may be in a users.csv, column by column."""
    sys.stdout.buffer.write(documentation.WRITERS[format_.value](dictionaries.load_dictionary()).encode())
    return FINE
