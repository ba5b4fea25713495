"""First tables: jobs, their metadata, metrics, samples, checkpoints, events and logs, and the workers."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def job_number() -> sa.Column[int]:
    return sa.Column("job_number", COUNTER, sa.ForeignKey("jobs.number", ondelete="CASCADE"), nullable=False)


def row_of_step(table: str, *columns: sa.Column[object], **options: Any) -> None:
    """A table with one row per (job, segment, step)."""
    op.create_table(
        table,
        job_number(),
        sa.Column("segment", sa.Integer(), nullable=False),
        sa.Column("step", sa.BigInteger(), autoincrement=False, nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("job_number", "segment", "step"),
        **options,
    )


def line_of_job(table: str, *columns: sa.Column[object]) -> None:
    """A table of numbered lines that belong to a job."""
    op.create_table(
        table,
        sa.Column("number", COUNTER, autoincrement=True, nullable=False),
        job_number(),
        *columns,
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sqlite_autoincrement=True,
    )
    op.create_index(f"{table}_of_job", table, ["job_number", "number"])


def create_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("number", COUNTER, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(64)),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("status_reason", sa.Text()),
        sa.Column("error", sa.JSON(none_as_null=True)),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("steps", sa.BigInteger(), nullable=False),
        sa.Column("step", sa.BigInteger(), nullable=False),
        sa.Column("segment", sa.Integer(), nullable=False),
        sa.Column("latest_metrics", sa.JSON(none_as_null=True)),
        sa.Column("steps_per_second", sa.Double()),
        sa.Column("training_seconds", sa.Double(), nullable=False),
        sa.Column("data_fingerprint", sa.String(64)),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("crashes", sa.Integer(), nullable=False),
        sa.Column("worker_id", sa.String(64)),
        sa.Column("lease_expires_at", sa.DateTime()),
        sa.Column("idempotency_key", sa.String(255)),
        sa.Column("request_hash", sa.String(64)),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("started_at", sa.DateTime()),
        sa.Column("finished_at", sa.DateTime()),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("id"),
        sa.UniqueConstraint("idempotency_key"),
        sqlite_autoincrement=True,
    )
    queued, leased = sa.text("status = 'queued'"), sa.text("lease_expires_at IS NOT NULL")
    op.create_index(
        "jobs_queue", "jobs", [sa.text("priority DESC"), "number"], postgresql_where=queued, sqlite_where=queued
    )
    op.create_index("jobs_leases", "jobs", ["lease_expires_at"], postgresql_where=leased, sqlite_where=leased)
    op.create_index("jobs_status", "jobs", ["status", "number"])
    op.create_index("jobs_name", "jobs", ["name", "number"])
    op.create_table(
        "job_metadata",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("value", sa.String(512), nullable=False),
        job_number(),
        sa.PrimaryKeyConstraint("key", "value", "job_number"),
    )


def create_rows_of_steps() -> None:
    metrics = (
        "d_loss",
        "g_loss",
        "total_loss",
        "d_real",
        "d_fake",
        "d_real_logit",
        "d_fake_logit",
        "d_grad_norm",
        "g_grad_norm",
    )
    row_of_step(
        "metrics",
        *(sa.Column(name, sa.Double()) for name in metrics),
        sa.Column("nan_mask", sa.SmallInteger(), nullable=False),
        sqlite_with_rowid=False,
    )
    row_of_step(
        "samples",
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("png", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
    )
    row_of_step(
        "checkpoints",
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("folder", sa.String(255), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
    )


def create_lines() -> None:
    line_of_job(
        "events",
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("level", sa.String(16), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
    )
    line_of_job(
        "log_lines",
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("level", sa.String(16), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
    )


def upgrade() -> None:
    create_jobs()
    create_rows_of_steps()
    create_lines()
    op.create_table(
        "workers",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("hostname", sa.String(255), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("devices", sa.JSON(), nullable=False),
        sa.Column("versions", sa.JSON(), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=False),
        sa.Column("seen_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def downgrade() -> None:
    for table in ("workers", "log_lines", "events", "checkpoints", "samples", "metrics", "job_metadata", "jobs"):
        op.drop_table(table)
