"""The command `rostersync`. Results go to stdout, messages to stderr; Airflow is not needed.

Exit codes: 0 fine, 1 row errors, 2 refused, 3 held, 4 usage or configuration, 5 our machinery failed.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from rostersync import __version__
from rostersync.cli import failures as cli_failures
from rostersync.cli import operator_commands as cli_operate
from rostersync.cli import past_commands as cli_past
from rostersync.cli.commands import mail as cli_mail
from rostersync.cli.options import DeliveryArgument, Document, Format, FormatOption
from rostersync.exceptions import ConfigurationError, RosterSyncError, Unexpected

# Libraries that take long to import are imported by the command that needs them.

FINE, ROW_ERRORS, REFUSED, HELD, USAGE, BROKEN = range(6)
INTERRUPTED: Final = 130
"""What a shell reports of a program that Ctrl-C ended."""

app = typer.Typer(
    name="rostersync",
    help="Supplementary staff files (users.csv) into a roster, with errors people can act on.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
db = typer.Typer(help="The roster database.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(db, name="db")
app.add_typer(cli_mail.app, name="mail")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"rostersync {__version__}")
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show where in the program a failure happened.")] = False,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """Supplementary staff files (users.csv) into a roster, with errors people can act on."""


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A users.csv; - reads standard input.", metavar="FILE")],
    district: Annotated[str | None, typer.Option(help="Also judge it against this district's roster.")] = None,
    format_: FormatOption = Format.TEXT,
    errors_file: Annotated[Path | None, typer.Option(help="Write the rejected rows here (.csv or .xlsx).")] = None,
) -> int:
    """Validate a file without writing anything."""
    from rostersync.cli.commands import check as cli_check

    return cli_check.run(file, district, as_json=format_ is Format.JSON, errors_file=errors_file)


@app.command()
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
    from rostersync.cli.commands import sync as cli_sync

    wishes = cli_sync.Wishes(
        districts=tuple(district or ()), file=file, dry_run=dry_run, force=force, reason=reason, yes=yes
    )
    return cli_sync.run(wishes, as_json=format_ is Format.JSON)


@app.command()
def plan(
    delivery: DeliveryArgument,
    format_: FormatOption = Format.TEXT,
    csv: Annotated[Path | None, typer.Option(help="Write every change here, one line for each record.")] = None,
) -> int:
    """What a held delivery would change, in numbers, and as a file."""
    from rostersync.cli.commands import held as cli_held

    return cli_held.plan(delivery, as_json=format_ is Format.JSON, target=csv)


@app.command()
def approve(
    delivery: DeliveryArgument,
    without_held_schools: Annotated[
        bool, typer.Option("--without-held-schools", help="Leave out the schools that are held.")
    ] = False,
    format_: FormatOption = Format.TEXT,
) -> int:
    """Apply a held delivery as its plan shows it."""
    from rostersync.cli.commands import held as cli_held

    return cli_held.approve(delivery, without_held_schools=without_held_schools, as_json=format_ is Format.JSON)


@app.command()
def discard(
    delivery: DeliveryArgument,
    reason: Annotated[str, typer.Option(help="Why; kept in the ledger. No personal data.")],
) -> int:
    """Do not apply a held delivery; its contacts are told."""
    from rostersync.cli.commands import held as cli_held

    return cli_held.discard(delivery, reason)


for _command in (cli_past.report, cli_past.undo, cli_past.explain, cli_past.replay):
    app.command()(_command)

for _chore in (cli_operate.dates, cli_operate.sweep, cli_operate.watch):
    app.command()(_chore)


@app.command()
def template() -> int:
    """An empty users.csv with all headers, for a spreadsheet."""
    from rostersync import documentation
    from rostersync.configuration import dictionary as dictionaries

    sys.stdout.buffer.write(documentation.template(dictionaries.load()))
    return FINE


@app.command()
def dictionary(
    format_: Annotated[Document, typer.Option("--format", help="md, html or csv.")] = Document.MD,
) -> int:
    """What may be in a users.csv, column by column."""
    from rostersync import documentation
    from rostersync.configuration import dictionary as dictionaries

    sys.stdout.buffer.write(documentation.WRITERS[format_.value](dictionaries.load()).encode())
    return FINE


@app.command()
def generate(
    check_: Annotated[bool, typer.Option("--check", help="Only tell what is out of date.")] = False,
) -> int:
    """Write the files that are derived from the dictionary."""
    from rostersync.cli.commands import generate as cli_generate

    return cli_generate.run(check_)


@db.command()
def upgrade() -> int:
    """Bring the roster database to the newest schema (ROSTERSYNC_OWNER_URL, or the embedded server)."""
    from rostersync import database, settings

    owner = database.owner_engine(settings.from_environment())
    try:
        revision = database.upgrade(owner)
    finally:
        owner.dispose()
    say(f"The roster database is at revision {revision}.")
    return FINE


@db.command("check")
def check_database() -> int:
    """Try on the database what it must refuse: plants rows, tries each login's rights, rolls all of it back."""
    from rostersync.cli.commands import db_check as cli_db

    return cli_db.run()


