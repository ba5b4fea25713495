"""What the mirror knows of jobs on a target: who is due, who mirrors what, how far it came. Queries take a session and
never commit.

A job is taken by moving its ``due_at`` to when whoever mirrors it counts as dead. Its count of attempts is a fencing
token: who comes back later with an older one changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, insert, literal, or_, select, update
from sqlalchemy.orm import Session

from models.database import database_now
from models.mirror_tables import Mirror, MirrorTarget
from models.news import Cursor
from models.status import JobStatus
from models.tables import Job

# A job may be seen later than one with a higher number, by no more than this.
LATE = 1000


@dataclass(frozen=True)
class Held:
    """A job that has been taken, with how far it has been mirrored."""

    target: int
    job_number: int
    job_id: str
    attempt: int
    run_id: str | None
    cursor: Cursor | None
    clock: Mapping[str, Any] | None
    """What the steps were dated by that may have been sent, though nobody knows; ``None`` where none are."""
    tags: Mapping[str, str]
    failures: int


def register(session: Session, uri: str, experiment: str) -> int:
    """The number of a target, which is new where nobody has mirrored to it before."""
    same = select(MirrorTarget.number).where(MirrorTarget.uri == uri, MirrorTarget.experiment == experiment)
    known = session.scalar(same)
    if known is not None:
        return known
    newest = session.scalar(select(func.max(Job.number))) or 0
    target = MirrorTarget(uri=uri, experiment=experiment, after_job=newest)
    session.add(target)
    session.flush()
    return target.number


def has_new_jobs(session: Session, target: int) -> bool:
    """Whether ``enlist`` would find any."""
    return session.scalar(_new_jobs(target).limit(1)) is not None


def enlist(session: Session, target: int) -> None:
    """Give a row to each job that is to be mirrored and has none."""
    # Two mirrors that find the same job take turns.
    session.execute(select(MirrorTarget.number).where(MirrorTarget.number == target).with_for_update())
    names = ["target_number", "job_number", "job_id", "revision", "tags", "done", "attempts", "failures", "due_at"]
    values = (literal(0), literal({}, Mirror.tags.type), literal(False), literal(0), literal(0), database_now())
    found = _new_jobs(target).with_only_columns(literal(target), Job.number, Job.id, *values)
    session.execute(insert(Mirror).from_select(names, found, include_defaults=False))
    # Not to look through all there ever were each time.
    newest = session.scalar(select(func.max(Mirror.job_number)).where(Mirror.target_number == target)) or 0
    known = MirrorTarget.number == target, MirrorTarget.after_job < newest - LATE
    session.execute(update(MirrorTarget).where(*known).values(after_job=newest - LATE))


def _new_jobs(target: int) -> Select[int]:
    begun = select(MirrorTarget.after_job).where(MirrorTarget.number == target).scalar_subquery()
    known = select(Mirror.job_number).where(Mirror.target_number == target, Mirror.job_number == Job.number)
    unfinished = [status for status in JobStatus if not status.is_final]
    asked_for = or_(Job.number > begun, Job.status.in_(unfinished))
    return select(Job.number).where(asked_for, ~known.exists())


def list_due(session: Session, target: int, limit: int) -> Sequence[int]:
    """The numbers of jobs that nobody mirrors and that there is news of, or that are gone; those that have waited
    longest first."""
    query = (
        select(Mirror.job_number)
        .outerjoin(Job, Job.number == Mirror.job_number)
        .where(Mirror.target_number == target, Mirror.done.is_(False), Mirror.due_at <= database_now())
        .where(or_(Job.number.is_(None), Job.revision != Mirror.revision))
        .order_by(Mirror.due_at, Mirror.job_number)
    )
    return session.scalars(query.limit(limit)).all()


def look(session: Session, target: int, job_number: int) -> Held | None:
    """How far a job has been mirrored; ``None`` where it is mirrored no more."""
    query = select(Mirror).where(Mirror.target_number == target, Mirror.job_number == job_number)
    found = session.scalar(query.where(Mirror.done.is_(False)))
    if found is None:
        return None
    return Held(
        target=target,
        job_number=job_number,
        job_id=found.job_id,
        attempt=found.attempts,
        run_id=found.run_id,
        cursor=Cursor(**found.cursor) if found.cursor else None,
        clock=found.clock,
        tags=found.tags,
        failures=found.failures,
    )


def take(session: Session, seen: Held, clock: Mapping[str, Any] | None, lease_seconds: float) -> Held | None:
    """Take a job for so long, to send what follows what has been ``seen`` of it, dated by ``clock``; ``None`` where
    somebody has taken it meanwhile, or still has it."""
    free = and_(Mirror.done.is_(False), Mirror.due_at <= database_now())
    attempt = seen.attempt + 1
    values = {"attempts": attempt, "clock": dict(clock) if clock else None, "due_at": database_now(lease_seconds)}
    taken = session.execute(update(Mirror).where(_mine(seen), free).values(**values))
    return replace(seen, attempt=attempt) if taken.rowcount else None  # type: ignore[attr-defined]


def keep(session: Session, held: Held, lease_seconds: float) -> bool:
    """Hold the job for so long from now; false where it is somebody else's by now."""
    return _change(session, held, due_at=database_now(lease_seconds))


def name_run(session: Session, held: Held, run_id: str) -> bool:
    """Write down which run is the job's; false where the job is somebody else's by now."""
    return _change(session, held, run_id=run_id)


def advance(session: Session, held: Held, cursor: Cursor, tags: Mapping[str, str], done: bool) -> bool:
    """Write down that all before ``cursor`` has arrived, and let the job be taken again unless it is ``done``; false
    where it is somebody else's by now."""
    place: dict[str, Any] = {"cursor": asdict(cursor), "revision": cursor.revision, "tags": dict(tags)}
    arrived: dict[str, Any] = {"clock": None, "failures": 0, "error": None}
    return _change(session, held, **place, **arrived, done=done, due_at=database_now())


def put_off(session: Session, held: Held, again_in: float, error: str, failures: int) -> bool:
    """Let the job be taken again in so many seconds: what was sent has not arrived, for the ``failures``-th time."""
    return _change(session, held, due_at=database_now(again_in), failures=failures, error=error)


def end(session: Session, held: Held, error: str | None = None) -> bool:
    """Mirror the job no more."""
    return _change(session, held, done=True, clock=None, error=error)


def run_of(session: Session, target: int, job_id: str) -> str | None:
    """The run of a job on a target, where it has one."""
    return session.scalar(select(Mirror.run_id).where(Mirror.target_number == target, Mirror.job_id == job_id))


def _change(session: Session, held: Held, **values: Any) -> bool:
    changed = session.execute(update(Mirror).where(_mine(held)).values(**values))
    return bool(changed.rowcount)  # type: ignore[attr-defined]


def _mine(held: Held) -> ColumnElement[bool]:
    return and_(
        Mirror.target_number == held.target, Mirror.job_number == held.job_number, Mirror.attempts == held.attempt
    )
