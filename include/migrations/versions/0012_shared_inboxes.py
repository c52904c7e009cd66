"""A run remembers which districts share an inbox: comparing all of them in each district's task would cost too much."""

from __future__ import annotations

from alembic import op

revision = "0012_shared_inboxes"
down_revision = "0011_open_work"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Runs of before found none."""
    op.execute("ALTER TABLE intake.run_districts ADD COLUMN shared_inboxes TEXT[] DEFAULT '{}' NOT NULL")


def downgrade() -> None:
    """Forward only."""
    raise NotImplementedError("restore a backup instead")
