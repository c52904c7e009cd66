"""Which applied attempts were undone, by whom, why, and what it came to in numbers."""

from __future__ import annotations

from alembic import op

revision = "0004_undo"
down_revision = "0003_tenancy"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One row per undo, seen and written for the district that is set."""
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
    op.execute("ALTER TABLE intake.undo ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    op.execute(
        """
        CREATE POLICY district ON intake.undo
            USING (district = roster.current_district() AND district = (SELECT roster.current_district()))
            WITH CHECK (district = (SELECT roster.current_district()))
        """
    )
    op.execute("GRANT SELECT, INSERT ON intake.undo TO roster_sync")
    op.execute("GRANT SELECT ON intake.undo TO roster_manual")
    op.execute("GRANT SELECT, DELETE ON intake.undo TO roster_sweep")


def downgrade() -> None:
    """Forward only: a ledger is never dropped by a program."""
    raise NotImplementedError("restore a backup instead")
