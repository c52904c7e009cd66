"""What an undo would put back, and what it would leave. Writes only temporary tables."""

from __future__ import annotations

from rostersync.undoing.undo_plan import UndoPlan, plan_undo

__all__ = ["UndoPlan", "plan_undo"]
