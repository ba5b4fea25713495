"""Watching many jobs: which have changed since a moment, and how far the recorder is behind its loop."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Nullable: SQLite adds no column whose default is the time.
    op.add_column("jobs", sa.Column("changed_at", sa.DateTime()))
    op.add_column("jobs", sa.Column("recorder_lag_seconds", sa.Double()))
    op.execute("UPDATE jobs SET changed_at = coalesce(finished_at, started_at, created_at)")
    op.create_index("jobs_changed", "jobs", ["changed_at"])


def downgrade() -> None:
    op.drop_index("jobs_changed", "jobs")
    op.drop_column("jobs", "recorder_lag_seconds")
    op.drop_column("jobs", "changed_at")
