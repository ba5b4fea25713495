"""Sample images and checkpoints of a job. Queries take a session and never commit."""

import hashlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.orm import Session, undefer

from models.tables import Checkpoint, Job, Sample


def add_sample(session: Session, job: tuple[int, int], step: int, png: bytes, size: tuple[int, int]) -> None:
    """Store a PNG of ``size`` (width, height) pixels for ``job`` (number, segment)."""
    number, segment = job
    width, height = size
    session.merge(  # not add: a write whose answer was lost is repeated
        Sample(
            job_number=number,
            segment=segment,
            step=step,
            width=width,
            height=height,
            size=len(png),
            sha256=hashlib.sha256(png).hexdigest(),
            png=png,
        )
    )


def rewind_samples(session: Session, key: tuple[int, int], step: int) -> int:
    """Drop the samples of ``key`` (job number, segment) after ``step``; returns how many there were."""
    number, segment = key
    later = (Sample.job_number == number) & (Sample.segment == segment) & (Sample.step > step)
    return int(session.execute(delete(Sample).where(later)).rowcount)  # type: ignore[attr-defined]


def archive_samples(session: Session, key: tuple[int, int], step: int, segment: int) -> None:
    """Make the samples of ``key`` (job number, segment) after ``step`` those of another segment of the same job."""
    later = (Sample.job_number == key[0]) & (Sample.segment == key[1]) & (Sample.step > step)
    moved = update(Sample).where(later).values(segment=segment)
    session.execute(moved, execution_options={"synchronize_session": False})


def drop_later_checkpoints(session: Session, key: tuple[int, int], step: int) -> list[str]:
    """Forget the checkpoints of ``key`` (job number, segment) after ``step``; returns the folders that may now be
    deleted, after the commit."""
    number, segment = key
    later = (Checkpoint.job_number == number) & (Checkpoint.segment == segment) & (Checkpoint.step > step)
    return list(session.scalars(delete(Checkpoint).where(later).returning(Checkpoint.folder)))


def archive_checkpoints(session: Session, key: tuple[int, int], step: int, segment: int) -> list[str]:
    """Make the best and the newest of the checkpoints of ``key`` (job number, segment) after ``step`` those of another
    segment of the same job, and forget the others after it; returns the folders that may now be deleted, after the
    commit."""
    number, before = key
    later = [each for each in list_checkpoints(session, number, before) if each.step > step]
    kept = {each.step for each in (best_of(later), *later[:1]) if each is not None}
    of_kept = Checkpoint.job_number == number, Checkpoint.segment == before, Checkpoint.step.in_(kept)
    moved = update(Checkpoint).where(*of_kept).values(segment=segment)
    session.execute(moved, execution_options={"synchronize_session": False})
    return drop_later_checkpoints(session, key, step)


def list_samples(
    session: Session, job: Job, after: int = -1, limit: int = 100, segment: int | None = None
) -> Sequence[Sample]:
    """Samples of the job's present segment (or of another ``segment``) without their bytes, by step, those after step
    ``after``."""
    query = _samples_of(job, segment).where(Sample.step > after)
    return session.scalars(query.order_by(Sample.step).limit(limit)).all()


def get_sample(session: Session, job: Job, step: int | None, segment: int | None = None) -> Sample | None:
    """The sample of a step with its bytes, or the newest where ``step`` is ``None``; of the job's present segment, or
    of another ``segment``."""
    query = _samples_of(job, segment)
    if step is not None:
        query = query.where(Sample.step == step)
    return session.scalar(query.order_by(Sample.step.desc()).limit(1).options(undefer(Sample.png)))


def _samples_of(job: Job, segment: int | None) -> Select[Sample]:
    of_segment = Sample.segment == (job.segment if segment is None else segment)
    return select(Sample).where(Sample.job_number == job.number, of_segment)


