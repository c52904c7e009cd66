"""`rostersync sync`: the whole night in this process."""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import typer

from rostersync import ledger, pipeline
from rostersync.cli import app as cli
from rostersync.cli.environment import edges, readable, with_file
from rostersync.configuration import dictionary as dictionaries
from rostersync.configuration import districts
from rostersync.exceptions import ConfigurationError
from rostersync.model import BUCKETS, ENTITIES, Outcome, Severity
from rostersync.pipeline import Edges, Run, SyncResult
from rostersync.reporting.grouping import faults, groups

Progress = Callable[[str, str], None]
CODES = {
    Outcome.APPLIED: cli.FINE,
    Outcome.DUPLICATE: cli.FINE,
    Outcome.WAITING: cli.FINE,
    Outcome.NO_FILE: cli.FINE,
    Outcome.APPLIED_WITH_ERRORS: cli.ROW_ERRORS,
    Outcome.REFUSED: cli.REFUSED,
    Outcome.HELD: cli.HELD,
    Outcome.FAILED: cli.BROKEN,
}
STAGES = {"pull": "looking at the inbox", "validate": "validating", "upsert": "applying", "email": "sending mail"}
HEADINGS = {"unchanged": "no changes"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """The words of the command line."""

    districts: tuple[str, ...]
    file: Path | None
    dry_run: bool
    force: bool
    reason: str | None
    yes: bool


def run(wishes: Wishes, *, as_json: bool) -> int:
    """Sync what was asked for, print one result per arrival, and give the worst exit code."""
    _check(wishes)
    codes = _codes(wishes)
    with edges() as opened:
        chosen = with_file(opened, readable(wishes.file)) if wishes.file else opened
        if wishes.force and not wishes.dry_run and not wishes.yes:
            _ask(chosen, wishes, codes)
        with _progress(len(codes), shown=not as_json) as progress:
            results, misconfigured = _sync_all(chosen, _run(opened, wishes), codes, progress)
    if as_json:
        print(json.dumps([result.to_json(dictionaries.load()) for result in results], ensure_ascii=False, indent=2))
    else:
        print("\n".join(line for result in results for line in lines(result, wishes.dry_run)))
    return max([CODES[result.outcome] for result in results] + [cli.USAGE] * misconfigured, default=cli.FINE)


def _check(wishes: Wishes) -> None:
    if wishes.force and not (wishes.reason or "").strip():
        raise ConfigurationError("--force needs a reason.", hint="Say why: --force --reason 'restored from backup'.")
    if wishes.reason and not wishes.force:
        raise ConfigurationError("--reason is only for --force.", hint="Leave it out, or add --force.")
    if wishes.file and len(wishes.districts) != 1:
        raise ConfigurationError("--file needs exactly one --district.", hint="Say whose file it is: --district CODE.")


def _codes(wishes: Wishes) -> list[str]:
    """The districts asked for, each known; without any: all enabled ones of all waves."""
    for code in wishes.districts:
        districts.load(code)
    return sorted(set(wishes.districts)) or sorted(
        code for wave in districts.waves() for code in districts.codes_of_wave(wave.name)
    )


def _run(opened: Edges, wishes: Wishes) -> Run:
    """A run of its own: two calls are two nights."""
    return Run(
        dag_id="command-line",
        run_id=f"{opened.clock().isoformat()}-{os.getpid()}",
        force=wishes.force,
        reason=wishes.reason,
        dry_run=wishes.dry_run,
        actor=actor(),
    )


def actor() -> str:
    """Who types the command."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def _sync_all(opened: Edges, run_: Run, codes: Sequence[str], tell: Progress) -> tuple[list[SyncResult], int]:
    """Results in order, and how many districts could not start because of their configuration."""
    results: list[SyncResult] = []
    misconfigured = 0
    for code in codes:
        try:
            results += pipeline.sync(opened, run_, code, progress=tell)
        except ConfigurationError as error:
            # Its own trouble must not delay the other districts.
            cli.say(f"{code}: {error}")
            misconfigured += 1
    return results, misconfigured


def _ask(opened: Edges, wishes: Wishes, codes: Sequence[str]) -> None:
    """Say what newer deliveries a forced one would overwrite, and let a person decide."""
    touched = sum(pipeline.touched_since(opened, code, delivery) for code, delivery in _found(opened, wishes, codes))
    cli.say(f"A newer delivery has since changed {touched:,} of the records that would be applied again.")
    if not sys.stdin.isatty():
        raise ConfigurationError("Nobody is there to be asked.", hint="Add --yes when you are sure.")
    typer.confirm("Apply it again?", abort=True, err=True)


def _found(opened: Edges, wishes: Wishes, codes: Sequence[str]) -> Iterator[tuple[str, str]]:
    """District and id of every delivery that would be forced."""
    if wishes.file:
        digest = hashlib.sha256(readable(wishes.file).read_bytes()).hexdigest()
        yield codes[0], ledger.delivery_id(codes[0], digest)
        return
    for code in codes:
        looked = pipeline.pull(opened, Run(dag_id="command-line", run_id="look", dry_run=True), code)
        yield from ((code, ledger.delivery_id(code, found.rpartition(":")[2])) for found in looked.deliveries)


@contextmanager
def _progress(count: int, *, shown: bool) -> Iterator[Progress]:
    """A bar on a terminal, silence elsewhere."""
    if not (shown and sys.stderr.isatty()):
        yield lambda _code, _stage: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=count)
        begun: list[str] = []

        def tell(code: str, stage: str) -> None:
            begun.extend([code] if code not in begun else [])
            bar.update(task, description=f"{code}: {STAGES.get(stage, stage)}", completed=len(begun) - 1)

        yield tell


def lines(result: SyncResult, dry_run: bool = False) -> Iterator[str]:
    """A result for a person: outcome, rows, counts, and what to do about each kind of finding."""
    would = " (dry run: nothing was written)" if dry_run else ""
    yield f"{result.district}: {result.outcome.value.replace('_', ' ')}{would}"
    if result.delivery:
        yield f"  delivery {result.delivery}" + (f", attempt {result.attempt}" if result.attempt else "")
    for remark in (result.set_aside, result.error):
        if remark:
            yield f"  {remark}"
    if result.rows.read:
        rows = result.rows
        told = (("read", rows.read), ("accepted", rows.accepted), ("rejected", rows.rejected))
        yield "  rows: " + ", ".join(f"{word} {n:,}" for word, n in (*told, ("set aside", rows.set_aside)))
    if any(number for buckets in result.counts.values() for number in buckets.values()):
        yield from _counts(result)
    yield from _problems(result)


def _counts(result: SyncResult) -> Iterator[str]:
    yield "  " + " " * 12 + "".join(f"{HEADINGS.get(bucket, bucket):>12}" for bucket in BUCKETS)
    for entity in ENTITIES:
        numbers = result.counts.get(entity, {})
        yield f"  {entity:<12}" + "".join(f"{numbers.get(bucket, 0):>12,}" for bucket in BUCKETS)


def _problems(result: SyncResult) -> Iterator[str]:
    dictionary = dictionaries.load()
    for severity in (Severity.FILE, Severity.HOLD):
        for fault in faults(result.findings, severity, dictionary, headers_shown=False):
            yield f"  {fault.message}  [{fault.code}]"
            yield f"      What to do: {fault.resolution}"
    for group in groups(result.findings, Severity.ROW, dictionary):
        yield f"  {group.count:,} x {group.code}" + (f" ({group.lines})" if group.lines else "")
        yield f"      What to do: {group.resolution}"
