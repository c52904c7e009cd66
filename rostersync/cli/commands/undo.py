"""`rostersync undo`: shows what would be put back and what would be left, asks, and does it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import typer

from rostersync import pipeline, reporting
from rostersync.cli import app as cli
from rostersync.cli.commands.sync import actor
from rostersync.cli.environment import edges
from rostersync.exceptions import ConfigurationError
from rostersync.operations import undoing
from rostersync.operations.undoing import Undone
from rostersync.pipeline import Edges, Run

LISTED = 20
"""As many left values are shown on the terminal; the file has all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """The words of the command line."""

    delivery: str
    reason: str | None
    yes: bool
    dry_run: bool
    target: Path | None


def run(wishes: Wishes, *, as_json: bool) -> int:
    """Show the plan, ask unless told not to, undo, send the mails, and print what it came to."""
    if not wishes.dry_run and not (wishes.reason or "").strip():
        raise ConfigurationError("An undo needs a reason.", hint="Say why: --reason 'wrong file'; or add --dry-run.")
    with edges() as opened:
        shown = undoing.shown_undo(opened, wishes.delivery, with_changes=wishes.target is not None)
        _save(shown, wishes.target)
        if wishes.dry_run or shown.by is not None:
            _print(shown, as_json=as_json, dry_run=wishes.dry_run)
            return _told_before(shown)
        _ask(shown, wishes)
        done = _undo(opened, wishes, shown)
    _print(done, as_json=as_json, dry_run=False)
    return _told_before(done) if not done.done else cli.FINE


def _undo(opened: Edges, wishes: Wishes, shown: Undone) -> Undone:
    seen = None if wishes.yes else shown.roster_version
    done = undoing.undo(opened, wishes.delivery, actor=actor(), reason=wishes.reason or "", seen=seen)
    if done.done:
        run_ = Run(dag_id=undoing.UNDO, run_id=done.delivery, actor=actor())
        pipeline.email(opened, run_, done.district, done.delivery)
    return done


def _save(shown: Undone, target: Path | None) -> None:
    if target is not None:
        target.write_bytes(reporting.undo_file(shown.changes, shown.left))
        cli.say(f"saved: {target} ({len(shown.changes):,} changes, {len(shown.left):,} left)")


def _ask(shown: Undone, wishes: Wishes) -> None:
    """Say what would happen, and let a person decide."""
    if wishes.yes:
        return
    for line in lines(shown, "would be undone"):
        cli.say(line)
    if not sys.stdin.isatty():
        raise ConfigurationError("Nobody is there to be asked.", hint="Add --yes when you are sure.")
    typer.confirm("Undo it?", abort=True, err=True)


def _told_before(shown: Undone) -> int:
    if shown.by is not None and shown.at is not None:
        cli.say(f"Undone before: delivery {shown.delivery}, by {shown.by} on {shown.at.date().isoformat()}.")
    return cli.FINE


def _print(shown: Undone, *, as_json: bool, dry_run: bool) -> None:
    if as_json:
        print(json.dumps(shown.to_json() | {"dry_run": dry_run}, ensure_ascii=False, indent=2))
    elif shown.done or shown.by is None:
        print("\n".join(lines(shown, "undone" if shown.done else "would be undone (dry run: nothing was written)")))


def lines(shown: Undone, outcome: str) -> Iterator[str]:
    """An undo for a person: attempts, counts, and what is left with its reason."""
    yield f"{shown.district}: {outcome}"
    yield f"  delivery {shown.delivery}, attempt {', '.join(map(str, shown.attempts))}"
    for number in shown.swept:
        yield f"  attempt {number} stays: its changes are not kept any more, they were swept"
    yield "  " + " " * 12 + "".join(f"{word:>12}" for word in ("restored", "deactivated", "left"))
    for entity, words in shown.counts.items():
        yield f"  {entity:<12}" + "".join(f"{words[word]:>12,}" for word in ("restored", "deactivated", "left"))
    for each in shown.left[:LISTED]:
        what = f"{each.entity} {' / '.join(each.key)}" + (f", {each.field}" if each.field else "")
        yield f"  left: {what}: {reporting.why(each)}"
    if len(shown.left) > LISTED:
        more = f"{len(shown.left) - LISTED:,} more"
        yield f"  … and {more}; all of them: rostersync undo {shown.delivery} --dry-run --csv FILE"
