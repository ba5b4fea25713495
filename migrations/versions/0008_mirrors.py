"""Mirroring: where jobs are mirrored to, and how far each has been."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPEN = sa.text("NOT done")


def upgrade() -> None:
    op.create_table(
        "mirror_targets",
        sa.Column("number", COUNTER, primary_key=True, autoincrement=True),
        sa.Column("uri", sa.Text(), nullable=False),
        sa.Column("experiment", sa.String(500), nullable=False),
        sa.Column("after_job", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.UniqueConstraint("uri", "experiment", name="mirror_targets_once"),
    )
    of_target = sa.ForeignKey("mirror_targets.number", ondelete="CASCADE")
    op.create_table(
        "mirrors",
        sa.Column("target_number", COUNTER, of_target, nullable=False),
        sa.Column("job_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("job_id", sa.String(32), nullable=False),
        sa.Column("run_id", sa.String(64)),
        sa.Column("cursor", sa.JSON(none_as_null=True)),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("clock", sa.JSON(none_as_null=True)),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("due_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("target_number", "job_number"),
    )
    op.create_index("mirrors_due", "mirrors", ["target_number", "due_at"], postgresql_where=OPEN, sqlite_where=OPEN)


def downgrade() -> None:
    for table in ("mirrors", "mirror_targets"):
        op.drop_table(table)
