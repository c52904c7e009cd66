"""How a test says which fault it injects and what is expected then."""

from __future__ import annotations

import pytest


def fault(number: str, expected: str) -> pytest.MarkDecorator:
    """F-number and the expected behaviour in a sentence; a number may have several tests."""
    return pytest.mark.fault(number, expected)


EVERY_TIME = frozenset(f"F{number:02}" for number in (*range(1, 16), 29, 31, 32, 33, 46, 47, 50, 54, 68, 72))
"""What `make test` injects: the deaths of tasks, and the faults that hurt most. `make faults` injects all."""
long = pytest.mark.long
"""Only in `make faults`: `make test` takes the others."""