@db.command()
def query(
    statement: Annotated[str, typer.Argument(help="A SELECT over the ledger (intake.*) or the roster.", metavar="SQL")],
    district: Annotated[str | None, typer.Option(help="Whose people and findings may be seen.")] = None,
) -> int:
    """Read what the ledger holds; nothing can be written."""
    from rostersync.cli.commands import db_query as cli_query

    return cli_query.run(statement, district)


@app.command()
def doctor() -> int:
    """Check this installation: each line says what is fine, and what to do about the rest."""
    from rostersync.cli.commands import doctor as cli_doctor

    return cli_doctor.run()


@app.command()
def sample(
    districts: Annotated[int | None, typer.Option(min=1, max=20_000, help="How many; without: the demo's 3.")] = None,
    faults: Annotated[float, typer.Option(min=0, max=1, help="Share of rows with a fault.")] = 0.02,
    rows: Annotated[int | None, typer.Option(min=1, help="Rows of the whole night; by default 6 a school.")] = None,
    broken: Annotated[int, typer.Option(min=0, help="Districts whose whole file is refused.")] = 0,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same night.")] = 7,
    schools: Annotated[Path | None, typer.Option(help="Real schools: a CSV with ncessch, leaid, state, city.")] = None,
    names: Annotated[Path | None, typer.Option(help="A folder with lists of real name frequencies.")] = None,
    foreign: Annotated[Path | None, typer.Option(help="One district sends this file by mistake.")] = None,
) -> int:
    """Make a night to try: districts, their roster of record, and users.csv files in their inboxes."""
    from rostersync.cli.commands import sample as cli_sample
    from rostersync.sample import Wishes

    if districts is None:
        return cli_sample.run(None, seed)
    wishes = Wishes(
        districts=districts,
        faults=faults,
        rows=rows,
        broken=broken,
        seed=seed,
        schools=schools,
        names=names,
        foreign=foreign,
    )
    return cli_sample.run(wishes, seed)


def say(message: str) -> None:
    """A message for the person at the terminal; results are not messages."""
    typer.echo(message, err=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and end the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a terminal may not know all letters
    words = list(sys.argv[1:] if arguments is None else arguments)
    code = run(words)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = cli_failures.pipe_closed()
    sys.exit(code)


def run(words: Sequence[str]) -> int:
    """The exit code of these words; whatever happens, no traceback unless `--debug` asks for one."""
    try:
        return int(app(list(words), prog_name="rostersync", standalone_mode=False) or FINE)
    except typer.TyperException as error:
        cli_failures.explain(error.format_message())
        return USAGE
    except (typer.Abort, KeyboardInterrupt):
        say("Stopped.")
        return INTERRUPTED
    except BrokenPipeError:
        return cli_failures.pipe_closed()
    except RosterSyncError as error:
        cli_failures.trace(words)
        say(f"error: {error}")
        return USAGE if isinstance(error, ConfigurationError) else BROKEN
    except Exception as error:  # noqa: BLE001 - the outermost frame: a person must never meet a traceback
        cli_failures.trace(words)
        say(f"error: {Unexpected.of(error)}")
        say("Run `rostersync --debug …` to see where.")
        return BROKEN
