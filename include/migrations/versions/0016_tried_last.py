"""A run remembers at which deliveries it failed, and which of its deliveries are tried after all others.

A modification time later than the arrival counts as the arrival: also for what arrived before.
"""

from __future__ import annotations

from alembic import op

revision = "0016_tried_last"
down_revision = "0015_closed_listings"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Of runs of before only the state of their deliveries is known."""
    op.execute(
        "ALTER TABLE intake.run_delivery ADD COLUMN failed BOOLEAN NOT NULL DEFAULT false,"
        " ADD COLUMN tried_last BOOLEAN NOT NULL DEFAULT false"
    )
    # The owner of the table is not bound to a district while its rows are not forced to be.
    op.execute("ALTER TABLE intake.delivery NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE intake.delivery SET modified_at = landed_at WHERE modified_at > landed_at")
    op.execute("ALTER TABLE intake.delivery FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    """Forward only."""
    raise NotImplementedError("restore a backup instead")
