"""Whole histories, read page by page: each page is a transaction of its own, and between two of them a reader holds
nothing. Queries take a session and never commit."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from models import metrics
from models.events import REWOUND
from models.metrics import Rows
from models.tables import Event, Job


class HistoryChanged(Exception):
    """Rows that were to be read are gone: the job has been deleted, or has gone back to a checkpoint before them."""


@dataclass(frozen=True)
class History:
    """What is to be read of a job: its metrics ``names`` from step ``first`` to step ``last``, both included and both
    recorded; ``last`` is below ``first`` where there is nothing. ``rewinds_known`` is the number of the newest event of
    a rewind that came before."""

    job: Job
    names: Sequence[str]
    first: int
    last: int
    rewinds_known: int

    @property
    def is_empty(self) -> bool:
        return self.last < self.first


def begin(
    session: Session, job: Job, names: Sequence[str] | None = None, from_step: int = 0, to_step: int | None = None
) -> History:
    """The history of a job up to its newest row of now, of all metrics that it records unless ``names`` says which."""
    # Asked for before the rows: a rewind that comes between the two is then taken for a later one, not overlooked.
    known = session.scalar(select(Event.number).where(*_rewinds(job)).order_by(Event.number.desc()).limit(1)) or 0
    if names is None:
        names = metrics.names_of(job)
    first, last = metrics.clipped(metrics.extent_of(session, job), from_step, to_step)
    return History(job, names, first, last, known)


def read_page(session: Session, history: History, from_step: int, limit: int) -> Rows:
    """The rows of a history from a step on, at most ``limit``.

    Raises:
        HistoryChanged: they are not, or no longer, what was there when the history began. Rows that come again after a
            rewind are those of another attempt, which off the CPU need not have the same numbers.
    """
    rows = metrics.read_rows(session, history.job, history.names, from_step, history.last, limit)
    # Asked for after the rows: on PostgreSQL the two statements may see different moments.
    later = select(Event.data).where(*_rewinds(history.job), Event.number > history.rewinds_known)
    if any(data["step"] < history.last for data in session.scalars(later)):
        raise HistoryChanged(f"{history.job.id} went back to a checkpoint")
    if len(rows) < limit and (not len(rows) or rows.steps[-1] != history.last):
        raise HistoryChanged(f"rows of {history.job.id} are gone")
    return rows


def _rewinds(job: Job) -> tuple[ColumnElement[bool], ...]:
    return Event.job_number == job.number, Event.kind == REWOUND
