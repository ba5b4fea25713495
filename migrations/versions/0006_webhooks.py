"""Webhooks: endpoints, the messages for them, and the attempts to send these."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PENDING = sa.text("status = 'pending'")


def upgrade() -> None:
    op.create_table(
        "webhook_endpoints",
        sa.Column("number", COUNTER, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(32), nullable=False, unique=True),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("description", sa.String(256)),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("job_id", sa.String(32)),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("disabled_reason", sa.Text()),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("secret", sa.String(128), nullable=False),
        sa.Column("previous_secret", sa.String(128)),
        sa.Column("previous_secret_until", sa.DateTime()),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sqlite_autoincrement=True,
    )
    _create_deliveries()
    op.create_table(
        "webhook_attempts",
        sa.Column(
            "delivery_number",
            COUNTER,
            sa.ForeignKey("webhook_deliveries.number", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("http_status", sa.Integer()),
        sa.Column("error", sa.Text()),
        sa.Column("response", sa.Text()),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("delivery_number", "number"),
    )


def _create_deliveries() -> None:
    op.create_table(
        "webhook_deliveries",
        sa.Column("number", COUNTER, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(32), nullable=False, unique=True),
        sa.Column("endpoint_number", sa.BigInteger(), nullable=False),
        sa.Column("event_number", sa.BigInteger()),
        sa.Column("job_id", sa.String(32)),
        sa.Column("type", sa.String(64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("settled_at", sa.DateTime()),
        sa.UniqueConstraint("endpoint_number", "event_number", name="webhook_deliveries_once"),
        sqlite_autoincrement=True,
    )
    op.create_index("webhook_deliveries_of_endpoint", "webhook_deliveries", ["endpoint_number", "number"])
    op.create_index(
        "webhook_deliveries_due",
        "webhook_deliveries",
        ["endpoint_number", "due_at"],
        postgresql_where=PENDING,
        sqlite_where=PENDING,
    )
    op.create_index("webhook_deliveries_settled", "webhook_deliveries", ["settled_at"])


def downgrade() -> None:
    for table in ("webhook_attempts", "webhook_deliveries", "webhook_endpoints"):
        op.drop_table(table)
