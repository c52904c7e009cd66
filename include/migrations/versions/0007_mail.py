"""Files in a district's reports folder, mail that a person lets go again, and the mark of a restored database."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0007_mail"
down_revision = "0006_housekeeping"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file beside this one: many statements at once, which only the driver itself can send."""
    script = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    op.get_bind().connection.driver_connection.execute(script)


def downgrade() -> None:
    """Forward only: what was told to whom is never forgotten by a program."""
    raise NotImplementedError("restore a backup instead")
