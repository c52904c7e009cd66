"""What refers to a delivery is found by it: for `report`, for the next look at an inbox, and when the ledger is swept."""

from __future__ import annotations

from alembic import op

revision = "0009_by_delivery"
down_revision = "0008_kills"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Each deleted delivery would read these tables from end to end."""
    for table in ("arrival", "run_delivery", "report"):
        op.execute(f"CREATE INDEX ix_{table}_delivery ON intake.{table} (delivery)")


def downgrade() -> None:
    """Forward only."""
    raise NotImplementedError("restore a backup instead")
