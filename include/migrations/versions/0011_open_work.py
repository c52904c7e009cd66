"""A delivery remembers each work on it that has not ended: one that ended late, or elsewhere, is no kill."""

from __future__ import annotations

from alembic import op

revision = "0011_open_work"
down_revision = "0010_whole_findings"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Kills of before are forgotten: some of them were cut lines."""
    op.execute(
        "ALTER TABLE intake.delivery ADD COLUMN open_work TEXT[] NOT NULL DEFAULT '{}', DROP COLUMN kills"
    )


def downgrade() -> None:
    """Forward only."""
    raise NotImplementedError("restore a backup instead")
