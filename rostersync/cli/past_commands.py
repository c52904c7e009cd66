"""The words of the commands that look at what was done, or take it back: report, undo, explain, replay."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rostersync.cli.options import DeliveryArgument, Format, FormatOption, ReportFormat


def undo(
    delivery: DeliveryArgument,
    reason: Annotated[str | None, typer.Option(help="Why; kept in the ledger. No personal data.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen; write nothing.")] = False,
    format_: FormatOption = Format.TEXT,
    csv: Annotated[Path | None, typer.Option(help="Write every change here, and what would be left.")] = None,
) -> int:
    """Take back what an applied delivery has changed, but for what was changed again since."""
    from rostersync.cli.commands import undo as cli_undo

    wishes = cli_undo.Wishes(delivery=delivery, reason=reason, yes=yes, dry_run=dry_run, target=csv)
    return cli_undo.run(wishes, as_json=format_ is Format.JSON)


def report(
    delivery: DeliveryArgument,
    format_: Annotated[ReportFormat, typer.Option("--format", help="text, html or json.")] = ReportFormat.TEXT,
    files: Annotated[Path | None, typer.Option(help="Save what is attached (users-errors.csv …) here.")] = None,
) -> int:
    """The count report of a delivery, as it was mailed."""
    from rostersync.cli.commands import report as cli_report

    return cli_report.run(delivery, format_.value, files)


def explain(
    what: Annotated[str, typer.Argument(help="A userId, classId or schoolId; or R-… as it stands in a mail.")],
    district: Annotated[str | None, typer.Option(help="Whose person, class or school it is.")] = None,
    format_: FormatOption = Format.TEXT,
) -> int:
    """Every change of a person, class or school; or what stands behind a reference (with the owner's login)."""
    from rostersync.cli.commands import explain as cli_explain

    return cli_explain.run(what, district, as_json=format_ is Format.JSON)


def replay(
    delivery: DeliveryArgument,
) -> int:
    """Render a delivery's reports anew and send what was not sent; the roster is not touched."""
    from rostersync.cli.commands import replay as cli_replay

    return cli_replay.run(delivery)
