"""Reports of a job's health, the newest beside its job, and the stretches that rollbacks have left behind."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def of_jobs() -> list[sa.Column[Any]]:
    return [
        sa.Column("verdict", sa.String(40)),
        sa.Column("severity", sa.String(8)),
        sa.Column("health", sa.JSON(none_as_null=True)),
        sa.Column("rollbacks", sa.Integer(), server_default=sa.text("0"), nullable=False),
    ]


def job_key() -> sa.Column[Any]:
    return sa.Column("job_number", COUNTER, sa.ForeignKey("jobs.number", ondelete="CASCADE"), nullable=False)


def upgrade() -> None:
    for column in of_jobs():
        op.add_column("jobs", column)
    op.add_column("checkpoints", sa.Column("severity", sa.String(8)))
    op.create_index("jobs_verdict", "jobs", ["verdict", "number"])
    op.create_index("jobs_severity", "jobs", ["severity", "number"])
    op.create_table(
        "health_reports",
        job_key(),
        sa.Column("segment", sa.Integer(), nullable=False),
        sa.Column("step", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("verdict", sa.String(40), nullable=False),
        sa.Column("severity", sa.String(8), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.Column("reading", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("job_number", "segment", "step"),
    )
    op.create_table(
        "segments",
        job_key(),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("after_step", sa.BigInteger(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("verdict", sa.String(40), nullable=False),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.Column("remedy", sa.JSON(), nullable=False),
        sa.Column("remedy_text", sa.Text(), nullable=False),
        sa.Column("spec_patch", sa.JSON(), nullable=False),
        sa.Column("stream", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("job_number", "number"),
    )


def downgrade() -> None:
    op.drop_table("segments")
    op.drop_table("health_reports")
    op.drop_index("jobs_severity", "jobs")
    op.drop_index("jobs_verdict", "jobs")
    op.drop_column("checkpoints", "severity")
    for column in reversed(of_jobs()):
        op.drop_column("jobs", column.name)
