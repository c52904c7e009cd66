"""A run remembers how far a delivery was when it took it: what another run has done since is not done again."""

from __future__ import annotations

from alembic import op

revision = "0005_taken"
down_revision = "0004_undo"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Runs of before are treated as if the delivery had been new to them."""
    op.execute("ALTER TABLE intake.run_delivery ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0")


def downgrade() -> None:
    """Forward only."""
    raise NotImplementedError("restore a backup instead")
