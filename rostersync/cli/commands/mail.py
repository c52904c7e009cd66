"""`rostersync mail`: how the outbox stands, sending what is due, letting a message go again."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rostersync.cli.options import Format, FormatOption

if TYPE_CHECKING:
    from rostersync.mailing.resending import Found
    from rostersync.mailing.status import Overview, Standing
    from rostersync.pipeline import Edges

# Libraries that take long to import, and `cli`, which imports this module, are imported by the command.

app = typer.Typer(
    help="The outbox: mails and the files in reports folders.", no_args_is_help=True, rich_markup_mode=None
)
SHOWN = 50
"""Messages that the text lists; json lists all."""

_ADDRESS = re.compile(r"[^\s<>\"'(),;:]+@[^\s<>\"'(),;:]+")


@app.command()
def status(
    district: Annotated[str | None, typer.Option(help="Only this one.")] = None,
    format_: FormatOption = Format.TEXT,
) -> int:
    """Messages by state, the oldest that waits, and each that needs a person. Addresses on a terminal only."""
    from rostersync.cli import app as cli
    from rostersync.cli.environment import roster
    from rostersync.mailing import status

    with roster() as engine:
        found = status.overview(engine, district)
    if format_ is Format.JSON:
        print(json.dumps(_as_json(found), indent=2))
    else:
        print("\n".join(_lines(found, sys.stdout.isatty())))
    return cli.FINE


@app.command()
def send() -> int:
    """Send what is due now, in all districts; what a server cannot take waits on."""
    from rostersync import pipeline
    from rostersync.cli import app as cli
    from rostersync.cli.environment import edges

    with edges() as opened:
        _print_counts(pipeline.send_due(opened))
    return cli.FINE


@app.command()
def resend(
    name: Annotated[str, typer.Argument(metavar="MESSAGE|DELIVERY", help="A message's number, or a delivery's id.")],
    to: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Send the report to this address instead.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Also what was sent: the recipient gets it twice.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> int:
    """Let unknown and refused messages go again, and a delivery's files that its reports folder refused."""
    from rostersync import pipeline
    from rostersync.cli import app as cli
    from rostersync.cli.environment import edges
    from rostersync.exceptions import ConfigurationError
    from rostersync.mailing import resending

    with edges() as opened:
        found = resending.find(opened.engine, name)
        if found is None:
            raise ConfigurationError(f"There is no message or delivery {name}.", hint="See `rostersync mail status`.")
        if to is None:
            _release(opened, name, found, again=again, yes=yes)
        else:
            _redirect(opened, name, found, to, yes=yes)
        _print_counts(pipeline.relay_district(opened, found.district))
    return cli.FINE


def _release(opened: Edges, name: str, found: Found, *, again: bool, yes: bool) -> None:
    """Queue what may go. Raises ConfigurationError when nothing may."""
    from rostersync.cli.commands.sync import actor
    from rostersync.exceptions import ConfigurationError
    from rostersync.mailing import resending

    chosen, files = resending.releasable(found.messages, again=again), resending.refused_files(opened.engine, found)
    if not chosen and not files:
        states = ", ".join(sorted({each.state.value for each in found.messages})) or "no message"
        hint = "What is queued or deferred goes by itself; what was sent goes again with --again."
        raise ConfigurationError(f"Nothing of {name} can be sent again ({states}).", hint=hint)
    _ask([*map(_what_happens, chosen), *(f"put {target} into the reports folder" for target in files)], yes=yes)
    resending.release(opened.engine, chosen, by=actor(), at=opened.clock())
    resending.release_files(opened.engine, found, at=opened.clock())


def _redirect(opened: Edges, name: str, found: Found, to: str, *, yes: bool) -> None:
    """Queue the report for an address that the district's configuration or the operators' setting allows."""
    from rostersync.cli.commands.sync import actor
    from rostersync.exceptions import ConfigurationError
    from rostersync.mailing import resending

    if not (to in opened.ops or opened.district(found.district).allows(to)):
        hint = "Add its domain to mail_domains, or name one of ROSTERSYNC_OPS_MAIL."
        raise ConfigurationError("This address is outside the district's e-mail and mail domains.", hint=hint)
    _ask([f"send the report of {name} to that address, with its attachments"], yes=yes)
    if not resending.redirect(opened.engine, found, to, by=actor(), at=opened.clock()):
        hint = "Resend that message instead; see `rostersync mail status`."
        raise ConfigurationError("There is no such report, or this address has it or is about to get it.", hint=hint)


def _what_happens(each: Standing) -> str:
    warning = {"unknown": "the recipient may have it already", "sent": "the recipient gets it twice"}
    known = warning.get(each.state.value, _shown(each.answer, sys.stderr.isatty()) or "it never arrived")
    return f"send message {each.number} ({each.kind}, {each.state.value}: {known})"


def _ask(steps: Sequence[str], *, yes: bool) -> None:
    """Say what will be done, and let a person decide. Raises ConfigurationError when nobody is there."""
    from rostersync.cli import app as cli
    from rostersync.exceptions import ConfigurationError

    for step in steps:
        cli.say(f"will {step}")
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigurationError("Nobody is there to be asked.", hint="Add --yes when you are sure.")
    typer.confirm("Go on?", abort=True, err=True)


def _lines(found: Overview, on_terminal: bool) -> Iterator[str]:
    yield "messages: " + ", ".join(f"{number:,} {state}" for state, number in found.messages.items() if number)
    if found.files:
        yield "files for reports folders: " + ", ".join(f"{n:,} {state}" for state, n in sorted(found.files.items()))
    if found.oldest_waiting:
        yield f"oldest that waits: since {_minute(found.oldest_waiting)}"
    for each in found.for_a_person[-SHOWN:]:
        whom = f" to {each.recipient}" if on_terminal else ""
        yield f"{each.state.value}: message {each.number}, {each.district}, delivery {each.delivery or '-'}{whom}"
        yield f"  {each.kind}, {_minute(each.created_at)}: {_shown(each.answer, on_terminal)}"
    if len(found.for_a_person) > SHOWN:
        yield f"and {len(found.for_a_person) - SHOWN:,} older ones: --format json lists all"
    for file in found.refused_files:
        yield f"refused: {file.target}, {file.district}, {_minute(file.created_at)}: {file.answer}"


def _as_json(found: Overview) -> dict[str, Any]:
    """No addresses: this goes into logs and monitoring."""
    return {
        "messages": found.messages,
        "files": found.files,
        "oldest_waiting": found.oldest_waiting and _minute(found.oldest_waiting),
        "for_a_person": [
            {
                "message": each.number,
                "message_id": each.message_id,
                "district": each.district,
                "delivery": each.delivery,
                "report": each.kind,
                "state": each.state.value,
                "since": _minute(each.created_at),
                "answer": _shown(each.answer, on_terminal=False),
            }
            for each in found.for_a_person
        ],
        "refused_files": [
            {"file": file.target, "district": file.district, "since": _minute(file.created_at), "answer": file.answer}
            for file in found.refused_files
        ],
    }


def _print_counts(counts: Mapping[str, int]) -> None:
    print(
        ", ".join(f"{number:,} {name.replace('_', ' ')}" for name, number in counts.items() if number) or "nothing due"
    )


def _shown(answer: str, on_terminal: bool) -> str:
    """A server's words; elsewhere than on a terminal without the addresses that it repeats."""
    return answer if on_terminal else _ADDRESS.sub("(address)", answer)


def _minute(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="minutes")
