"""The one place where a job's state changes: a compare-and-set over ``status.TRANSITIONS``, with an event each time."""

from typing import Any

from sqlalchemy import ColumnElement, update
from sqlalchemy.orm import Session

from models import events
from models.database import database_now
from models.status import LEASED, TRANSITIONS, JobStatus
from models.tables import Job


class TransitionLost(Exception):
    """The job was not, or no longer, in the state from which it was to go on."""


def transition(
    session: Session,
    job_number: int,
    source: JobStatus,
    target: JobStatus,
    reason: str,
    *guards: ColumnElement[bool],
    event_data: dict[str, Any] | None = None,
    **values: Any,
) -> Job:
    """Move a job from ``source`` to ``target``, setting ``values`` in the same statement.

    ``guards`` are further conditions (a lease still held, a lease expired).

    Raises:
        ValueError: the table of transitions has no such arrow.
        TransitionLost: the job is in another state, or a guard does not hold; nothing was changed.
    """
    if (source, target) not in TRANSITIONS:
        raise ValueError(f"no transition from {source} to {target}")
    if target.is_final:
        values.setdefault("finished_at", database_now())
    if target not in LEASED:
        values |= {"lease_expires_at": None, "worker_id": None, "process_id": None, "steps_per_second": None}
    statement = (
        update(Job)
        .where(Job.number == job_number, Job.status == source, *guards)
        .values(status=target, status_reason=reason, revision=Job.revision + 1, **values)
        .returning(Job)
        .execution_options(populate_existing=True)
    )
    job = session.scalars(statement).one_or_none()
    if job is None:
        raise TransitionLost(f"job is not {source}")
    level = "error" if target is JobStatus.FAILED else "info"
    data = {"from": source, "to": target, "attempt": job.attempt, "step": job.step} | (event_data or {})
    events.add(session, job_number, f"job.{target}", reason, level, **data)  # type: ignore[arg-type]
    return job
