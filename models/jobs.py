"""Creating, reading, listing and deleting jobs. Queries take a session and never commit."""

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, NotRequired, TypedDict, cast

from pydantic import ValidationError
from sqlalchemy import ColumnElement, Select, delete, func, or_, select, union_all
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased, defer

from models import events
from models.database import database_now
from models.spec import JobSpec
from models.status import JobStatus
from models.tables import IS_QUEUED, Job, JobMetadata
from models.verdicts import Severity, Verdict

# Hexadecimal digits of the job's number within its id.
NUMBER_DIGITS = 10
# A change has the time of its statement, and is seen when it is committed: hardly later than this.
COMMIT_SECONDS = 10


class IdempotencyConflict(Exception):
    """The idempotency key was used before, for another body."""


class Origin(TypedDict):
    """What a job was made from: another one's checkpoint of ``step`` (a fork) or its spec (a retry). A fork began with
    the remedies of so many ``rollbacks`` and the ``stream`` of noise that the other one had come to, none and 0 where
    it does not say."""

    kind: Literal["fork", "retry"]
    job_id: str
    step: int | None
    rollbacks: NotRequired[int]
    stream: NotRequired[int]


class NotDeletable(Exception):
    """Only finished jobs can be deleted."""


@dataclass(frozen=True)
class JobFilter:
    """What a list of jobs is narrowed to; everything given must hold."""

    statuses: Sequence[JobStatus] = ()
    name: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    verdicts: Sequence[Verdict] = ()
    severities: Sequence[Severity] = ()
    # By the database's clock. Those of the last seconds before may be among the answer, too.
    changed_since: datetime | None = None


def new_job_id(number: int) -> str:
    """Ids begin with the job's number, so that one is a place in the list even after its job has been deleted."""
    return f"job_{number:0{NUMBER_DIGITS}x}{secrets.token_hex(7)}"


def number_in(job_id: str) -> int:
    return int(job_id.removeprefix("job_")[:NUMBER_DIGITS], 16)


def request_hash_of(spec: JobSpec, origin: Origin | None) -> str:
    """SHA-256 of the normalised spec and of what the job came from: two requests that mean the same job hash alike."""
    meant = [spec.model_dump(mode="json"), origin]
    return hashlib.sha256(json.dumps(meant, sort_keys=True).encode()).hexdigest()


