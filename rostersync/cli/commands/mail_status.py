"""`rostersync mail status`: how the outbox stands."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from rostersync.cli.environment import roster
from rostersync.cli.exit_codes import FINE
from rostersync.cli.options import Format, FormatOption
from rostersync.cli.output import minute, print_json, print_lines, server_answer
from rostersync.mailing.status import Overview, overview

SHOWN = 50
"""Messages that the text lists; json lists all."""


def status(
    district: Annotated[str | None, typer.Option(help="Only this one.")] = None,
    format_: FormatOption = Format.TEXT,
) -> int:
    """Messages by state, the oldest that waits, and each that needs a person. Addresses on a terminal only."""
    with roster() as engine:
        found = overview(engine, district)
    if format_ is Format.JSON:
        print_json(_as_json(found))
    else:
        print_lines(_lines(found, sys.stdout.isatty()))
    return FINE


def _lines(found: Overview, on_terminal: bool) -> Iterator[str]:
    yield "messages: " + ", ".join(f"{number:,} {state}" for state, number in found.messages.items() if number)
    if found.files:
        yield "files for reports folders: " + ", ".join(f"{n:,} {state}" for state, n in sorted(found.files.items()))
    if found.oldest_waiting:
        yield f"oldest that waits: since {minute(found.oldest_waiting)}"
    for mail in found.for_a_person[-SHOWN:]:
        whom = f" to {mail.recipient}" if on_terminal else ""
        yield f"{mail.state.value}: message {mail.number}, {mail.district}, delivery {mail.delivery or '-'}{whom}"
        yield f"  {mail.kind}, {minute(mail.created_at)}: {server_answer(mail.answer, on_terminal)}"
    if len(found.for_a_person) > SHOWN:
        yield f"and {len(found.for_a_person) - SHOWN:,} older ones: --format json lists all"
    for file in found.refused_files:
        yield f"refused: {file.target}, {file.district}, {minute(file.created_at)}: {file.answer}"


def _as_json(found: Overview) -> dict[str, Any]:
    """No addresses: this goes into logs and monitoring."""
    return {
        "messages": found.messages,
        "files": found.files,
        "oldest_waiting": found.oldest_waiting and minute(found.oldest_waiting),
        "for_a_person": [
            {
                "message": mail.number,
                "message_id": mail.message_id,
                "district": mail.district,
                "delivery": mail.delivery,
                "report": mail.kind,
                "state": mail.state.value,
                "since": minute(mail.created_at),
                "answer": server_answer(mail.answer, on_terminal=False),
            }
            for mail in found.for_a_person
        ],
        "refused_files": [
            {"file": file.target, "district": file.district, "since": minute(file.created_at), "answer": file.answer}
            for file in found.refused_files
        ],
    }
