"""What commands print: results to stdout, messages to stderr."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import typer

_ADDRESS = re.compile(r"[^\s<>\"'(),;:]+@[^\s<>\"'(),;:]+")


def say(message: str) -> None:
    """A message for the person at the terminal; results are not messages."""
    typer.echo(message, err=True)


def print_json(value: Any) -> None:
    """A result for programs."""
    print(json.dumps(value, ensure_ascii=False, indent=2))


def print_lines(lines: Iterable[str]) -> None:
    """A result for people."""
    print("\n".join(lines))


def print_numbers(numbers: Mapping[str, int]) -> None:
    """What was done, as `2 sent, 1 deferred`; without any number: nothing due."""
    said = [f"{number:,} {name.replace('_', ' ')}" for name, number in numbers.items() if number]
    print(", ".join(said) or "nothing due")


def minute(moment: datetime) -> str:
    """A moment in UTC, to the minute, as ISO 8601."""
    return moment.astimezone(UTC).isoformat(timespec="minutes")


def server_answer(answer: str, on_terminal: bool) -> str:
    """A mail server's words; elsewhere than on a terminal without the addresses that it repeats."""
    return answer if on_terminal else _ADDRESS.sub("(address)", answer)
