"""Writing and reading the rows of a job's steps. Queries take a session and never commit."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from pydantic import ValidationError
from sqlalchemy import ColumnElement, Table, and_, delete, select, update
from sqlalchemy.orm import Session

from models import bulk, rollups
from models.catalogue import ALL_METRIC_NAMES, METRIC_NAMES
from models.rollups import WIDTHS, Key
from models.spec import JobSpec
from models.summaries import Integers, Summaries, Values, bucket_of, empty, joined
from models.tables import Job, Metrics

TABLE = cast(Table, Metrics.__table__)
COLUMNS = tuple(TABLE.columns)
# The metrics that have columns of their own; the others are packed.
LOSSES = ("d_loss", "g_loss")
PACKED = "<f4"


@dataclass(frozen=True)
class Rows:
    """Rows of metrics: ``steps`` (n,), rising, and ``values`` (n, names); NaN where the metric was
    not a number, and all down a column that the job does not record."""

    steps: Integers
    values: Values

    def __len__(self) -> int:
        return len(self.steps)


@dataclass(frozen=True)
class Buckets:
    """A curve of at most so many points: ``summaries`` of ``width`` steps each, but for the first and the last, which
    end where the range does. A power of two; 1 where every step has a bucket of its own."""

    width: int
    summaries: Summaries


def write_block(session: Session, key: Key, first_step: int, values: Values) -> None:
    """Write one row per step from ``first_step`` on for ``key`` (job number, segment), and bring the roll-ups up to
    date. ``values`` (steps, metrics) has a column per name of ``Job.metric_names``, the two losses first."""
    if not len(values):
        return
    steps = np.arange(first_step, first_step + len(values))
    losses, others = values[:, : len(LOSSES)], values[:, len(LOSSES) :]
    rows = (
        (*key, step, *pair, cell)
        for step, pair, cell in zip(steps.tolist(), losses.tolist(), bulk.cells(others, PACKED), strict=True)
    )
    bulk.insert(session, TABLE, COLUMNS, rows)
    rollups.add(session, key, Summaries.of_rows(steps, values))


def rewind(session: Session, key: Key, step: int) -> int:
    """Drop the rows after ``step``, and what the roll-ups hold of them; returns how many there were."""
    dropped = session.execute(delete(Metrics).where(_mine(key), Metrics.step > step))
    start = bucket_of(step, WIDTHS[0]) * WIDTHS[0] + 1
    left = _fetch(session, key, len(LOSSES), start, step)
    rollups.rewind(session, key, step, Summaries.of_rows(left.steps, left.values))
    return int(dropped.rowcount)  # type: ignore[attr-defined]


def archive(session: Session, key: Key, step: int, segment: int) -> int:
    """Make the rows after ``step``, and what the roll-ups hold of them, those of another, empty segment of the same
    job; returns the last step that was moved, ``step`` where there was none."""
    last = session.scalar(select(Metrics.step).where(_mine(key)).order_by(Metrics.step.desc()).limit(1))
    if last is None or last <= step:
        return step
    session.execute(update(TABLE).where(_mine(key), TABLE.c.step > step).values(segment=segment))
    moved = (key[0], segment)
    end = (bucket_of(step + 1, WIDTHS[0]) + 1) * WIDTHS[0]
    begun = _fetch(session, moved, len(LOSSES), step + 1, end)
    rollups.archive(session, key, step, segment, Summaries.of_rows(begun.steps, begun.values))
    rewind(session, key, step)
    return last


def recorded(job: Job, names: Sequence[str]) -> list[bool]:
    """Which of ``names`` the job records."""
    return [name in (job.metric_names or ()) for name in names]


def shown_of(job: Job) -> list[str]:
    """The metrics that are shown of a job unless somebody asks for others: those that are always shown, null where it
    does not record them, and what else it records."""
    return shown(names_of(job))


def names_of(job: Job) -> Sequence[str]:
    """What a job records; before its first write, what its spec says it will."""
    if job.metric_names is not None:
        return job.metric_names
    try:
        return JobSpec.model_validate(job.spec).metric_names
    except ValidationError:  # bounds may have been tightened since it was stored
        return METRIC_NAMES


def shown(names: Collection[str]) -> list[str]:
    """The metrics that are shown of a job that records ``names``."""
    return [name for name in ALL_METRIC_NAMES if name in METRIC_NAMES or name in names]


def read_rows(
    session: Session,
    job: Job,
    names: Sequence[str],
    from_step: int = 0,
    to_step: int | None = None,
    limit: int = 1000,
    newest: bool = False,
    segment: int | None = None,
) -> Rows:
    """Rows of the job's present segment (or of another ``segment``), by step, both ends included; at most ``limit``,
    the first ones of the range or its ``newest``."""
    held = job.metric_names or []
    first, last = clipped(extent_of(session, job, segment), from_step, to_step)
    # As no step is left out between, the first and the last of so many rows are known beforehand; a database that is
    # asked for the first so many of a range may sort all of it to find them.
    within = (max(first, last - limit + 1), last) if newest else (first, min(last, first + limit - 1))
    rows = _fetch(session, _key(job, segment), len(held), *within)
    # The column after the last is the one of what the job does not record.
    columns = [held.index(name) if name in held else rows.values.shape[1] for name in names]
    nothing = np.full((len(rows), 1), np.nan, np.float32)
    return Rows(rows.steps, np.hstack([rows.values, nothing])[:, columns])


def read_buckets(
    session: Session,
    job: Job,
    names: Sequence[str],
    max_points: int,
    from_step: int = 0,
    to_step: int | None = None,
    segment: int | None = None,
) -> Buckets:
    """The steps in a range as at most ``max_points`` buckets, the first and the last step among them. The same rows
    give the same buckets whenever they are asked for: bounds are multiples of the width, which is the smallest power
    of two that does. (Sums are made in another order after another history of writing: means are the same to the last
    digit of a float32.) What it reads grows with ``max_points`` and not with the range.

    Raises:
        ValueError: the job does not record one of ``names``.
    """
    extent = extent_of(session, job, segment)
    first, last = clipped(extent, from_step, to_step)
    if first > last:
        return Buckets(1, empty(len(names)))
    width = 1
    while bucket_of(last, width) - bucket_of(first, width) >= max_points:
        width *= 2
    level = sum(each <= width for each in WIDTHS) - 1
    parts = [
        _summaries(session, _key(job, segment), len(job.metric_names or ()), *piece)
        for piece in _cover(first, last, level, extent)
    ]
    columns = [(job.metric_names or []).index(name) for name in names]
    found = joined(parts).select(columns)
    return Buckets(width, found.merged(bucket_of(found.first_step, width)))


def extent_of(session: Session, job: Job, segment: int | None = None) -> tuple[int, int]:
    """The first and the last step that the job's present segment (or another ``segment``) has rows of; (1, 0) where it
    has none."""
    steps = select(Metrics.step).where(_mine(_key(job, segment))).limit(1)
    first = session.scalar(steps.order_by(Metrics.step))
    last = session.scalar(steps.order_by(Metrics.step.desc()))
    return (1, 0) if first is None or last is None else (first, last)


def clipped(extent: tuple[int, int], from_step: int, to_step: int | None) -> tuple[int, int]:
    """The part of a range that lies in ``extent``; its last step is below its first where there is none."""
    return max(from_step, extent[0]), extent[1] if to_step is None else min(to_step, extent[1])


def _cover(first: int, last: int, level: int, extent: tuple[int, int]) -> list[tuple[int, int, int]]:
    """The fewest pieces (level, first step, last step) that make up a range: whole buckets of ``level``, and what is
    left at both ends from the levels below; -1 are the rows themselves. A bucket is whole where all that is recorded
    of it lies in the range."""
    if first > last:
        return []
    if level < 0:
        return [(level, first, last)]
    width = WIDTHS[level]
    begin = first if first <= extent[0] or (first - 1) % width == 0 else (bucket_of(first, width) + 1) * width + 1
    end = last if last >= extent[1] or last % width == 0 else bucket_of(last, width) * width
    if begin > end:
        return _cover(first, last, level - 1, extent)
    before, after = _cover(first, begin - 1, level - 1, extent), _cover(end + 1, last, level - 1, extent)
    return [*before, (level, begin, end), *after]


def _summaries(session: Session, key: Key, count: int, level: int, first: int, last: int) -> Summaries:
    """A piece of a curve, of so many (``count``) metrics."""
    if level >= 0:
        return rollups.read(session, key, level, first, last, count)
    rows = _fetch(session, key, count, first, last)
    return Summaries.of_rows(rows.steps, rows.values)


def _fetch(session: Session, key: Key, metrics: int, first: int, last: int) -> Rows:
    """The rows between two steps, both included, with all that they hold: so many ``metrics``."""
    within = and_(_mine(key), Metrics.step.between(first, last))
    held = TABLE.c  # not the class's own: rows need no object
    query = select(held.step, held.d_loss, held.g_loss, held.others).where(within).order_by(held.step)
    found = session.execute(query).all() if first <= last else []
    if not found:
        return Rows(np.empty(0, np.int64), np.empty((0, metrics), np.float32))
    steps, d_loss, g_loss, others = zip(*found, strict=True)
    rest = np.frombuffer(b"".join(others), PACKED).reshape(len(found), -1)
    losses = np.array([d_loss, g_loss], np.float32).T  # a null becomes NaN, which it stands for
    return Rows(np.array(steps, np.int64), np.hstack([losses, rest]))


def _mine(key: Key) -> ColumnElement[bool]:
    return and_(Metrics.job_number == key[0], Metrics.segment == key[1])


def _key(job: Job, segment: int | None = None) -> Key:
    return job.number, job.segment if segment is None else segment


def jsonable(value: float | None) -> float | str | None:
    """JSON has no NaN and no infinity: they travel as the strings "NaN", "Infinity" and "-Infinity"."""
    if value is None or math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"
