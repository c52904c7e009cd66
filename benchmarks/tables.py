"""The measurements as one table: a column for each size and night."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.floor import BESIDE, MERGES
from benchmarks.ground import NIGHTS
from benchmarks.stages import STAGES

Night = dict[str, Any]


def show(console: Console, results: Iterable[dict[str, Any]]) -> None:
    """Print the table and what its words mean."""
    cells = [(result["rows"], name, result["nights"][name]) for result in results for name in NIGHTS]
    console.print("Seconds, first night and second night (1 % of the people changed)", style="bold")
    table = Table()
    table.add_column("")
    for rows, name, _ in cells:
        table.add_column(f"{rows:,}\n{name}", justify="right")
    nights = [night for _, _, night in cells]
    for label, value, style in _lines():
        table.add_row(label, *(value(night) for night in nights), style=style)
    console.print(table)
    console.print(
        "floor: COPY and bare merges of staff, classes and enrollments of a faultless file; its placements are shown, "
        "not summed. ours: 1 % faulty rows, every rule, counts, change log, findings, mails. "
        "read again: what the upsert task pays for being a task of its own.",
        style="dim",
    )


Line = tuple[str, Callable[[Night], str], str | None]


def _lines() -> Iterable[Line]:
    for step in ("copy", *MERGES, "commit"):
        label = f"({step})" if step == BESIDE else step
        yield f"floor  {label}", _seconds("floor", step), None
    yield "floor", lambda night: f"{night['floor_seconds']:.3f}", "bold"
    for stage in STAGES:
        yield f"ours  {stage}", _seconds("ours", stage), None
    yield "ours", lambda night: f"{night['our_seconds']:.3f}", "bold"
    yield "ours ÷ floor", lambda night: f"{night['ratio']:.2f} ×", "bold"
    yield "peak memory of the night, MB", lambda night: f"{night['peak_mb']:.0f}", None


def _seconds(whose: str, step: str) -> Callable[[Night], str]:
    return lambda night: f"{night[whose][step]:.3f}"
