"""Which applied attempts were undone, by whom, why, and what it came to in numbers."""

from __future__ import annotations

from alembic import op

revision = "0004_undo"
down_revision = "0002_decision"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One row per undo; it holds ids and numbers, no cells."""
    op.execute(
        """
        CREATE TABLE intake.undo (
            delivery TEXT NOT NULL,
            attempt INTEGER NOT NULL,
            district TEXT NOT NULL,
            counts JSONB NOT NULL,
            left_alone JSONB NOT NULL,
            roster_version BIGINT NOT NULL,
            reason TEXT NOT NULL,
            actor TEXT NOT NULL,
            undone_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            CONSTRAINT pk_undo PRIMARY KEY (delivery, attempt),
            CONSTRAINT fk_undo_delivery FOREIGN KEY(delivery) REFERENCES intake.delivery (id)
        )
        """
    )
    op.execute("GRANT SELECT, INSERT ON intake.undo TO roster_sync")


def downgrade() -> None:
    """Forward only: a ledger is never dropped by a program."""
    raise NotImplementedError("restore a backup instead")
