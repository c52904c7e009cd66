"""The harness's end of the preloaded parent: start a child, wait for it, kill it whenever it pleases us."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rostersync.settings import PROJECT
from tests.faults.child_tasks import Order

KILLED = -signal.SIGKILL


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a child ended: exit code (negative: by that signal; None: it stopped and waits), and what it told."""

    code: int | None
    results: list[Any] | None
    error: str | None
    words: str = ""


class Parent:
    """The process of `tests.faults.fork_server`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def warm(self, order: Order) -> Ended:
        """Work in the parent itself."""
        return _ended(self._ask({"do": "start", "order": {**order, "child": False}}))

    def start(self, order: Order) -> int:
        """A child that works; its pid."""
        return int(self._ask({"do": "start", "order": order})["pid"])

    def wait(self, pid: int) -> Ended:
        """Until it ends, or stops."""
        return _ended(self._ask({"do": "wait", "pid": pid}))

    def work(self, order: Order) -> Ended:
        """A child, to its end."""
        return self.wait(self.start(order))

    def killed_after(self, order: Order, seconds: float) -> Ended:
        """A child that is killed after so long, unless it was faster."""
        pid = self.start(order)
        time.sleep(seconds)
        os.kill(pid, signal.SIGKILL)
        return self.wait(pid)

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(question), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        assert answer, "the preloaded parent is gone"
        return dict(json.loads(answer))


def _ended(answer: dict[str, Any]) -> Ended:
    told = answer["told"] or {}
    return Ended(
        code=answer["ended"], results=told.get("results"), error=told.get("error"), words=told.get("words", "")
    )


@contextmanager
def running_parent() -> Iterator[Parent]:
    """A preloaded parent without any setting of ours."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.faults.fork_server"]
    clean = {k: v for k, v in os.environ.items() if not k.startswith("ROSTERSYNC_")}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=PROJECT, env=clean
    ) as process:
        yield Parent(process)
        assert process.stdin is not None
        process.stdin.close()
