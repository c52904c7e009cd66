"""The choices and arguments that several commands share."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class Format(StrEnum):
    """How results are printed."""

    TEXT = "text"
    JSON = "json"


class Document(StrEnum):
    """Formats of the dictionary."""

    MD = "md"
    HTML = "html"
    CSV = "csv"


class ReportFormat(StrEnum):
    """Formats of a stored report."""

    TEXT = "text"
    HTML = "html"
    JSON = "json"


FormatOption = Annotated[Format, typer.Option("--format", help="text for people, json for programs.")]


DeliveryArgument = Annotated[str, typer.Argument(help="A delivery's id, as sync and the mails show it.")]
