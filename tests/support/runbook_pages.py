"""The runbook as data: pages, links, and the commands that they name."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import typer
import yaml

from rostersync import exceptions, runbook
from rostersync.cli import app as cli
from rostersync.mailing.senders import State
from rostersync.model import DeliveryState, Outcome
from rostersync.settings import PROJECT, include_path

FOLDER = PROJECT / runbook.FOLDER
PARTS = ("**Meaning.**", "**Check.**", "**Do.**", "**Escalate.**")
NOBODY_NEEDED = (State.QUEUED, State.SENDING, State.SENT)
ALERTS = include_path("dictionary", "alerts.yaml")


def failures(
    kind: type[exceptions.RosterSyncError] = exceptions.RosterSyncError,
) -> list[type[exceptions.RosterSyncError]]:
    """Every class of failure that has a code of its own."""
    below = [found for subclass in kind.__subclasses__() for found in failures(subclass)]
    return [kind, *below] if "code" in vars(kind) and kind is not exceptions.RosterSyncError else below


def codes() -> set[str]:
    """Whatever the ledger, the outbox, the watcher or a failure may say, that a person may have to look up."""
    alerts = yaml.safe_load(ALERTS.read_bytes()) if ALERTS.exists() else {}
    mails = {f"mail-{state}" for state in State if state not in NOBODY_NEEDED}
    return {*DeliveryState, *Outcome, *mails, *alerts, *(failure.code for failure in failures())}


def pages() -> list[Path]:
    return sorted(FOLDER.glob("*.md"))


def commands(page: Path) -> list[list[str]]:
    """Every `rostersync …` of a page, with its words; whatever follows a # is left out."""
    text = page.read_text()
    fenced = [line for block in re.findall(r"^```\w*\n(.*?)^```", text, re.M | re.S) for line in block.splitlines()]
    inline = re.findall(r"`(rostersync [^`]+)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))
    said = [line for line in [*fenced, *inline] if line.startswith("rostersync ")]
    return [shlex.split(line, comments=True)[1:] for line in said]


def parse(words: list[str]) -> None:
    """Let the program's own parser read these words, without doing anything. Raises what it raises."""
    group = typer.main.get_command(cli.app)
    while True:
        try:
            context = group.make_context("rostersync", list(words))
        except typer.Exit:  # --version and --help are done while they are read
            return
        if not hasattr(group, "resolve_command"):
            return
        _, group, words = group.resolve_command(context, [*context._protected_args, *context.args])


def bare_raises() -> Iterator[str]:
    """Places that raise a failure without a code of its own."""
    bare = {"RosterSyncError", "TransientError", "PermanentError"}
    for path in sorted((PROJECT / "rostersync").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in bare:
                yield f"{path.name}:{node.lineno}"
