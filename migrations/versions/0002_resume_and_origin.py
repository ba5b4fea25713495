"""Jobs that are paused, resumed, forked, retried or held back, and writes that are recognised when repeated."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("environment", sa.JSON(none_as_null=True)),
        sa.Column("origin", sa.JSON(none_as_null=True)),
        sa.Column("start_step", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
        sa.Column("writes", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
        sa.Column("available_at", sa.DateTime()),
        sa.Column("process_id", sa.Integer()),
    ]


def upgrade() -> None:
    for column in columns():
        op.add_column("jobs", column)
    op.create_index("job_metadata_of_job", "job_metadata", ["job_number"])


def downgrade() -> None:
    op.drop_index("job_metadata_of_job", "job_metadata")
    for column in reversed(columns()):
        op.drop_column("jobs", column.name)
