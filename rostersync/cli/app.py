"""The command `rostersync`. Results go to stdout, messages to stderr; Airflow is not needed.

Exit codes: 0 fine, 1 row errors, 2 refused, 3 held, 4 usage or configuration, 5 our machinery failed.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from typing import Annotated, Final

import typer

from rostersync import __version__
from rostersync.cli import failures
from rostersync.cli.exit_codes import BROKEN, FINE, INTERRUPTED, USAGE
from rostersync.cli.lazy_commands import Table, group_of
from rostersync.cli.output import say
from rostersync.exceptions import ConfigurationError, RosterSyncError, Unexpected

COMMANDS: Final[Table] = {
    "check": ("check", "Validate a file without writing anything."),
    "sync": ("sync", "The whole night for one or all districts: pull, validate, upsert, e-mail."),
    "plan": ("plan", "What a held delivery would change, in numbers, and as a file."),
    "approve": ("approve", "Apply a held delivery as its plan shows it."),
    "discard": ("discard", "Do not apply a held delivery; its contacts are told."),
    "report": ("report", "The count report of a delivery, as it was mailed."),
    "undo": ("undo", "Take back what an applied delivery has changed, but for what was changed again since."),
    "explain": (
        "explain",
        "Every change of a person, class or school; or what stands behind a reference (with the owner's login).",
    ),
    "replay": ("replay", "Render a delivery's reports anew and send what was not sent; the roster is not touched."),
    "dates": ("dates", "Start and end dated assignments by today's date, in every district."),
    "sweep": ("sweep", "Delete what is older than its retention term, and print the proof."),
    "watch": ("watch", "Tell what needs a person's look: exit code 0 when nothing does, 1 when something does."),
    "template": ("template", "An empty users.csv with all headers, for a spreadsheet."),
    "dictionary": ("dictionary", "What may be in a users.csv, column by column."),
    "generate": ("generate", "Write the files that are derived from the dictionary."),
    "docs": (
        "docs",
        "The file rules as pages for a browser, and how many rows of a delivery do not meet each; no cells.",
    ),
    "doctor": ("doctor", "Check this installation: each line says what is fine, and what to do about the rest."),
    "sample": (
        "sample",
        "Make a night to try: districts, their roster of record, and users.csv files in their inboxes.",
    ),
}
DATABASE: Final[Table] = {
    "upgrade": (
        "db_upgrade",
        "Bring the roster database to the newest schema (ROSTERSYNC_OWNER_URL, or the embedded server).",
    ),
    "check": (
        "db_check",
        "Try on the database what it must refuse: plants rows, tries each login's rights, rolls all of it back.",
    ),
    "query": ("db_query", "Read what the ledger holds; nothing can be written."),
}
MAIL: Final[Table] = {
    "status": (
        "mail_status",
        "Messages by state, the oldest that waits, and each that needs a person. Addresses on a terminal only.",
    ),
    "send": ("mail_send", "Send what is due now, in all districts; what a server cannot take waits on."),
    "resend": (
        "mail_resend",
        "Let unknown and refused messages go again, and a delivery's files that its reports folder refused.",
    ),
}
SOURCE: Final[Table] = {
    "check": (
        "source_check",
        "Judge a source package as a whole: its files, headers, ids and references; nothing is written.",
    ),
}

app = typer.Typer(
    name="rostersync",
    cls=group_of(COMMANDS),
    help="Supplementary staff files (users.csv) into a roster, with errors people can act on.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for _name, _table, _help in (
    ("db", DATABASE, "The roster database."),
    ("source", SOURCE, "Packages of the enrollment source."),
    ("mail", MAIL, "The outbox: mails and the files in reports folders."),
):
    _group = typer.Typer(cls=group_of(_table), help=_help, no_args_is_help=True, rich_markup_mode=None)
    app.add_typer(_group, name=_name)


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


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and end the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a terminal may not know all letters
    # Most objects of a command are modules that stay: looking for garbage among them took a twentieth of `check`.
    gc.set_threshold(50_000)
    words = list(sys.argv[1:] if arguments is None else arguments)
    code = run(words)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = failures.pipe_closed()
    sys.exit(code)


def run(words: Sequence[str]) -> int:
    """The exit code of these words; whatever happens, no traceback unless `--debug` asks for one."""
    try:
        return int(app(list(words), prog_name="rostersync", standalone_mode=False) or FINE)
    except typer.TyperException as error:
        failures.explain_usage(error.format_message())
        return USAGE
    except (typer.Abort, KeyboardInterrupt):
        say("Stopped.")
        return INTERRUPTED
    except BrokenPipeError:
        return failures.pipe_closed()
    except RosterSyncError as error:
        failures.print_trace(words)
        say(f"error: {error}")
        return USAGE if isinstance(error, ConfigurationError) else BROKEN
    except Exception as error:  # noqa: BLE001 - the outermost frame: a person must never meet a traceback
        failures.print_trace(words)
        say(f"error: {Unexpected.of(error)}")
        say("Run `rostersync --debug …` to see where.")
        return BROKEN
