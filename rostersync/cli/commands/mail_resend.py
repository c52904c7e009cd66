"""`rostersync mail resend`: let a message go again, because a person says so."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from rostersync import pipeline
from rostersync.cli.environment import actor, open_services
from rostersync.cli.exit_codes import FINE
from rostersync.cli.output import print_numbers, say, server_answer
from rostersync.exceptions import ConfigurationError
from rostersync.mailing import resending
from rostersync.mailing.resending import ResendTarget
from rostersync.mailing.status import MessageStatus
from rostersync.pipeline import Services


def resend(
    name: Annotated[str, typer.Argument(metavar="MESSAGE|DELIVERY", help="A message's number, or a delivery's id.")],
    to: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Send the report to this address instead.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Also what was sent: the recipient gets it twice.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> int:
    """Let unknown and refused messages go again, and a delivery's files that its reports folder refused."""
    with open_services() as opened:
        found = resending.find(opened.engine, name)
        if found is None:
            raise ConfigurationError(f"There is no message or delivery {name}.", hint="See `rostersync mail status`.")
        if to is None:
            _release(opened, name, found, again=again, yes=yes)
        else:
            _redirect(opened, name, found, to, yes=yes)
        print_numbers(pipeline.relay_district(opened, found.district))
    return FINE


def _release(opened: Services, name: str, found: ResendTarget, *, again: bool, yes: bool) -> None:
    """Queue what may go. Raises ConfigurationError when nothing may."""
    chosen, files = resending.resendable(found.messages, again=again), resending.refused_files(opened.engine, found)
    if not chosen and not files:
        states = ", ".join(sorted({message.state.value for message in found.messages})) or "no message"
        hint = "What is queued or deferred goes by itself; what was sent goes again with --again."
        raise ConfigurationError(f"Nothing of {name} can be sent again ({states}).", hint=hint)
    _ask([*map(_what_happens, chosen), *(f"put {target} into the reports folder" for target in files)], yes=yes)
    resending.requeue_messages(opened.engine, chosen, by=actor(), at=opened.clock())
    resending.release_files(opened.engine, found, at=opened.clock())


def _redirect(opened: Services, name: str, found: ResendTarget, to: str, *, yes: bool) -> None:
    """Queue the report for an address that the district's configuration or the operators' setting allows."""
    if not (to in opened.ops or opened.district(found.district).allows(to)):
        hint = "Add its domain to mail_domains, or name one of ROSTERSYNC_OPS_MAIL."
        raise ConfigurationError("This address is outside the district's e-mail and mail domains.", hint=hint)
    _ask([f"send the report of {name} to that address, with its attachments"], yes=yes)
    if not resending.queue_for_other_recipient(opened.engine, found, to, by=actor(), at=opened.clock()):
        hint = "Resend that message instead; see `rostersync mail status`."
        raise ConfigurationError("There is no such report, or this address has it or is about to get it.", hint=hint)


def _what_happens(each: MessageStatus) -> str:
    warning = {"unknown": "the recipient may have it already", "sent": "the recipient gets it twice"}
    known = warning.get(each.state.value, server_answer(each.answer, sys.stderr.isatty()) or "it never arrived")
    return f"send message {each.number} ({each.kind}, {each.state.value}: {known})"


def _ask(steps: Sequence[str], *, yes: bool) -> None:
    """Say what will be done, and let a person decide. Raises ConfigurationError when nobody is there."""
    for step in steps:
        say(f"will {step}")
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigurationError("Nobody is there to be asked.", hint="Add --yes when you are sure.")
    typer.confirm("Go on?", abort=True, err=True)
