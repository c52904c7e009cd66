"""Validation talks to nobody: Great Expectations and its kin have sent telemetry before."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from rostersync.settings import PROJECT

WATCHED = """
import json, sys
seen = []
# urllib3 binds a socket to ::1 when it is imported, to learn whether there is IPv6: that asks nobody.
harmless = ("socket.__new__", "socket.bind", "socket.gethostname")
asks = lambda event: event.startswith(("socket.", "urllib.", "http.client.")) and event not in harmless
sys.addaudithook(lambda event, _: seen.append(event) if asks(event) else None)
{work}
print(json.dumps(seen))
"""


def events(work: str) -> list[str]:
    """Whatever a fresh process that does this asked of the network, in its own words."""
    done = subprocess.run(
        [sys.executable, "-c", WATCHED.format(work=work)], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_validating_a_file_asks_nobody() -> None:
    file = PROJECT / "docs" / "conformance" / "files" / "email-invalid.csv"
    work = f"""
from rostersync.cli import app as cli
assert cli.run(["check", {str(file)!r}]) == 1
assert "great_expectations" in sys.modules
"""
    assert events(work) == []


@pytest.mark.parametrize(
    "work",
    [
        "import socket\ntry:\n    socket.create_connection(('127.0.0.1', 1))\nexcept OSError:\n    pass",
        "import socket\ntry:\n    socket.getaddrinfo('localhost', 1)\nexcept OSError:\n    pass",
    ],
    ids=["connection", "name"],
)
def test_a_question_would_be_noticed(work: str) -> None:
    assert events(work) != []