def add_checkpoint(
    session: Session,
    job: tuple[int, int],
    step: int,
    attempt: int,
    folder: str,
    files: dict[str, Any],
    best: tuple[str, float] | None = None,
    severity: str | None = None,
) -> None:
    """Record files that are already safe on disk, for ``job`` (number, segment). ``best`` is the number of the
    evaluations by which no checkpoint before was as good, and its value; ``severity`` is that of the job's verdict, or
    "alarm" where there are signs of one."""
    number, segment = job
    metric, value = best or (None, None)
    session.merge(
        Checkpoint(
            job_number=number,
            segment=segment,
            step=step,
            attempt=attempt,
            folder=folder,
            files=files,
            best_metric=metric,
            best_value=value,
            severity=severity,
        )
    )


def list_checkpoints(session: Session, job_number: int, segment: int) -> Sequence[Checkpoint]:
    """Checkpoints of a job, newest first."""
    query = select(Checkpoint).where(Checkpoint.job_number == job_number, Checkpoint.segment == segment)
    return session.scalars(query.order_by(Checkpoint.step.desc())).all()


def get_checkpoint(session: Session, job: Job, step: int, segment: int | None = None) -> Checkpoint | None:
    """The checkpoint of a step, of the job's present segment or of another ``segment``."""
    return session.get(Checkpoint, (job.number, job.segment if segment is None else segment, step))


def best_of(found: Sequence[Checkpoint]) -> Checkpoint | None:
    """The best of checkpoints that are given newest first: each that was the best so far was better than those before
    it. ``None`` where nobody asked for the best, or none is there any more."""
    return next((checkpoint for checkpoint in found if checkpoint.best_metric is not None), None)


def healthy_of(found: Sequence[Checkpoint]) -> Checkpoint | None:
    """The newest, of checkpoints that are given newest first, that was made before an alarm: the one to go back to. The
    severity of one is that of an alarm as soon as there are signs of it, long before they have lasted enough for a
    verdict, so that this one is of before what the alarm will be about. One that was made before the job's health was
    looked at counts."""
    return next((checkpoint for checkpoint in found if checkpoint.severity != "alarm"), None)


def drop_old_checkpoints(session: Session, job: tuple[int, int], keep: int) -> list[str]:
    """Forget all but the ``keep`` newest checkpoints of ``job`` (number, segment), the best one and the newest that was
    made before an alarm (``healthy_of``); returns the folders that may now be deleted, after the commit."""
    number, segment = job
    found = list_checkpoints(session, number, segment)
    kept = (best_of(found), healthy_of(found))
    old = [checkpoint for checkpoint in found[keep:] if checkpoint not in kept]
    steps = [checkpoint.step for checkpoint in old]
    if steps:
        session.execute(
            delete(Checkpoint).where(
                Checkpoint.job_number == number, Checkpoint.segment == segment, Checkpoint.step.in_(steps)
            )
        )
    return [checkpoint.folder for checkpoint in old]


def newest_samples(session: Session, job_numbers: Sequence[int]) -> dict[int, int]:
    """The step of the newest sample of each of these jobs, on the line that it is on; jobs without one are left out."""
    of_job = (Sample.job_number == Job.number) & (Sample.segment == Job.segment)
    # Asked for job by job: the greatest of an index is found at its end, where groups would be read through.
    newest = select(func.max(Sample.step)).where(of_job).scalar_subquery()
    found = session.execute(select(Job.number, newest).where(Job.number.in_(job_numbers)))
    return {number: step for number, step in found.all() if step is not None}


def sample_steps(session: Session, job: Job, segment: int | None = None) -> list[tuple[int, int, int]]:
    """(step, width, height) of every sample of the job's present segment (or of another ``segment``), by step."""
    query = _samples_of(job, segment).with_only_columns(Sample.step, Sample.width, Sample.height)
    return [(step, width, height) for step, width, height in session.execute(query.order_by(Sample.step)).all()]


def read_pngs(session: Session, job: Job, steps: Sequence[int], segment: int | None = None) -> list[tuple[int, bytes]]:
    """(step, PNG) of these steps, by step; those that are gone are left out."""
    query = _samples_of(job, segment).with_only_columns(Sample.step, Sample.png).where(Sample.step.in_(steps))
    return [(step, png) for step, png in session.execute(query.order_by(Sample.step)).all()]
