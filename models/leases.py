"""Claiming a job and holding it. A lease is a worker's attempt at a job; the attempt is a fencing token:
every write of a worker goes through ``hold`` in its own transaction, so one that lost its lease writes nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from sqlalchemy import ColumnElement, Table, bindparam, func, or_, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from models import evaluations, events, metrics, reports, samples
from models.database import database_now
from models.status import LEASED, JobStatus
from models.tables import IS_QUEUED, Job
from models.transitions import TransitionLost, transition

TABLE = cast(Table, Job.__table__)


class AlreadyWritten(Exception):
    """This write of the attempt is in the database: its commit went through and the answer was lost."""


class LeaseLost(Exception):
    """This attempt no longer holds its job: the lease expired, or the job is finished or another's."""


@dataclass(frozen=True)
class Lease:
    """What a worker must show to write: the job's number and the attempt it was given at the claim."""

    job_number: int
    attempt: int

    @property
    def held(self) -> ColumnElement[bool]:
        """True of the job's row while this lease is good, by the database's clock."""
        return (
            (Job.number == self.job_number)
            & (Job.attempt == self.attempt)
            & Job.status.in_(LEASED)
            & (Job.lease_expires_at > database_now())
        )


def claim(session: Session, worker_id: str, lease_seconds: float, process_id: int | None = None) -> Job | None:
    """Take the best queued job (priority, then age); ``None`` where there is none. ``process_id`` is the process of the
    worker that trains it."""
    best = (
        select(Job.number)
        .where(IS_QUEUED, or_(Job.available_at.is_(None), Job.available_at <= database_now()))
        .order_by(Job.priority.desc(), Job.number)
        .limit(1)
        # Two workers never wait for, nor get, the same row. (SQLite has one writer at a time anyway.)
        .with_for_update(skip_locked=True)
    )
    number = session.scalar(best)
    if number is None:
        return None
    try:
        return transition(
            session,
            number,
            JobStatus.QUEUED,
            JobStatus.RUNNING,
            "claimed by a worker",
            event_data={"worker_id": worker_id},
            attempt=Job.attempt + 1,
            writes=0,
            available_at=None,
            worker_id=worker_id,
            process_id=process_id,
            lease_expires_at=database_now(lease_seconds),
            started_at=func.coalesce(Job.started_at, database_now()),
        )
    except TransitionLost:
        return None


def hold(session: Session, lease: Lease, **values: Any) -> None:
    """Lock the job's row and set ``values`` on it, provided the lease is good.

    Raises:
        LeaseLost: it is not; the caller's transaction must be rolled back.
    """
    _set(session, lease, revision=Job.revision + 1, **values)


def hold_for_write(session: Session, lease: Lease, number: int, **values: Any) -> None:
    """``hold`` for the attempt's ``number``-th write (from 1), which is done once even if it is tried again.

    Raises:
        AlreadyWritten: it is done; the caller's transaction must be rolled back.
        LeaseLost: the lease is not good; likewise.
    """
    shown = {"at_job": lease.job_number, "at_attempt": lease.attempt, "at_write": number - 1, "to_writes": number}
    given = {f"to_{name}": value for name, value in values.items()}
    if session.connection().execute(_numbered(tuple(values)), shown | given).first() is not None:
        return
    if session.scalar(select(Job.writes).where(lease.held)) == number:
        raise AlreadyWritten(f"write {number} of attempt {lease.attempt}")
    raise LeaseLost(f"attempt {lease.attempt} no longer holds its job")


@cache
def _numbered(names: tuple[str, ...]) -> ReturningUpdate[tuple[int]]:
    """The statement of ``hold_for_write`` for values of these names. Kept: putting it together takes longer than
    running it, and blocks are written while a network trains."""
    held = Lease(bindparam("at_job"), bindparam("at_attempt")).held  # type: ignore[arg-type]
    numbered = update(TABLE).where(held, Job.writes == bindparam("at_write"))
    values: dict[str, Any] = {name: bindparam(f"to_{name}") for name in ("writes", *names)}
    return numbered.values(revision=Job.revision + 1, **values).returning(TABLE.c.number)


def extend(session: Session, lease: Lease, lease_seconds: float) -> None:
    """Push the lease's end to ``lease_seconds`` from now.

    Raises:
        LeaseLost: it has ended already.
    """
    _set(session, lease, lease_expires_at=database_now(lease_seconds))


def _set(session: Session, lease: Lease, **values: Any) -> None:
    statement = update(Job).where(lease.held).values(values).returning(Job.number)
    if session.scalar(statement.execution_options(synchronize_session=False)) is None:
        raise LeaseLost(f"attempt {lease.attempt} no longer holds its job")


def status_of(session: Session, lease: Lease, lock: bool = False) -> JobStatus | None:
    """The state of the leased job, ``None`` where the lease is lost; with ``lock`` nobody changes it meanwhile."""
    query = select(Job.status).where(lease.held)
    status = session.scalar(query.with_for_update() if lock else query)
    return JobStatus(status) if status else None


