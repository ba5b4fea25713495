"""What a monitoring system asks of the service as a whole. Queries take a session and never commit.

Whatever the number of jobs, each is an index alone, or about as many rows as there are workers. All of it should be
read in one snapshot.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from models.database import database_now
from models.status import LEASED, JobStatus
from models.tables import IS_QUEUED, Event, Job, Worker
from models.workers import MISSED_HEARTBEATS

# A worker that fell silent is told of for so long: its successor has another id, and nobody waits for it for ever.
SILENT_SECONDS = 3600
# The longest wait is looked for among so many queued jobs, those that were created first.
FIRST_QUEUED = 1000
# How many events are looked through at once for claims; what is left is read the next time.
EVENTS_AT_ONCE = 50_000
# Events are numbered before they are committed: one that is older than any transaction has none missing before it.
SETTLED_SECONDS = 10


@dataclass(frozen=True)
class JobInTraining:
    """A job that a worker holds. Its speed (steps per second) and the recorder's lag (seconds) are those of the present
    attempt, ``None`` until it has said them."""

    worker_id: str | None
    verdict: str | None
    severity: str | None
    steps_per_second: float | None
    recorder_lag_seconds: float | None


@dataclass(frozen=True)
class KnownWorker:
    """A worker that has not taken its leave; ``is_up`` unless it has missed its signs of life."""

    worker: Worker
    is_up: bool


@dataclass(frozen=True)
class Reading:
    """The service at one moment. ``oldest_queued_seconds`` is how long the job has waited that has waited longest,
    ``None`` where none waits."""

    jobs: dict[JobStatus, int]
    oldest_queued_seconds: float | None
    in_training: Sequence[JobInTraining]
    workers: Sequence[KnownWorker]


def read(session: Session, heartbeat_seconds: float) -> Reading:
    """The service as it stands; every state has a number of jobs."""
    by_status = select(Job.status, func.count()).group_by(Job.status)
    counted = {JobStatus(status): count for status, count in session.execute(by_status)}
    return Reading(
        jobs={status: counted.get(status, 0) for status in JobStatus},
        oldest_queued_seconds=_oldest_queued_seconds(session),
        in_training=_in_training(session),
        workers=_workers(session, heartbeat_seconds),
    )


def _oldest_queued_seconds(session: Session) -> float | None:
    # Numbers first, which an index holds by state: a database might look for them among all jobs, in their order.
    first = select(Job.number).where(IS_QUEUED).order_by(Job.number).limit(FIRST_QUEUED).subquery()
    # A queued job was last changed when it entered the queue.
    entered = select(func.min(Job.changed_at), database_now()).join(first, first.c.number == Job.number)
    since, now = session.execute(entered).one()
    return max(0.0, (now - since).total_seconds()) if since is not None else None


def _in_training(session: Session) -> list[JobInTraining]:
    speed = Job.steps_per_second
    query = select(Job.worker_id, Job.verdict, Job.severity, speed, Job.recorder_lag_seconds)
    is_held = Job.lease_expires_at.is_not(None) & Job.status.in_(LEASED)  # those with a lease have an index
    # The first block of an attempt says both: before that, the lag would be that of an earlier one.
    return [
        JobInTraining(worker_id, verdict, severity, steps_per_second, lag if steps_per_second is not None else None)
        for worker_id, verdict, severity, steps_per_second, lag in session.execute(query.where(is_held))
    ]


def _workers(session: Session, heartbeat_seconds: float) -> list[KnownWorker]:
    is_up = Worker.seen_at > database_now(-MISSED_HEARTBEATS * heartbeat_seconds)
    lately = Worker.seen_at > database_now(-max(SILENT_SECONDS, MISSED_HEARTBEATS * heartbeat_seconds))
    query = select(Worker, is_up).where(lately, Worker.status != "stopped").order_by(Worker.started_at)
    return [KnownWorker(worker, bool(up)) for worker, up in session.execute(query)]


def newest_event(session: Session) -> int:
    """Where ``claims_after`` begins for whoever counts from now on."""
    return session.scalar(select(func.max(Event.number))) or 0


def claims_after(session: Session, event: int) -> tuple[int, list[float]]:
    """How long, in seconds, each job waited that was claimed after the event of this number: since it was created,
    given back or resumed, whichever came last. Also the number to go on with."""
    settled = database_now(-SETTLED_SECONDS if session.get_bind().dialect.name == "postgresql" else 0)
    window = (Event.number > event) & (Event.number <= event + EVENTS_AT_ONCE)
    last = session.scalar(select(func.max(Event.number)).where(window, Event.created_at <= settled))
    if last is None:
        return _after_a_gap(session, event), []  # or after none: there may be some that are not settled
    queued = aliased(Event)
    since = (
        select(queued.created_at)
        .where(queued.job_number == Event.job_number, queued.kind == "job.queued", queued.number < Event.number)
        .order_by(queued.number.desc())
        .limit(1)
        .scalar_subquery()
    )
    claims = select(Event.created_at, since).where(window, Event.number <= last, Event.kind == "job.running")
    waits = [(claimed - begun).total_seconds() for claimed, begun in session.execute(claims) if begun is not None]
    return last, [max(0.0, wait) for wait in waits]


def _after_a_gap(session: Session, event: int) -> int:
    """Where to go on behind ``event``: further than a window where the events of a whole window have been deleted, and
    back where a database was restored from a copy."""
    following = session.scalar(select(func.min(Event.number)).where(Event.number > event))
    if following is None:
        return newest_event(session)
    return following - 1 if following > event + EVENTS_AT_ONCE else event
