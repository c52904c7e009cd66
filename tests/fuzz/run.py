"""`make fuzz`: coverage-guided fuzzing of the reader and the screening for a bounded time.

Seeds are made anew each time; what was learned stays in `.rostersync/fuzz/<target>/corpus`, inputs that broke a
promise in `.rostersync/fuzz/<target>/crashes`. Such an input is tried again with `--again FILE`.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from rostersync.settings import PROJECT, private_folder, state_path
from tests.fuzz import corpus

TARGETS = tuple(corpus.HEADS)
MOST_CRASHES = 10
"""So many broken promises are enough for one sitting."""


@dataclass(slots=True, kw_only=True)
class Sitting:
    """What fuzzing one target came to."""

    target: str
    executions: int = 0
    coverage: int = 0
    inputs: int = 0
    crashes: tuple[Path, ...] = ()

    def __str__(self) -> str:
        numbers = f"{self.executions:,} executions, coverage {self.coverage:,}, {self.inputs:,} inputs kept"
        return f"{self.target}: {numbers}, {len(self.crashes)} broken promises"


def main() -> int:
    """Exit code 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="for all targets together")
    parser.add_argument("--target", choices=TARGETS, action="append", help="only this one")
    parser.add_argument("--again", type=Path, metavar="FILE", help="try one saved input")
    chosen = parser.parse_args()
    targets = chosen.target or TARGETS
    if chosen.again:
        return max(subprocess.run(_command(target, str(chosen.again))).returncode for target in targets)
    sittings = [_sit(target, 60 * chosen.minutes / len(targets)) for target in targets]
    for sitting in sittings:
        print(sitting)
        for crash in sitting.crashes:
            print(f"  {crash}")
    return int(any(sitting.crashes for sitting in sittings))


def _command(target: str, *options: str) -> list[str]:
    return [sys.executable, "-m", "tests.fuzz.target", target, *options]


def _sit(target: str, seconds: float) -> Sitting:
    """Fuzz until the time is over, beginning again after each crash."""
    home = private_folder(state_path("fuzz", target))
    kept, crashes = private_folder(home / "corpus"), private_folder(home / "crashes")
    corpus.write(target, home / "seeds")
    before, sitting, end = set(crashes.iterdir()), Sitting(target=target), time.monotonic() + seconds
    while (left := end - time.monotonic()) > 1 and len(sitting.crashes) < MOST_CRASHES:
        said = _fuzz(target, home, left)
        sitting.executions += _last(r"number_of_executed_units:\s+(\d+)", said)
        sitting.coverage = max(sitting.coverage, _last(r" cov: (\d+)", said))
        sitting.crashes = tuple(sorted(set(crashes.iterdir()) - before))
    sitting.inputs = len(list(kept.iterdir()))
    return sitting


def _fuzz(target: str, home: Path, seconds: float) -> str:
    """One run of libFuzzer; what it said, which `log` keeps till the next run."""
    options = (
        f"-max_total_time={int(seconds)}",
        f"-max_len={corpus.LONGEST}",
        f"-artifact_prefix={home / 'crashes'}/",
        "-timeout=30",
        "-rss_limit_mb=4096",
        "-print_final_stats=1",
    )
    command = _command(target, *options, str(home / "corpus"), str(home / "seeds"))
    with (home / "log").open("wb") as log:
        subprocess.run(command, cwd=PROJECT, stdout=log, stderr=subprocess.STDOUT)
    said = (home / "log").read_text("utf-8", "replace")
    if "number_of_executed_units" not in said:
        raise SystemExit(f"The fuzzer did not run: {said[-2000:]}")
    return said


def _last(pattern: str, text: str) -> int:
    found = re.findall(pattern, text)
    return int(found[-1]) if found else 0


if __name__ == "__main__":
    sys.exit(main())
