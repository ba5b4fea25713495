"""Evaluations of the generator, the latest beside its job, and which checkpoint was the best by which of them."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def of_checkpoints() -> list[sa.Column[Any]]:
    return [sa.Column("best_metric", sa.String(64)), sa.Column("best_value", sa.Double())]


def upgrade() -> None:
    op.create_table(
        "evaluations",
        sa.Column("job_number", COUNTER, sa.ForeignKey("jobs.number", ondelete="CASCADE"), nullable=False),
        sa.Column("segment", sa.Integer(), nullable=False),
        sa.Column("step", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("values", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("job_number", "segment", "step"),
    )
    op.add_column("jobs", sa.Column("latest_evaluation", sa.JSON(none_as_null=True)))
    for column in of_checkpoints():
        op.add_column("checkpoints", column)


def downgrade() -> None:
    for column in reversed(of_checkpoints()):
        op.drop_column("checkpoints", column.name)
    op.drop_column("jobs", "latest_evaluation")
    op.drop_table("evaluations")
