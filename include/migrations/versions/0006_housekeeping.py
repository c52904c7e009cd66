"""What passing days did to assignments and what retention took away, in numbers; when a run made its list."""

from __future__ import annotations

from alembic import op

revision = "0006_housekeeping"
down_revision = "0005_taken"
branch_labels = None
depends_on = None

DATING = """
    CREATE TABLE intake.dating (
        district TEXT NOT NULL,
        day DATE NOT NULL,
        started INTEGER NOT NULL,
        ended INTEGER NOT NULL,
        deactivated INTEGER NOT NULL,
        at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        told_in TEXT,
        CONSTRAINT pk_dating PRIMARY KEY (district, day)
    );
    GRANT SELECT, INSERT ON intake.dating TO roster_sync;
    GRANT UPDATE (started, ended, deactivated, at, told_in) ON intake.dating TO roster_sync;
    GRANT SELECT ON intake.dating TO roster_manual;
    GRANT SELECT, DELETE ON intake.dating TO roster_sweep;
"""
SWEEP = """
    CREATE TABLE intake.sweep (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        district TEXT NOT NULL,
        legal_hold BOOLEAN NOT NULL,
        proof JSONB NOT NULL,
        at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_sweep PRIMARY KEY (id)
    );
    CREATE INDEX ix_sweep_district_at ON intake.sweep (district, at);
    GRANT SELECT, INSERT ON intake.sweep TO roster_sync;
    GRANT SELECT ON intake.sweep TO roster_manual;
    GRANT SELECT, DELETE ON intake.sweep TO roster_sweep;
"""
GUARD = """
    ALTER TABLE intake.{0} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
    CREATE POLICY district ON intake.{0}
        USING (district = roster.current_district() AND district = (SELECT roster.current_district()))
        WITH CHECK (district = (SELECT roster.current_district()));
    CREATE POLICY listing ON intake.{0} FOR SELECT USING (true);
"""
RUNS = "ALTER TABLE intake.run_districts ADD COLUMN listed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL"


def upgrade() -> None:
    """Both tables hold numbers and moments, no cells: they are listed for all districts, and written for one."""
    for script in (DATING, SWEEP, GUARD.format("dating"), GUARD.format("sweep"), RUNS):
        op.execute(script)


def downgrade() -> None:
    """Forward only: a ledger is never dropped by a program."""
    raise NotImplementedError("restore a backup instead")