def end(session: Session, lease: Lease, target: JobStatus, reason: str, **values: Any) -> Job:
    """Finish, pause or give back a leased job. One that is ``cancelling`` ends as cancelled whatever else befell it;
    one that is ``pausing`` is paused rather than given back.

    Raises:
        LeaseLost: the lease is not good any more.
    """
    # Locked: a cancellation that came between the look and the change would strand the job.
    status = status_of(session, lease, lock=True)
    if status is None:
        raise LeaseLost(f"attempt {lease.attempt} no longer holds its job")
    if status is JobStatus.CANCELLING:
        target, reason = JobStatus.CANCELLED, "cancelled by request"
        values.pop("error", None)
    elif status is JobStatus.PAUSING and target is JobStatus.QUEUED:
        target, reason = JobStatus.PAUSED, "paused by request"
    try:
        return transition(session, lease.job_number, status, target, reason, lease.held, **values)
    except TransitionLost as lost:
        raise LeaseLost(str(lost)) from lost


def rewind(session: Session, lease: Lease, segment: int, step: int) -> list[str]:
    """Drop everything recorded after ``step``, before an attempt goes on from there, and say so in the job's history;
    returns the folders of dropped checkpoints, to be deleted after the commit.

    Raises:
        LeaseLost: the lease is not good any more.
    """
    key = (lease.job_number, segment)
    kept = last_kept(step)
    before, now = verdict_of(session, lease), as_of(session, key, step)
    hold(session, lease, **now)
    rows = metrics.rewind(session, key, step)
    evaluated = evaluations.rewind(session, key, kept)
    assessed = reports.rewind(session, key, kept)
    drawn = samples.rewind_samples(session, key, kept)
    folders = samples.drop_later_checkpoints(session, key, step)
    if rows or evaluated or assessed or drawn or folders:
        message = f"what was recorded after step {step} is dropped, to be trained again"
        events.add(session, lease.job_number, events.REWOUND, message, step=step)
    reports.tell_of_return(session, lease.job_number, step, before, now["health"])
    return folders


def last_kept(step: int) -> int:
    """The last step whose sample stays when a job goes back to ``step``: a fresh start draws that of step 0 again."""
    return step or -1


def verdict_of(session: Session, lease: Lease) -> str | None:
    """The newest verdict on the leased job's health; ``None`` where there is none."""
    return session.scalar(select(Job.verdict).where(Job.number == lease.job_number))


def as_of(session: Session, key: tuple[int, int], step: int) -> dict[str, Any]:
    """What a job says of itself once nothing is recorded after ``step``."""
    left = evaluations.newest(session, key, last_kept(step))
    latest = evaluations.latest(left.step, left.values) if left else None
    health = reports.standing(reports.newest(session, key, last_kept(step)))
    return {"step": step, "latest_metrics": None, "latest_evaluation": latest} | health


def expire_those_of_dead_processes(session: Session, worker_id: str, is_alive: Callable[[int], bool]) -> None:
    """End the leases of a worker's jobs whose process is gone, so that they need not run out."""
    held = select(Job.number, Job.attempt, Job.process_id).where(
        Job.lease_expires_at.is_not(None), Job.worker_id == worker_id
    )
    for number, attempt, process_id in session.execute(held):
        if process_id is not None and not is_alive(process_id):
            mine = (Job.number == number) & (Job.attempt == attempt) & Job.status.in_(LEASED)
            session.execute(update(Job).where(mine).values(lease_expires_at=database_now()))


def expired(session: Session, limit: int = 100) -> Sequence[Job]:
    """Leased jobs whose worker has been silent for too long."""
    # Asked for once: a clock that is read for every row cannot be looked up in an index.
    now = select(database_now()).scalar_subquery()
    query = select(Job).where(Job.lease_expires_at <= now)  # only leased jobs have such a time
    return session.scalars(query.order_by(Job.lease_expires_at).limit(limit)).all()


def take_back(session: Session, job: Job, max_attempts: int, blameless: bool = False) -> Job:
    """End an expired lease: cancel or pause the job if that was asked, fail it if its workers die again and again, else
    queue it. A ``blameless`` end (the database was away) is not counted.

    Raises:
        TransitionLost: somebody else ended the lease first.
    """
    status = JobStatus(job.status)
    guards = (Job.attempt == job.attempt, Job.lease_expires_at <= database_now())
    if status is JobStatus.CANCELLING:
        return transition(session, job.number, status, JobStatus.CANCELLED, "cancelled; its worker is gone", *guards)
    if status is JobStatus.PAUSING:
        return transition(session, job.number, status, JobStatus.PAUSED, "paused; its worker is gone", *guards)
    crashes = job.crashes + (not blameless)
    if crashes >= max_attempts and not blameless:
        message = f"its worker died {crashes} times without reaching another checkpoint"
        error = {"kind": "worker_lost", "message": message, "step": job.step}
        return transition(session, job.number, status, JobStatus.FAILED, message, *guards, crashes=crashes, error=error)
    reason = "its worker is gone; waiting for another"
    return transition(session, job.number, status, JobStatus.QUEUED, reason, *guards, crashes=crashes)
