"""The words of the commands that operators run beside the nights: dates, sweep, watch."""

from __future__ import annotations

from typing import Annotated

import typer

from rostersync.cli.options import Format, FormatOption


def dates() -> int:
    """Start and end dated assignments by today's date, in every district."""
    from rostersync.cli.commands import dates as cli_dates

    return cli_dates.run()


def sweep(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
) -> int:
    """Delete what is older than its retention term, and print the proof."""
    from rostersync.cli.commands import sweep as cli_sweep

    return cli_sweep.run(dry_run)


def watch(
    format_: FormatOption = Format.TEXT,
    mail: Annotated[bool, typer.Option("--mail", help="Also write to the operators, once for each set.")] = False,
) -> int:
    """Tell what needs a person's look: exit code 0 when nothing does, 1 when something does."""
    from rostersync.cli.commands import watch as cli_watch

    return cli_watch.run(as_json=format_ is Format.JSON, mail=mail)
