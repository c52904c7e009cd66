"""Commands of rostersync in a process of their own: the environment decides which dictionary it has loaded.

A line of JSON in (the words of a command), a line of JSON out (exit code, stdout, stderr).
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import IO, cast

from rostersync.cli import app
from rostersync.settings import PROJECT


class CommandProcess:
    """The process, waiting for the next command."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._into, self._from = cast(IO[str], process.stdin), cast(IO[str], process.stdout)

    def __call__(self, *words: str) -> tuple[int, str, str]:
        """Run the command: exit code, stdout, stderr."""
        self._into.write(json.dumps(words) + "\n")
        self._into.flush()
        code, out, err = json.loads(self._from.readline())
        return code, out, err


@contextmanager
def command_process(environment: Mapping[str, str]) -> Iterator[CommandProcess]:
    """Commands of one process with just this environment; it ends with the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.command_process"],
        cwd=PROJECT, env=dict(environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        yield CommandProcess(process)


def _run(words: list[str]) -> tuple[int, str, str]:
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err):
        code = app.run(words)
    return code, *(cast(io.BytesIO, stream.buffer).getvalue().decode() for stream in (out, err))


def main() -> None:
    """Answer every line of standard input."""
    for line in sys.stdin:
        print(json.dumps(_run(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