def create(
    session: Session, spec: JobSpec, idempotency_key: str | None = None, origin: Origin | None = None
) -> tuple[Job, bool]:
    """Add a queued job; returns it and whether it is new. A fork begins after the step of its ``origin``.

    Raises:
        IdempotencyConflict: the key belongs to a job with another spec.
    """
    request_hash = request_hash_of(spec, origin)
    start_step = (origin["step"] if origin else None) or 0
    if idempotency_key is not None and (known := _by_key(session, idempotency_key, request_hash)):
        return known, False
    job = Job(
        id=secrets.token_hex(16),  # until its number is known
        name=spec.name,
        spec=spec.model_dump(mode="json"),
        status=JobStatus.QUEUED,
        status_reason="waiting for a worker",
        priority=spec.priority,
        steps=spec.steps,
        step=start_step,
        start_step=start_step,
        origin=dict(origin) if origin else None,
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
    events.add(session, job.number, "job.queued", _told(origin), to=JobStatus.QUEUED, origin=origin)
    session.flush()
    session.refresh(job)
    return job, True


def _told(origin: Origin | None) -> str:
    match origin:
        case None:
            return "job created"
        case {"kind": "retry", "job_id": job_id}:
            return f"created to try {job_id} again"
        case _:
            return f"forked from {origin['job_id']} after step {origin['step']}"


def _by_key(session: Session, idempotency_key: str, request_hash: str) -> Job | None:
    job = get_by_key(session, idempotency_key)
    if job is not None and request_hash not in (job.request_hash, _hash_now(job)):
        raise IdempotencyConflict(job.id)
    return job


def _hash_now(job: Job) -> str | None:
    """The hash of what a job was made of, by this version, whose specs may have fields that were not known then."""
    try:
        return request_hash_of(JobSpec.model_validate(job.spec), cast(Origin | None, job.origin))
    except ValidationError:  # this version would refuse the spec, so nobody can be asking for it again
        return None


def get_by_key(session: Session, idempotency_key: str) -> Job | None:
    """The job that was made under a key."""
    return session.scalar(select(Job).where(Job.idempotency_key == idempotency_key))


def get(session: Session, job_id: str) -> Job | None:
    return session.scalar(select(Job).where(Job.id == job_id))


def list_jobs(session: Session, narrowed_to: JobFilter, after: str | None, limit: int) -> Sequence[Job]:
    """Jobs, newest first, those older than the job ``after``; at most ``limit``.

    Raises:
        LookupError: there is no job ``after``.
    """
    below = _place_of(session, after) if after is not None else None
    query = select(Job).where(Job.number < below) if below is not None else select(Job)
    if narrowed_to.name is not None:
        query = query.where(Job.name == narrowed_to.name)
    if narrowed_to.changed_since is not None:
        query = query.where(Job.changed_at >= narrowed_to.changed_since - timedelta(seconds=COMMIT_SECONDS))
    labels = [aliased(JobMetadata) for _ in narrowed_to.metadata]
    for label, (key, value) in zip(labels, narrowed_to.metadata.items(), strict=True):
        query = query.join(label, (label.job_number == Job.number) & (label.key == key) & (label.value == value))
    # The labels' index holds the jobs of one label in order, so that the newest are found without reading the others.
    age = labels[0].job_number if labels else Job.number
    if labels and below is not None:
        query = query.where(age < below)
    # Reports are some kilobytes, and a list shows none of them.
    return session.scalars(_of_any(query, _choices(narrowed_to), age, limit).options(defer(Job.health))).all()


def _choices(narrowed_to: JobFilter) -> list[list[ColumnElement[bool]]]:
    """What a list is narrowed to, of which one of each must hold; that which most likely leaves fewest comes first."""
    chosen = (
        [Job.verdict == verdict for verdict in dict.fromkeys(narrowed_to.verdicts)],
        [Job.severity == severity for severity in dict.fromkeys(narrowed_to.severities)],
        [Job.status == status for status in dict.fromkeys(narrowed_to.statuses)],
    )
    return [alternatives for alternatives in chosen if alternatives]


def _of_any(query: Select[Job], choices: list[list[ColumnElement[bool]]], age: Any, limit: int) -> Select[Job]:
    """The newest ``limit`` of ``query`` for which one of each of ``choices`` holds. Of the first, each is looked up by
    itself: its index holds its jobs in order, where those of several would have to be sorted."""
    first, *others = choices or [[]]
    query = query.where(*(or_(*alternatives) for alternatives in others))
    if len(first) < 2:
        return query.where(*first).order_by(age.desc()).limit(limit)
    each = [
        query.with_only_columns(Job.number).where(alternative).order_by(age.desc()).limit(limit)
        for alternative in first
    ]
    numbers = union_all(*(select(part.subquery()) for part in each)).subquery()
    newest = select(numbers.c.number).order_by(numbers.c.number.desc()).limit(limit)
    return select(Job).where(Job.number.in_(newest)).order_by(Job.number.desc())


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
    count = session.scalar(select(func.count()).select_from(Job).where(IS_QUEUED, ahead))
    return (count or 0) + 1


def count_queued(session: Session, most: int) -> int:
    """How many jobs can be claimed now, counted no further than ``most``."""
    ready = or_(Job.available_at.is_(None), Job.available_at <= database_now())
    # In the order of their index, or a database might look for them among all jobs.
    in_order = select(Job.number).where(IS_QUEUED, ready).order_by(Job.priority.desc(), Job.number)
    queued = in_order.limit(most).subquery()
    return session.scalar(select(func.count()).select_from(queued)) or 0


def delete_job(session: Session, job: Job) -> None:
    """Delete a finished job with its rows and samples; its files are the caller's to delete after the commit.

    Raises:
        NotDeletable: the job has not finished.
    """
    finished = [status for status in JobStatus if status.is_final]
    gone = session.execute(delete(Job).where(Job.number == job.number, Job.status.in_(finished)).returning(Job.number))
    if gone.one_or_none() is None:
        raise NotDeletable(job.id)
