"""The plan, written to the roster."""

from __future__ import annotations

from rostersync.applying.plan_writer import apply, keep, planned_changes, put_back

__all__ = ["apply", "keep", "planned_changes", "put_back"]
