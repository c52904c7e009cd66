"""The benchmark's own parts that need no database."""

from __future__ import annotations

import io
import time
from types import SimpleNamespace

from rich.console import Console

from benchmarks.floor import MERGES
from benchmarks.stages import STAGES, Stopwatch
from benchmarks.tables import show


def test_an_inner_stage_is_not_counted_twice() -> None:
    watch = Stopwatch()
    module = SimpleNamespace(inner=lambda: time.sleep(0.02))
    original = module.inner
    start = time.perf_counter()
    with watch.watching(module, "inner", "inner"), watch.stage("outer"):
        module.inner()
    assert module.inner is original
    assert watch.seconds["inner"] >= 0.02
    assert sum(watch.seconds.values()) <= time.perf_counter() - start


def test_the_table_shows_every_size_night_and_ratio() -> None:
    floor = dict.fromkeys(("copy", *MERGES, "commit"), 0.5)
    night = {"floor": floor, "ours": dict.fromkeys(STAGES, 1.0), "peak_mb": 321.0}
    night |= {"floor_seconds": 2.5, "our_seconds": 10.0, "ratio": 4.0}
    out = io.StringIO()
    result = {"rows": 1_000, "nights": {"first": night, "second": night}}
    show(Console(file=out, width=120), [result])
    for word in ("1,000", "first", "second", "4.00 ×", "321", *STAGES, *MERGES):
        assert word in out.getvalue()
