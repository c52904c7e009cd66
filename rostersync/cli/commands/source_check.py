"""`rostersync source check`: the verdict on a source package as a whole, fault by fault, without a database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from rostersync import sources
from rostersync.cli.exit_codes import FINE, HELD, REFUSED, ROW_ERRORS
from rostersync.cli.options import Format, FormatOption
from rostersync.cli.output import print_json, print_lines
from rostersync.exceptions import ConfigurationError
from rostersync.sources import CheckedPackage

CODES = {"accepted": FINE, "accepted_with_errors": ROW_ERRORS, "held": HELD, "refused": REFUSED}
NOT_ASKED = "Only the package as a whole was judged: values in cells and the roster were not."
VERDICTS = {
    "accepted": f"Nothing refuses this package. {NOT_ASKED}",
    "accepted_with_errors": f"Nothing refuses this package, but rows of it would be rejected. {NOT_ASKED}",
    "held": f"Held: this package would wait for a person. {NOT_ASKED}",
    "refused": "Refused: nothing of this package would be applied.",
}


def check(
    path: Annotated[Path, typer.Argument(help="A zip, or a folder of CSV files.", metavar="PATH")],
    format_: FormatOption = Format.TEXT,
) -> int:
    """Judge a source package as a whole: its files, headers, ids and references; nothing is written."""
    try:
        checked = sources.check_package(path)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.", hint="Check its name.") from None
    if format_ is Format.JSON:
        print_json(checked.to_json())
    else:
        print_lines(_lines(checked, path.name))
    return CODES[checked.verdict]


def _lines(checked: CheckedPackage, name: str) -> Iterator[str]:
    facts = checked.to_json()
    yield f"{name}: {VERDICTS[checked.verdict]}"
    yield from (f"  {file}: {rows:,} rows" for file, rows in facts["files"].items())
    for finding in facts["findings"]:
        yield f"{finding['severity'].upper()}  {finding['message']}  [{finding['code']}]"
        yield f"      What to do: {finding['resolution']}"
    for pending in checked.pending:
        yield f"Only the roster can tell: {pending.code} in {pending.file} ({pending.rows:,} rows)"
