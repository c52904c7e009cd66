"""What a `WHERE` takes: the type of every function that says when something holds."""

from __future__ import annotations

from sqlalchemy import ColumnElement

Condition = ColumnElement[bool]
"""An SQL expression that is true, false or, where a joined record is missing, NULL."""
