"""Evaluations of a job: what its generator was worth, every so many steps. Queries take a session and never commit."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, select, update
from sqlalchemy.orm import Session

from models.catalogue import EVALUATIONS
from models.metrics import jsonable
from models.tables import Evaluation, Job

Key = tuple[int, int]


def storable(values: Mapping[str, float]) -> dict[str, Any]:
    """Numbers as a database's JSON can hold them: null for what is none, infinities by their names. They are in the
    catalogue's order, what it does not know behind."""
    names = [name for name in EVALUATIONS if name in values]
    names += [name for name in values if name not in EVALUATIONS]
    return {name: None if math.isnan(values[name]) else jsonable(float(values[name])) for name in names}


def served(values: Mapping[str, Any]) -> dict[str, Any]:
    """What ``storable`` has stored, written as all of the API writes numbers that JSON lacks."""
    return {name: "NaN" if value is None else value for name, value in values.items()}


def latest(step: int, values: Mapping[str, Any]) -> dict[str, Any]:
    """What ``Job.latest_evaluation`` is after an evaluation of ``storable`` values."""
    return {"step": step, "values": dict(values)}


def add(session: Session, key: Key, step: int, values: Mapping[str, Any]) -> None:
    """Store an evaluation of ``storable`` values for ``key`` (job number, segment)."""
    number, segment = key
    # Not add: a write whose answer was lost is repeated.
    session.merge(Evaluation(job_number=number, segment=segment, step=step, values=dict(values)))


def list_evaluations(
    session: Session,
    job: Job,
    after: int = -1,
    limit: int = 100,
    from_step: int = 0,
    to_step: int | None = None,
    segment: int | None = None,
) -> Sequence[Evaluation]:
    """Evaluations of the job's present segment (or of another ``segment``), by step, those of steps after ``after`` in
    a range whose ends are both included; at most ``limit``."""
    key = (job.number, job.segment if segment is None else segment)
    query = select(Evaluation).where(_mine(key), Evaluation.step > after)
    query = query.where(Evaluation.step >= from_step)
    if to_step is not None:
        query = query.where(Evaluation.step <= to_step)
    return session.scalars(query.order_by(Evaluation.step).limit(limit)).all()


def newest(session: Session, key: Key, up_to: int | None = None) -> Evaluation | None:
    """The last evaluation of ``key`` (job number, segment), or the last that is not after step ``up_to``."""
    query = select(Evaluation).where(_mine(key))
    if up_to is not None:
        query = query.where(Evaluation.step <= up_to)
    return session.scalar(query.order_by(Evaluation.step.desc()).limit(1))


def rewind(session: Session, key: Key, step: int) -> int:
    """Drop the evaluations after ``step``; returns how many there were."""
    dropped = session.execute(delete(Evaluation).where(_mine(key), Evaluation.step > step))
    return int(dropped.rowcount)  # type: ignore[attr-defined]


def archive(session: Session, key: Key, step: int, segment: int) -> None:
    """Make the evaluations after ``step`` those of another segment of the same job."""
    later = update(Evaluation).where(_mine(key), Evaluation.step > step)
    session.execute(later.values(segment=segment), execution_options={"synchronize_session": False})


def _mine(key: Key) -> ColumnElement[bool]:
    return and_(Evaluation.job_number == key[0], Evaluation.segment == key[1])
