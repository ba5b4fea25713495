"""A job's history in words (events) and its worker's log lines. Queries take a session and never commit."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, TypedDict

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from models import webhook_outbox
from models.tables import Event, LogLine

# The kind of the event that says that what was recorded after its ``step`` is gone.
REWOUND = "job.rewound"
# The kind of the event that says that a job went back to a checkpoint with a remedy; one of ``REWOUND`` follows it.
ROLLED_BACK = "job.rolled_back"
Level = Literal["debug", "info", "warning", "error"]


class LogRecord(TypedDict):
    """One log line; ``created_at`` is UTC by the worker's clock."""

    level: str
    message: str
    data: dict[str, Any]
    created_at: datetime


def add(session: Session, job_number: int, kind: str, message: str, level: Level = "info", **data: Any) -> None:
    """Append an event to a job's history, and a message about it for whoever asked to be told."""
    event = Event(job_number=job_number, kind=kind, level=level, message=message, data=data)
    session.add(event)
    webhook_outbox.put(session, event)


def list_events(session: Session, job_number: int, after: int = 0, limit: int = 100) -> Sequence[Event]:
    """Events in order, those numbered above ``after``, at most ``limit``."""
    query = select(Event).where(Event.job_number == job_number, Event.number > after)
    return session.scalars(query.order_by(Event.number).limit(limit)).all()


def add_log_lines(session: Session, job_number: int, attempt: int, lines: Sequence[LogRecord]) -> None:
    if lines:
        session.execute(insert(LogLine), [{**line, "job_number": job_number, "attempt": attempt} for line in lines])


def list_log_lines(session: Session, job_number: int, after: int = 0, limit: int = 100) -> Sequence[LogLine]:
    """Log lines in order, those numbered above ``after``, at most ``limit``."""
    query = select(LogLine).where(LogLine.job_number == job_number, LogLine.number > after)
    return session.scalars(query.order_by(LogLine.number).limit(limit)).all()
