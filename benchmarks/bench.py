"""Compare our stages with the floor at several sizes, first and second night, and show time, ratios and memory.

    python -m benchmarks.bench [--rows 1000,100000,1000000]

Each size is prepared and measured in processes of its own, and each of our nights in a fork of a warmed one, as a
worker forks its tasks: peak memory is that of one night.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from benchmarks.floor import BESIDE
from benchmarks.ground import DISTRICT, NIGHTS, ground, prepare, server
from benchmarks.tables import show
from rostersync.settings import PROJECT, private_folder, state_path

if TYPE_CHECKING:
    from benchmarks.stages import OurNights

Result = dict[str, Any]
SIZES = "1000,100000,1000000"


def main() -> int:
    """Prepare, measure, print, write; 0 whatever the clock says."""
    given = _arguments()
    if given.only == "prepare":
        prepare(given.folder, given.rows[0])
    elif given.only == "measure":
        given.folder.joinpath(f"{given.rows[0]}.json").write_text(json.dumps(measure(given.folder, given.rows[0])))
    else:
        _all(given.rows)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=_sizes, default=_sizes(SIZES), help=f"sizes, comma-separated (default {SIZES})")
    parser.add_argument("--only", choices=("prepare", "measure"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def _sizes(text: str) -> list[int]:
    return [int(size.replace("_", "")) for size in text.split(",")]


def _all(sizes: list[int]) -> None:
    console = Console()
    results = []
    bench = private_folder(state_path("bench"))
    folder = Path(tempfile.mkdtemp(dir=bench))
    try:
        with server(folder):
            for rows in sizes:
                console.print(f"{rows:,} rows …", style="dim")
                results.append(_one(folder, rows))
    finally:
        shutil.rmtree(folder)
    show(console, results)
    console.print(f"Written to {_write(bench, results)}")


def _one(folder: Path, rows: int) -> Result:
    for step in ("prepare", "measure"):
        command = [sys.executable, "-m", "benchmarks.bench", "--only", step, "--rows", str(rows), "--folder", folder]
        subprocess.run(command, check=True, cwd=PROJECT)  # noqa: S603 - our own module with our own arguments
    result: Result = json.loads(folder.joinpath(f"{rows}.json").read_text())
    shutil.rmtree(folder / str(rows))
    return result


def measure(folder: Path, rows: int) -> Result:
    """Seconds of the floor and of our stages in both nights, and this process's memory at rest and at its peak."""
    from benchmarks import floor
    from benchmarks.stages import OurNights

    made = ground(folder, rows)
    floor.lay(made.owner_url)
    nights: Result = {night: {"floor": floor.night(made.url, made.clean(night))} for night in NIGHTS}
    ours = OurNights(made)
    ours.warm_up()
    at_rest = _peak_mb()
    ours.close()
    for night in NIGHTS:
        nights[night] |= _in_a_fork(partial(_our_night, ours, made.faulty(night)))
        nights[night] |= _compared(nights[night])
    return {"rows": rows, "nights": nights, "rest_mb": at_rest}


def _our_night(ours: OurNights, file: Path) -> Result:
    return {"ours": ours.night(DISTRICT, file), "peak_mb": _peak_mb()}


def _in_a_fork(work: Callable[[], Result]) -> Result:
    """What the work gives, done in a process that shares what this one has loaded."""
    fork = multiprocessing.get_context("fork")
    reader, writer = fork.Pipe(duplex=False)
    child = fork.Process(target=lambda: writer.send(work()))
    child.start()
    writer.close()
    result: Result = reader.recv()
    child.join()
    return result


def _compared(night: Result) -> Result:
    floor = sum(seconds for step, seconds in night["floor"].items() if step != BESIDE)
    ours = sum(night["ours"].values())
    return {"floor_seconds": floor, "our_seconds": ours, "ratio": ours / floor}


def _peak_mb() -> float:
    """ru_maxrss is in kilobytes on Linux and in bytes on macOS."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def _write(bench: Path, results: list[Result]) -> Path:
    moment = datetime.now(UTC)
    facts = {"at": moment.isoformat(), "cores": os.cpu_count(), "python": sys.version.split()[0], "sizes": results}
    path = bench / f"{moment:%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(facts, indent=1))
    return path


if __name__ == "__main__":
    raise SystemExit(main())
