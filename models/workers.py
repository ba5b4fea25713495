"""Which workers are alive, by their last sign of life on the database's clock. Queries never commit."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from models.database import database_now
from models.status import LEASED
from models.tables import Job, Worker

# A worker is taken for dead after this many missed signs of life.
MISSED_HEARTBEATS = 3
FORGET_AFTER_SECONDS = 86_400


def announce(session: Session, worker: Worker) -> None:
    """Add a worker that has just started, and forget those silent for a day."""
    session.execute(delete(Worker).where(Worker.seen_at < database_now(-FORGET_AFTER_SECONDS)))
    session.add(worker)


def sign_of_life(session: Session, worker_id: str, **values: Any) -> bool:
    """Note that a worker is up; returns whether it is known."""
    statement = update(Worker).where(Worker.id == worker_id).values(seen_at=database_now(), **values)
    return session.scalar(statement.returning(Worker.id)) is not None


def list_live(session: Session, heartbeat_seconds: float) -> Sequence[Worker]:
    """Workers that are up, oldest first."""
    recent = database_now(-MISSED_HEARTBEATS * heartbeat_seconds)
    query = select(Worker).where(Worker.seen_at > recent, Worker.status != "stopped")
    return session.scalars(query.order_by(Worker.started_at)).all()


@dataclass(frozen=True)
class Held:
    """The ids of the jobs that a worker holds, oldest first, and how many steps per second it trains of them together:
    ``None`` where none has said its speed."""

    jobs: list[str] = field(default_factory=list)
    steps_per_second: float | None = None


def jobs_held(session: Session, worker_ids: Sequence[str]) -> dict[str, Held]:
    """What each of these workers holds."""
    held = dict.fromkeys(worker_ids, Held())
    query = select(Job.worker_id, Job.id, Job.steps_per_second)
    # Jobs with a lease have an index of their own.
    is_held = Job.lease_expires_at.is_not(None) & Job.status.in_(LEASED) & Job.worker_id.in_(worker_ids)
    query = query.where(is_held).order_by(Job.number)
    for worker_id, job_id, speed in session.execute(query):
        if worker_id is not None:
            before = held[worker_id]
            together = before.steps_per_second if speed is None else (before.steps_per_second or 0.0) + speed
            held[worker_id] = Held([*before.jobs, job_id], together)
    return held
