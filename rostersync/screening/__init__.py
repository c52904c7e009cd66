"""The file rules, judged by Great Expectations: every finding of every row, and which rows are accepted."""

from __future__ import annotations

from rostersync.screening.engine import conflicts_without, preload, screen

__all__ = ["conflicts_without", "preload", "screen"]
