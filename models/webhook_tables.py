"""The tables of webhooks: where messages go, the messages, and each attempt to send one.

No row refers to a job or an event: what was to be told of a job is told although it has been deleted. A delivery does
not refer to its endpoint by a foreign key either: deleting an endpoint must never wait for, nor undo, the transaction
of a job that has just written one. The courier removes what an endpoint leaves behind.
"""

from datetime import datetime

from sqlalchemy import JSON, Double, ForeignKey, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.database import database_now
from models.tables import NEVER_REUSED, Base, Counter


class WebhookEndpoint(Base):
    """An address that messages go to. ``secrets`` are needed to sign, so they are stored as they are."""

    __tablename__ = "webhook_endpoints"

    number: Mapped[int] = mapped_column(Counter, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(32), unique=True)
    url: Mapped[str] = mapped_column(Text)
    description: Mapped[str | None] = mapped_column(String(256))
    # Types of messages, or ``job.*``.
    events: Mapped[list[str]] = mapped_column(JSON)
    # Only messages of this job, where there is one.
    job_id: Mapped[str | None] = mapped_column(String(32))
    enabled: Mapped[bool]
    disabled_reason: Mapped[str | None] = mapped_column(Text)
    # Deliveries given up one after the other since the last that arrived.
    failures: Mapped[int] = mapped_column(Integer, default=0)
    secret: Mapped[str] = mapped_column(String(128))
    # The one before, which still signs until then.
    previous_secret: Mapped[str | None] = mapped_column(String(128))
    previous_secret_until: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=database_now())

    __table_args__ = (NEVER_REUSED,)


class WebhookDelivery(Base):
    """A message for one endpoint: written in the transaction of its event, sent by the courier, exactly one per event.

    ``body`` is what is sent, byte for byte, at every attempt. ``attempts`` counts all that were begun, and is the
    fencing token of the one under way; ``tries`` counts those since the message was made or last replayed.
    """

    __tablename__ = "webhook_deliveries"

    number: Mapped[int] = mapped_column(Counter, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(32), unique=True)
    endpoint_number: Mapped[int]
    # Null of a test, which no event is behind.
    event_number: Mapped[int | None]
    job_id: Mapped[str | None] = mapped_column(String(32))
    type: Mapped[str] = mapped_column(String(64))
    body: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(16), default="pending")
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    tries: Mapped[int] = mapped_column(Integer, default=0)
    # When the next attempt is due; of one under way, when whoever makes it counts as dead.
    due_at: Mapped[datetime] = mapped_column(default=database_now())
    created_at: Mapped[datetime] = mapped_column(default=database_now())
    settled_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("endpoint_number", "event_number", name="webhook_deliveries_once"),
        Index("webhook_deliveries_of_endpoint", "endpoint_number", "number"),
        # What waits, and nothing but what waits.
        Index(
            "webhook_deliveries_due",
            "endpoint_number",
            "due_at",
            postgresql_where=text("status = 'pending'"),
            sqlite_where=text("status = 'pending'"),
        ),
        # By age, for what is forgotten in the end.
        Index("webhook_deliveries_settled", "settled_at"),
        NEVER_REUSED,
    )


class WebhookAttempt(Base):
    """One attempt to send a message, and what came of it. A number that is missing is of a courier that died."""

    __tablename__ = "webhook_attempts"

    delivery_number: Mapped[int] = mapped_column(
        Counter, ForeignKey("webhook_deliveries.number", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    # Null where nobody answered; ``error`` says why then.
    http_status: Mapped[int | None] = mapped_column(Integer)
    error: Mapped[str | None] = mapped_column(Text)
    # The beginning of the answer's body.
    response: Mapped[str | None] = mapped_column(Text)
    seconds: Mapped[float] = mapped_column(Double)
    created_at: Mapped[datetime] = mapped_column(default=database_now())
