"""`rostersync undo`: shows what would be put back and what would be left, asks, and does it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from rostersync import pipeline, reporting
from rostersync.cli.environment import actor, open_services
from rostersync.cli.exit_codes import FINE
from rostersync.cli.options import DeliveryArgument, Format, FormatOption
from rostersync.cli.output import print_json, print_lines, say
from rostersync.exceptions import ConfigurationError
from rostersync.operations import undoing
from rostersync.operations.undoing import Undone
from rostersync.pipeline import Run, Services

LISTED = 20
"""As many left values are shown on the terminal; the file has all."""


def undo(
    delivery: DeliveryArgument,
    reason: Annotated[str | None, typer.Option(help="Why; kept in the ledger. No personal data.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen; write nothing.")] = False,
    format_: FormatOption = Format.TEXT,
    csv: Annotated[Path | None, typer.Option(help="Write every change here, and what would be left.")] = None,
) -> int:
    """Take back what an applied delivery has changed, but for what was changed again since."""
    if not dry_run and not (reason or "").strip():
        raise ConfigurationError("An undo needs a reason.", hint="Say why: --reason 'wrong file'; or add --dry-run.")
    with open_services() as opened:
        shown = undoing.shown_undo(opened, delivery, with_changes=csv is not None)
        _save(shown, csv)
        if dry_run or shown.by is not None:
            _print(shown, format_, dry_run=dry_run)
            return _say_undone_before(shown)
        if not yes:
            _ask(shown)
        done = _undo(opened, shown, reason or "", asked=not yes)
    _print(done, format_, dry_run=False)
    return _say_undone_before(done) if not done.done else FINE


def _undo(opened: Services, shown: Undone, reason: str, *, asked: bool) -> Undone:
    """Undo and send the mails; when a person was asked, only what they have seen."""
    seen = shown.roster_version if asked else None
    done = undoing.undo(opened, shown.delivery, actor=actor(), reason=reason, seen=seen)
    if done.done:
        run_ = Run(dag_id=undoing.UNDO, run_id=done.delivery, actor=actor())
        pipeline.email(opened, run_, done.district, done.delivery)
    return done


def _save(shown: Undone, target: Path | None) -> None:
    if target is not None:
        target.write_bytes(reporting.undo_file(shown.changes, shown.left))
        say(f"saved: {target} ({len(shown.changes):,} changes, {len(shown.left):,} left)")


def _ask(shown: Undone) -> None:
    """Say what would happen, and let a person decide. Raises ConfigurationError when nobody is there."""
    for line in _lines(shown, "would be undone"):
        say(line)
    if not sys.stdin.isatty():
        raise ConfigurationError("Nobody is there to be asked.", hint="Add --yes when you are sure.")
    typer.confirm("Undo it?", abort=True, err=True)


def _say_undone_before(shown: Undone) -> int:
    if shown.by is not None and shown.at is not None:
        say(f"Undone before: delivery {shown.delivery}, by {shown.by} on {shown.at.date().isoformat()}.")
    return FINE


def _print(shown: Undone, format_: Format, *, dry_run: bool) -> None:
    if format_ is Format.JSON:
        print_json(shown.to_json() | {"dry_run": dry_run})
    elif shown.done or shown.by is None:
        print_lines(_lines(shown, "undone" if shown.done else "would be undone (dry run: nothing was written)"))


def _lines(shown: Undone, outcome: str) -> Iterator[str]:
    """An undo for a person: attempts, counts, and what is left with its reason."""
    yield f"{shown.district}: {outcome}"
    yield f"  delivery {shown.delivery}, attempt {', '.join(map(str, shown.attempts))}"
    for number in shown.swept:
        yield f"  attempt {number} stays: its changes are not kept any more, they were swept"
    yield "  " + " " * 12 + "".join(f"{word:>12}" for word in ("restored", "deactivated", "left"))
    for entity, words in shown.counts.items():
        yield f"  {entity:<12}" + "".join(f"{words[word]:>12,}" for word in ("restored", "deactivated", "left"))
    for record in shown.left[:LISTED]:
        what = f"{record.entity} {' / '.join(record.key)}" + (f", {record.field}" if record.field else "")
        yield f"  left: {what}: {reporting.why(record)}"
    if len(shown.left) > LISTED:
        more = f"{len(shown.left) - LISTED:,} more"
        yield f"  … and {more}; all of them: rostersync undo {shown.delivery} --dry-run --csv FILE"
