"""pytest plugin of `make faults`: the table of all numbered faults, and the same as JSON.

A fault has passed when each of its tests was run and passed, the oracle's part of it too. What was not run is said so.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import pytest

from rostersync.settings import private_folder, state_path

NUMBERS = [f"F{number:02}" for number in range(1, 85)]


@dataclass(slots=True, kw_only=True)
class Row:
    """A fault: what is expected, and how its tests ended."""

    expected: list[str] = field(default_factory=list)
    tests: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    seconds: float = 0.0

    @property
    def result(self) -> str:
        if not self.tests:
            return "not run"
        return "FAILED" if self.failed else "pass"


_rows: dict[str, Row] = defaultdict(Row)
_numbers: dict[str, int] = defaultdict(int)


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("fault"):
        item.user_properties.append(("fault", "\t".join(mark.args)))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    for name, value in report.user_properties:
        if name == "fault":
            _enter(report, *str(value).split("\t"))
        elif report.when == "teardown":
            _numbers[name] += int(str(value))


def _enter(report: pytest.TestReport, number: str, expected: str) -> None:
    row = _rows[number]
    if expected not in row.expected:
        row.expected.append(expected)
    row.seconds += report.duration
    if report.when == "call":
        row.tests.add(report.nodeid)
    if report.failed:
        row.tests.add(report.nodeid)
        row.failed.add(report.nodeid)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    write = terminalreporter.write_line
    terminalreporter.section("faults")
    for number in NUMBERS:
        row = _rows[number]
        for place, expected in enumerate(row.expected or ["(no test)"]):
            write(f"{number if not place else '   '}  {row.result if not place else '':8} {expected}")
    results = [_rows[number].result for number in NUMBERS]
    failed, unrun = results.count("FAILED"), results.count("not run")
    write(f"{results.count('pass')} of {len(NUMBERS)} pass, {failed} failed, {unrun} not run")
    write(", ".join(f"{value:,} {name}" for name, value in sorted(_numbers.items())))
    path = private_folder(state_path()) / "faults.json"
    path.write_text(json.dumps(as_json(), indent=2))
    write(f"as JSON: {path}")


def as_json() -> dict[str, Any]:
    """The table as data."""
    faults = {
        number: {
            "expected": _rows[number].expected,
            "result": _rows[number].result,
            "tests": sorted(re.sub(r"@\w+$", "", test) for test in _rows[number].tests),
            "seconds": round(_rows[number].seconds, 2),
        }
        for number in NUMBERS
    }
    return {"faults": faults, "numbers": dict(_numbers)}
