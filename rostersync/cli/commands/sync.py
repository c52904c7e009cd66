"""`rostersync sync`: the whole night in this process."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from rostersync import ledger, pipeline
from rostersync.cli.environment import actor, open_services, readable, with_file
from rostersync.cli.exit_codes import CODES, FINE, USAGE
from rostersync.cli.options import Format, FormatOption
from rostersync.cli.output import print_json, print_lines, say
from rostersync.cli.sync_results import result_lines
from rostersync.configuration import dictionary as dictionaries
from rostersync.configuration import districts
from rostersync.exceptions import ConfigurationError, RosterSyncError
from rostersync.operations import first_looks
from rostersync.pipeline import Run, Services, SyncResult

Progress = Callable[[str, str], None]
STAGES = {"pull": "looking at the inbox", "validate": "validating", "upsert": "applying", "email": "sending mail"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncOptions:
    """What the command line asks for: no district means all enabled ones, `file` is taken in place of the inbox."""

    districts: tuple[str, ...]
    file: Path | None
    dry_run: bool
    force: bool
    reason: str | None
    yes: bool


def sync(
    district: Annotated[list[str] | None, typer.Option(help="Only this one; may be given several times.")] = None,
    file: Annotated[Path | None, typer.Option(help="Take this file in place of the district's inbox.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen; write nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Apply a known file again, as a new attempt.")] = False,
    reason: Annotated[str | None, typer.Option(help="Why it is forced; kept in the ledger.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before forcing.")] = False,
    format_: FormatOption = Format.TEXT,
) -> int:
    """The whole night for one or all districts: pull, validate, upsert, e-mail."""
    options = SyncOptions(
        districts=tuple(district or ()), file=file, dry_run=dry_run, force=force, reason=reason, yes=yes
    )
    _check(options)
    codes = _codes(options)
    results, misconfigured = _sync(options, codes, show_progress=format_ is Format.TEXT)
    if format_ is Format.JSON:
        print_json([result.to_json(dictionaries.load_dictionary()) for result in results])
    else:
        print_lines(line for result in results for line in result_lines(result, dry_run))
    return max([CODES[result.outcome] for result in results] + [USAGE] * misconfigured, default=FINE)


def _sync(options: SyncOptions, codes: Sequence[str], *, show_progress: bool) -> tuple[list[SyncResult], int]:
    """Results in order, and how many districts could not start because of their configuration."""
    with open_services() as opened:
        chosen = with_file(opened, readable(options.file)) if options.file else opened
        if options.force and not options.dry_run and not options.yes:
            _ask(chosen, options, codes)
        with _progress(len(codes), shown=show_progress) as progress:
            return _sync_all(chosen, _run(opened, options), codes, progress)


def _check(options: SyncOptions) -> None:
    if options.force and not (options.reason or "").strip():
        raise ConfigurationError("--force needs a reason.", hint="Say why: --force --reason 'restored from backup'.")
    if options.reason and not options.force:
        raise ConfigurationError("--reason is only for --force.", hint="Leave it out, or add --force.")
    if options.file and len(options.districts) != 1:
        raise ConfigurationError("--file needs exactly one --district.", hint="Say whose file it is: --district CODE.")


def _codes(options: SyncOptions) -> list[str]:
    """The districts asked for, each known; without any: all enabled ones of all waves."""
    for code in options.districts:
        districts.load_district(code)
    return sorted(set(options.districts)) or sorted(
        code for wave in districts.waves() for code in districts.codes_of_wave(wave.name)
    )


def _run(opened: Services, options: SyncOptions) -> Run:
    """A run of its own: two calls are two nights."""
    return Run(
        dag_id="command-line",
        run_id=f"{opened.clock().isoformat()}-{os.getpid()}",
        force=options.force,
        reason=options.reason,
        dry_run=options.dry_run,
        actor=actor(),
    )


def _sync_all(opened: Services, run_: Run, codes: Sequence[str], tell: Progress) -> tuple[list[SyncResult], int]:
    """Results in order, and how many districts could not start because of their configuration."""
    results: list[SyncResult] = []
    misconfigured = 0
    if len(codes) > 1:
        _look_at_all(opened, run_, codes)
    for code in codes:
        try:
            results += pipeline.sync(opened, run_, code, progress=tell)
        except ConfigurationError as error:
            # Its own trouble must not delay the other districts.
            say(f"{code}: {error}")
            misconfigured += 1
    return results, misconfigured


def _look_at_all(opened: Services, run_: Run, codes: Sequence[str]) -> None:
    """See what is in the inboxes before the first turn: then no district's turn waits for its file alone."""
    try:
        first_looks.take_first_looks(opened, run_, codes)
    except RosterSyncError as error:
        say(f"There was no first look at all inboxes, so each district's turn takes some seconds longer. {error}")


def _ask(opened: Services, options: SyncOptions, codes: Sequence[str]) -> None:
    """Say what newer deliveries a forced one would overwrite, and let a person decide."""
    touched = sum(pipeline.touched_since(opened, code, delivery) for code, delivery in _found(opened, options, codes))
    say(f"A newer delivery has since changed {touched:,} of the records that would be applied again.")
    if not sys.stdin.isatty():
        raise ConfigurationError("Nobody is there to be asked.", hint="Add --yes when you are sure.")
    typer.confirm("Apply it again?", abort=True, err=True)


def _found(opened: Services, options: SyncOptions, codes: Sequence[str]) -> Iterator[tuple[str, str]]:
    """District and id of every delivery that would be forced."""
    if options.file:
        digest = hashlib.sha256(readable(options.file).read_bytes()).hexdigest()
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
