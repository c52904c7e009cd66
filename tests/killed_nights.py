"""One preloaded process that forks a child for each task, so that killing tasks by the dozen stays quick.

Reads one JSON object per line: `database` and `owner` (URLs), `folder`, `task` (pull, validate, upsert, email, all),
`run`, `crash` (a crash point or null). Answers with the child's exit status: 0, or -9 when it was killed.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from rostersync import crash, database, pipeline, screening
from tests.nights import Nights, district


def nights_of(order: Mapping[str, str]) -> Nights:
    """The district of the order, on connections of this process's own."""
    folder = Path(order["folder"])
    engine, owner = database.engine(order["database"]), database.engine(order["owner"])
    return Nights(engine=engine, owner=owner, folder=folder, config=district(folder / "inbox"))


def work(order: Mapping[str, str]) -> None:
    """The asked task of the run as a worker does it: it knows nothing but ids and the ledger."""
    nights = nights_of(order)
    run, code = nights.run(order["run"]), nights.config.code
    deliveries = pipeline.pull(nights.edges, run, code).deliveries
    for stage in (pipeline.validate, pipeline.upsert, pipeline.email):
        for delivery in deliveries:
            stage(nights.edges, run, code, delivery)


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
    crash.point("never")
    for line in sys.stdin:
        print(in_child(json.loads(line)), flush=True)


if __name__ == "__main__":
    main()
