"""Which workers are alive, by their last sign of life on the database's clock. Queries never commit."""

from collections.abc import Sequence
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


def jobs_held(session: Session, worker_ids: Sequence[str]) -> dict[str, list[str]]:
    """The ids of the jobs that each of these workers holds, oldest first."""
    held: dict[str, list[str]] = {worker_id: [] for worker_id in worker_ids}
    query = select(Job.worker_id, Job.id).where(Job.status.in_(LEASED), Job.worker_id.in_(worker_ids))
    for worker_id, job_id in session.execute(query.order_by(Job.number)):
        if worker_id is not None:
            held[worker_id].append(job_id)
    return held
