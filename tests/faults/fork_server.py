"""One preloaded process that forks a child for every piece of work, so that killing tasks by the hundred stays quick.

Reads one JSON object a line and answers each with one: `{"do": "start", "order": {…}}` with the child's pid,
`{"do": "wait", "pid": …}` with how it ended (or that it stopped, after SIGSTOP) and what it had to say. Work with
`"child": false` is done in this process: it warms what forks then share (statements are compiled once for each URL).
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from rostersync import screening
from tests.faults.child_tasks import Order, work

_pipes: dict[int, int] = {}


def start(order: Order) -> int:
    """Fork and work there; the child's pid."""
    reader, writer = os.pipe()
    child = os.fork()
    if child:
        os.close(writer)
        _pipes[child] = reader
        return child
    os.close(reader)
    status = 1
    try:
        with _own_log(Path(order["log"])) as log, os.fdopen(writer, "w") as out:
            out.write(json.dumps(_told(order, log)))
        status = 0
    finally:
        os._exit(status)


def wait(child: int) -> dict[str, Any]:
    """`ended`: exit code, negative for a signal, None for a child that stopped; `told`: its words, None when killed."""
    status = os.waitpid(child, os.WUNTRACED)[1]
    if os.WIFSTOPPED(status):
        return {"ended": None, "told": None}
    with os.fdopen(_pipes.pop(child)) as pipe:
        told = pipe.read()
    return {"ended": os.waitstatus_to_exitcode(status), "told": json.loads(told) if told else None}


@contextlib.contextmanager
def _own_log(path: Path) -> Iterator[IO[str]]:
    """Whatever this child says, on any channel, is appended to `path`: personal data is looked for there."""
    with path.open("a") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        logging.basicConfig(stream=sys.stderr, level=logging.INFO, force=True)
        yield log


def _told(order: Order, log: IO[str]) -> Any:
    """What the work came to; a failure by its code, with its traceback in the log as a scheduler would have it."""
    try:
        return {"results": work(order), "error": None}
    except Exception as error:  # noqa: BLE001 - a task may fail in any way, and the scheduler survives it
        traceback.print_exc(file=log)
        return {"results": None, "error": getattr(error, "code", type(error).__name__), "words": str(error)}


def main() -> None:
    """Serve until the input ends."""
    screening.preload()
    for line in sys.stdin:
        asked = json.loads(line)
        if asked["do"] == "wait":
            answer = wait(asked["pid"])
        elif asked["order"]["child"]:
            answer = {"pid": start(asked["order"])}
        else:
            answer = {"ended": 0, "told": {"results": work(asked["order"]), "error": None}}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
