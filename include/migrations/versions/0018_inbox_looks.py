"""A run remembers its first look at each inbox: `pull` need not wait for a file that is still as it was then."""

from __future__ import annotations

from alembic import op

revision = "0018_inbox_looks"
down_revision = "0016_tried_last"
branch_labels = None
depends_on = None

LOOKS = """
    CREATE TABLE intake.inbox_look (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        district TEXT NOT NULL,
        dag_id TEXT NOT NULL,
        run_id TEXT NOT NULL,
        name TEXT NOT NULL,
        size_bytes BIGINT NOT NULL,
        modified_at TIMESTAMP WITH TIME ZONE NOT NULL,
        seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_inbox_look PRIMARY KEY (id)
    );
    CREATE INDEX ix_inbox_look_district_name ON intake.inbox_look (district, name);
    GRANT SELECT, INSERT ON intake.inbox_look TO roster_sync;
    GRANT SELECT ON intake.inbox_look TO roster_manual;
    GRANT SELECT, DELETE ON intake.inbox_look TO roster_sweep;
"""
GUARD = """
    ALTER TABLE intake.inbox_look ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
    CREATE POLICY district ON intake.inbox_look
        USING (district = roster.current_district() AND district = (SELECT roster.current_district()))
        WITH CHECK (district = (SELECT roster.current_district()));
"""


def upgrade() -> None:
    """A file's name may be a person's: a look is seen by its district alone."""
    for script in (LOOKS, GUARD):
        op.execute(script)


def downgrade() -> None:
    """Forward only: a ledger is never dropped by a program."""
    raise NotImplementedError("restore a backup instead")
