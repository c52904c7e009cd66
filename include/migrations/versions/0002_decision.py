"""What was decided about a held delivery, by whom, and which plan they saw."""

from __future__ import annotations

from alembic import op

revision = "0002_decision"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One row per held attempt: the first decision is the only one."""
    op.execute(
        """
        CREATE TABLE intake.decision (
            delivery TEXT NOT NULL,
            attempt INTEGER NOT NULL,
            district TEXT NOT NULL,
            choice TEXT NOT NULL,
            schools TEXT[] DEFAULT '{}' NOT NULL,
            reason TEXT,
            actor TEXT NOT NULL,
            decided_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            CONSTRAINT pk_decision PRIMARY KEY (delivery, attempt),
            CONSTRAINT ck_decision_choice CHECK (choice IN ('approve', 'approve-without-held-schools', 'discard')),
            CONSTRAINT fk_decision_delivery FOREIGN KEY(delivery) REFERENCES intake.delivery (id)
        )
        """
    )
    op.execute("GRANT SELECT, INSERT ON intake.decision TO roster_sync")


def downgrade() -> None:
    """Forward only: a ledger is never dropped by a program."""
    raise NotImplementedError("restore a backup instead")
