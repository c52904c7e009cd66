"""File names are a district's own, mails keep their recipients, an address keeps its key, and counts hold no typed cell."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0015_closed_listings"
down_revision = "0014_folded_ids"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file beside this one: many statements at once, which only the driver itself can send."""
    script = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    op.get_bind().connection.driver_connection.execute(script)


def downgrade() -> None:
    """Forward only."""
    raise NotImplementedError("restore a backup instead")
