"""Creating, reading, listing, cancelling and deleting jobs. Queries take a session and never commit."""

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import delete, exists, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models import events
from models.spec import JobSpec
from models.status import JobStatus
from models.tables import Job, JobMetadata
from models.transitions import TransitionLost, transition

# Hexadecimal digits of the job's number within its id.
NUMBER_DIGITS = 10


class IdempotencyConflict(Exception):
    """The idempotency key was used before, for another body."""


class NotDeletable(Exception):
    """Only finished jobs can be deleted."""


@dataclass(frozen=True)
class JobFilter:
    """What a list of jobs is narrowed to; everything given must hold."""

    statuses: Sequence[JobStatus] = ()
    name: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


def new_job_id(number: int) -> str:
    """Ids begin with the job's number, so that one is a place in the list even after its job has been deleted."""
    return f"job_{number:0{NUMBER_DIGITS}x}{secrets.token_hex(7)}"


def number_in(job_id: str) -> int:
    return int(job_id.removeprefix("job_")[:NUMBER_DIGITS], 16)


def spec_hash(spec: JobSpec) -> str:
    """SHA-256 of the normalised spec: two bodies that mean the same job hash alike."""
    return hashlib.sha256(json.dumps(spec.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()


def create(session: Session, spec: JobSpec, idempotency_key: str | None = None) -> tuple[Job, bool]:
    """Add a queued job; returns it and whether it is new.

    Raises:
        IdempotencyConflict: the key belongs to a job with another spec.
    """
    request_hash = spec_hash(spec)
    if idempotency_key is not None and (known := _by_key(session, idempotency_key, request_hash)):
        return known, False
    job = Job(
        id=secrets.token_hex(16),  # until its number is known
        name=spec.name,
        spec=spec.model_dump(mode="json"),
        status=JobStatus.QUEUED,
        status_reason="waiting for a worker",
        steps=spec.steps,
        idempotency_key=idempotency_key,
        request_hash=request_hash,
    )
    try:
        with session.begin_nested():
            session.add(job)
            session.flush()
            job.id = new_job_id(job.number)
    except IntegrityError:
        # Another request with the same key committed between the look-up and the insert.
        if idempotency_key is None or (known := _by_key(session, idempotency_key, request_hash)) is None:
            raise
        return known, False
    session.add_all(JobMetadata(job_number=job.number, key=key, value=value) for key, value in spec.metadata.items())
    events.add(session, job.number, "job.queued", "job created", to=JobStatus.QUEUED)
    session.flush()
    session.refresh(job)
    return job, True


def _by_key(session: Session, idempotency_key: str, request_hash: str) -> Job | None:
    job = session.scalar(select(Job).where(Job.idempotency_key == idempotency_key))
    if job is not None and job.request_hash != request_hash:
        raise IdempotencyConflict(job.id)
    return job


def get(session: Session, job_id: str) -> Job | None:
    return session.scalar(select(Job).where(Job.id == job_id))


def list_jobs(session: Session, narrowed_to: JobFilter, after: str | None, limit: int) -> Sequence[Job]:
    """Jobs, newest first, those older than the job ``after``; at most ``limit``.

    Raises:
        LookupError: there is no job ``after``.
    """
    query = select(Job)
    if after is not None:
        query = query.where(Job.number < _place_of(session, after))
    if narrowed_to.statuses:
        query = query.where(Job.status.in_(narrowed_to.statuses))
    if narrowed_to.name is not None:
        query = query.where(Job.name == narrowed_to.name)
    for key, value in narrowed_to.metadata.items():
        labelled = exists().where(
            JobMetadata.job_number == Job.number, JobMetadata.key == key, JobMetadata.value == value
        )
        query = query.where(labelled)
    return session.scalars(query.order_by(Job.number.desc()).limit(limit)).all()


def _place_of(session: Session, job_id: str) -> int:
    """The number of a job that is, or was until it was deleted."""
    number = number_in(job_id)
    newest = session.scalar(select(func.max(Job.number))) or 0
    there = session.scalar(select(Job.id).where(Job.number == number))
    if not 0 < number <= newest or there not in (None, job_id):
        raise LookupError(job_id)
    return number


def queue_position(session: Session, job: Job) -> int | None:
    """1 for the job that is claimed next; ``None`` for one that is not queued."""
    if job.status != JobStatus.QUEUED:
        return None
    ahead = or_(Job.priority > job.priority, (Job.priority == job.priority) & (Job.number < job.number))
    count = session.scalar(select(func.count()).select_from(Job).where(Job.status == JobStatus.QUEUED, ahead))
    return (count or 0) + 1


def count_queued(session: Session, most: int) -> int:
    """How many jobs are queued, counted no further than ``most``."""
    queued = select(Job.number).where(Job.status == JobStatus.QUEUED).limit(most).subquery()
    return session.scalar(select(func.count()).select_from(queued)) or 0


def cancel(session: Session, job: Job) -> Job:
    """Ask for a job's end: a queued one is cancelled at once, a running one becomes ``cancelling`` until its worker
    confirms. Asking again changes nothing.

    Raises:
        TransitionLost: the job has finished.
    """
    for _ in range(3):  # the job may be claimed, finish or go back to the queue while we ask
        session.refresh(job)
        if job.status in (JobStatus.CANCELLING, JobStatus.CANCELLED):
            return job
        running = job.status == JobStatus.RUNNING
        source, target = (
            (JobStatus.RUNNING, JobStatus.CANCELLING) if running else (JobStatus.QUEUED, JobStatus.CANCELLED)
        )
        try:
            return transition(session, job.number, source, target, "cancellation requested")
        except TransitionLost:
            continue
    raise TransitionLost(job.status)


def delete_job(session: Session, job: Job) -> None:
    """Delete a finished job with its rows and samples; its files are the caller's to delete after the commit.

    Raises:
        NotDeletable: the job has not finished.
    """
    finished = [status for status in JobStatus if status.is_final]
    gone = session.execute(delete(Job).where(Job.number == job.number, Job.status.in_(finished)).returning(Job.number))
    if gone.one_or_none() is None:
        raise NotDeletable(job.id)
