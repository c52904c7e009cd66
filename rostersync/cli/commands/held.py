"""`rostersync plan`, `approve` and `discard`: held deliveries, without Airflow."""

from __future__ import annotations

import json
from pathlib import Path

from rostersync import ledger, pipeline, reporting
from rostersync.cli import app as cli
from rostersync.cli.commands.sync import CODES, actor, lines
from rostersync.cli.environment import edges
from rostersync.configuration import dictionary as dictionaries
from rostersync.exceptions import ConfigurationError
from rostersync.model import DeliveryState
from rostersync.operations import reviewing
from rostersync.pipeline import Edges, Run, SyncResult
from rostersync.pipeline.context import transaction


def plan(delivery: str, *, as_json: bool, target: Path | None) -> int:
    """Print what a held delivery would change (or, once decided, what was decided about); save the changes."""
    with edges() as opened:
        shown = reviewing.shown_plan(opened, delivery)
        if target is not None:
            with transaction(opened, shown.result.district) as conn:
                changes = list(ledger.kept_changes(conn, delivery, shown.attempt))
            target.write_bytes(reporting.changes_file(changes))
            cli.say(f"saved: {target} ({len(changes):,} changes)")
    _print(shown.result, as_json=as_json)
    if shown.ended is not None:
        return _told_before(shown.ended)
    if not as_json and target is None:
        cli.say(f"Every change, record by record: rostersync plan {delivery} --csv FILE")
    return cli.HELD


def approve(delivery: str, *, without_held_schools: bool, as_json: bool) -> int:
    """Apply what was seen, send the mails, and print what it came to."""
    with edges() as opened:
        reviewed = reviewing.approve(opened, delivery, actor=actor(), without_held_schools=without_held_schools)
        _send(opened, reviewed)
    if reviewed.result is None:
        return _told_before(reviewed)
    _print(reviewed.result, as_json=as_json)
    return CODES[reviewed.result.outcome]


def discard(delivery: str, reason: str) -> int:
    """Set the delivery aside for good and tell those who were asked."""
    with edges() as opened:
        reviewed = reviewing.discard(opened, delivery, actor=actor(), reason=reason)
        _send(opened, reviewed)
    if not reviewed.decided:
        return _told_before(reviewed)
    print(f"{reviewed.district}: discarded\n  delivery {reviewed.delivery}")
    return cli.FINE


def _send(opened: Edges, reviewed: reviewing.Reviewed) -> None:
    if reviewed.decided:
        run = Run(dag_id=reviewing.REVIEW, run_id=reviewed.delivery, actor=actor())
        pipeline.email(opened, run, reviewed.district, reviewed.delivery)


def _told_before(reviewed: reviewing.Reviewed) -> int:
    """The first decision stands. Raises ConfigurationError for a delivery that nobody decided about."""
    if reviewed.state is DeliveryState.HELD:
        cli.say(f"Delivery {reviewed.delivery} waits with other numbers now: rostersync plan {reviewed.delivery}")
        return cli.HELD
    if reviewed.by is None or reviewed.at is None:
        raise ConfigurationError(
            f"Delivery {reviewed.delivery} is not held; it is {reviewed.state.value}.",
            hint="There is nothing to decide.",
        )
    when = reviewed.at.date().isoformat()
    cli.say(f"Decided before: delivery {reviewed.delivery} is {reviewed.state.value}, by {reviewed.by} on {when}.")
    return cli.FINE


def _print(result: SyncResult, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(result.to_json(dictionaries.load()), ensure_ascii=False, indent=2))
    else:
        print("\n".join(lines(result)))
