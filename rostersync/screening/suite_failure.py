"""What Great Expectations raises becomes our failure: it has not judged, and never counts as "no bad rows"."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rostersync.exceptions import SuiteFailed


@contextmanager
def as_suite_failure() -> Iterator[None]:
    """Any exception of Great Expectations becomes SuiteFailed, without its text: that may quote cells."""
    try:
        yield
    except SuiteFailed:
        raise
    except Exception as problem:  # noqa: BLE001 - whatever the library raises, it has not judged the file
        raise SuiteFailed(f"Great Expectations stopped with {type(problem).__name__}.") from None
