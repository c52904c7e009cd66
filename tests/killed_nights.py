"""One preloaded process that forks a child for each night, so that killing tasks by the dozen stays quick.

Reads one JSON object per line: `database` and `owner` (URLs), `folder`, `run`, `approve` and `undo` (a delivery that
is approved, or undone, in place of a night, or null), `crash` (a crash point or null) and `child` (false: the night is
worked in this process, which warms everything that a fork then shares). Answers with the exit status: 0, or -9 when the
child was killed.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from rostersync import database, pipeline, screening
from rostersync.pipeline import reviewing, undoing
from tests.nights import Nights, district


def nights_of(order: Mapping[str, str]) -> Nights:
    """The district of the order, on connections of this process's own."""
    folder = Path(order["folder"])
    engine, owner = database.engine(order["database"]), database.engine(order["owner"])
    return Nights(engine=engine, owner=owner, folder=folder, config=district(folder / "inbox"))


def work(order: Mapping[str, str]) -> None:
    """The run's tasks as a worker does them: they know nothing but ids and the ledger."""
    nights = nights_of(order)
    if order["undo"]:
        undoing.undo(nights.edges, order["undo"], actor="olga", reason="wrong file")
        return
    if order["approve"]:
        reviewing.approve(nights.edges, order["approve"], actor="olga")
        return
    run, code = nights.run(order["run"]), nights.config.code
    deliveries = pipeline.pull(nights.edges, run, code).deliveries
    for stage in (pipeline.validate, pipeline.upsert, pipeline.email):
        for delivery in deliveries:
            stage(nights.edges, run, code, delivery)
    nights.engine.dispose()


def in_child(order: Mapping[str, str]) -> int:
    """Fork, work, and the child's exit status."""
    child = os.fork()
    if child == 0:
        os.environ.pop("ROSTERSYNC_CRASH", None)
        if order["crash"]:
            os.environ["ROSTERSYNC_CRASH"] = order["crash"]
        status = 1
        try:
            work(order)
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main() -> None:
    """Serve orders until the input ends."""
    screening.preload()
    for line in sys.stdin:
        order = json.loads(line)
        if order["child"]:
            print(in_child(order), flush=True)
        else:
            work(order)
            print(0, flush=True)


if __name__ == "__main__":
    main()
