"""The roster, the intake ledger, and what the tasks may do with them."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file beside this one: many statements at once, which only the driver itself can send."""
    script = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    op.get_bind().connection.driver_connection.execute(script)


def downgrade() -> None:
    """Forward only: a roster is never dropped by a program."""
    raise NotImplementedError("restore a backup instead")
