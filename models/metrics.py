"""Writing and reading the rows of a job's steps. Queries take a session and never commit."""

import math
from collections.abc import Iterable, Sequence

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from models.catalogue import METRIC_NAMES
from models.tables import Metrics

Row = Sequence[float | None]


def write_rows(session: Session, job_number: int, segment: int, first_step: int, rows: Iterable[Row]) -> None:
    """Write one row per step from ``first_step`` on; each holds a value per name of ``METRIC_NAMES``, ``None`` where
    it was not recorded. NaN and infinity are kept. Writing the same rows again (after a commit whose answer was lost)
    changes nothing."""
    records = [
        {"job_number": job_number, "segment": segment, "step": step, **_as_columns(row)}
        for step, row in enumerate(rows, first_step)
    ]
    if records:
        mine = (Metrics.job_number == job_number) & (Metrics.segment == segment)
        session.execute(delete(Metrics).where(mine, Metrics.step.between(first_step, records[-1]["step"])))
        session.execute(insert(Metrics), records)


def _as_columns(row: Row) -> dict[str, float | int | None]:
    columns: dict[str, float | int | None] = {}
    mask = 0
    for index, (name, value) in enumerate(zip(METRIC_NAMES, row, strict=True)):
        if value is not None and math.isnan(value):
            mask |= 1 << index
            value = None
        columns[name] = value
    columns["nan_mask"] = mask
    return columns


def read_rows(
    session: Session,
    job_number: int,
    segment: int,
    names: Sequence[str],
    from_step: int = 0,
    to_step: int | None = None,
    limit: int = 1000,
    newest_first: bool = False,
) -> list[tuple[int, list[float | None]]]:
    """Rows as (step, values of ``names``), steps ascending (or descending), both ends included; at most ``limit``."""
    columns = [getattr(Metrics, name) for name in names]
    query = select(Metrics.step, Metrics.nan_mask, *columns).where(
        Metrics.job_number == job_number, Metrics.segment == segment, Metrics.step >= from_step
    )
    if to_step is not None:
        query = query.where(Metrics.step <= to_step)
    query = query.order_by(Metrics.step.desc() if newest_first else Metrics.step).limit(limit)
    bits = [1 << METRIC_NAMES.index(name) for name in names]
    return [
        (step, [math.nan if mask & bit else value for bit, value in zip(bits, values, strict=True)])
        for step, mask, *values in session.execute(query)
    ]


def jsonable(value: float | None) -> float | str | None:
    """JSON has no NaN and no infinity: they travel as the strings "NaN", "Infinity" and "-Infinity"."""
    if value is None or math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"
