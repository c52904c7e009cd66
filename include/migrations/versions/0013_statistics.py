"""What the planner of queries knows of the roster is brought up to date where it differs from what is there."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0013_statistics"
down_revision = "0012_shared_inboxes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file beside this one, as the owner of the tables."""
    script = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    op.get_bind().connection.driver_connection.execute(script)


def downgrade() -> None:
    """Forward only."""
    raise NotImplementedError("restore a backup instead")
