"""How a test says which fault it injects and what is expected then."""

from __future__ import annotations

import pytest


def fault(number: str, expected: str) -> pytest.MarkDecorator:
    """F-number and the expected behaviour in a sentence; a number may have several tests."""
    return pytest.mark.fault(number, expected)


long = pytest.mark.long
"""Only in `make faults`: `make test` takes the others."""
