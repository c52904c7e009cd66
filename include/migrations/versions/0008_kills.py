"""A delivery remembers who works on it, and how many tasks were killed at it: the third one does not begin."""

from __future__ import annotations

from alembic import op

revision = "0008_kills"
down_revision = "0007_mail"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody was killed at a delivery of before."""
    op.execute("ALTER TABLE intake.delivery ADD COLUMN worked_on_by TEXT, ADD COLUMN kills INTEGER NOT NULL DEFAULT 0")


def downgrade() -> None:
    """Forward only."""
    raise NotImplementedError("restore a backup instead")
