"""One district never sees or touches another, and nobody writes what another owns: enforced by the database."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0003_tenancy"
down_revision = "0002_decision"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file beside this one: many statements at once, which only the driver itself can send."""
    script = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    op.get_bind().connection.driver_connection.execute(script)


def downgrade() -> None:
    """Forward only: protection is never taken away by a program."""
    raise NotImplementedError("restore a backup instead")
