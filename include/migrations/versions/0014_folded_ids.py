"""Class IDs and secondary IDs are looked up without case and leading zeros: those that lost them are told, not stored.

The folded columns are stored, because under row-level security no index serves a function of a column.
"""

from __future__ import annotations

from alembic import op

revision = "0014_folded_ids"
down_revision = "0013_statistics"
branch_labels = None
depends_on = None


FOLDED = (
    ("class", "id_fold", "class_id"),
    ("person", "district_id_fold", "user_district_id"),
    ("person", "state_id_fold", "user_state_id"),
)


def upgrade() -> None:
    """Most people have no secondary ID: their rows are left out of the index."""
    for table, column, value in FOLDED:
        folded = f"lower(ltrim({value}, '0'))"
        op.execute(f"ALTER TABLE roster.{table} ADD COLUMN {column} TEXT GENERATED ALWAYS AS ({folded}) STORED")
        op.execute(
            f"CREATE INDEX ix_{table}_{column} ON roster.{table} (district, {column}) WHERE {column} IS NOT NULL"
        )


def downgrade() -> None:
    """Forward only."""
    raise NotImplementedError("restore a backup instead")
