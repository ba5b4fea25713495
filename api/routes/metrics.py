"""Reading the rows of a job's steps."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from api import examples
from api.dependencies import MAX_INTEGER, ReadSession, TheJob
from api.documentation import answers
from api.errors import invalid
from api.schemas import MetricRows
from api.strict import StrictRoute
from models import metrics
from models.catalogue import METRIC_NAMES
from models.metrics import jsonable
from models.tables import Job

MAX_ROWS = 10_000
DEFAULT_ROWS = 1000
Rows = list[tuple[int, list[float | None]]]
router = APIRouter(prefix="/v1/jobs/{job_id}/metrics", tags=["metrics"], route_class=StrictRoute)

StepBound = Annotated[int | None, Query(ge=0, le=MAX_INTEGER)]
RowCount = Annotated[int | None, Query(ge=1, le=MAX_ROWS)]


@router.get(
    "",
    operation_id="get_metrics",
    summary="Read metrics",
    response_description="Rows in columns, by step",
    responses=answers(examples.METRICS, "job_not_found"),
)
def get_metrics(
    session: ReadSession,
    job: TheJob,
    keys: Annotated[
        str | None,
        Query(description="Names of metrics, with commas between; all by default.", examples=["d_loss,g_loss"]),
    ] = None,
    from_step: Annotated[StepBound, Query(description="First step; 0 by default.")] = None,
    to_step: Annotated[StepBound, Query(description="Last step, included; the newest by default.")] = None,
    limit: Annotated[RowCount, Query(description=f"Rows at most; {DEFAULT_ROWS} by default.")] = None,
    last: Annotated[RowCount, Query(description="The newest rows, so many; excludes the other ways to choose.")] = None,
) -> MetricRows:
    """Read what was recorded at each step. Go on with `from_step` set to `next_step`."""
    names = _names(keys)
    if last is not None:
        _refuse_with_last(from_step=from_step, to_step=to_step, limit=limit)
        newest = metrics.read_rows(session, job.number, job.segment, names, limit=last, newest_first=True)
        return _view(job, names, newest[::-1], has_more=False, start=0)
    start = from_step or 0
    if to_step is not None and to_step < start:
        raise invalid("to_step", "query", f"must not be below from_step, which is {start}", "empty_range", start)
    count = limit or DEFAULT_ROWS
    rows = metrics.read_rows(session, job.number, job.segment, names, start, to_step, count + 1)
    return _view(job, names, rows[:count], has_more=len(rows) > count, start=start)


def _names(keys: str | None) -> list[str]:
    """The metrics asked for, each once. Raises ``Problem`` (422) for one that is not recorded."""
    names = list(METRIC_NAMES) if keys is None else list(dict.fromkeys(keys.split(",")))
    unknown = [name for name in names if name not in METRIC_NAMES]
    if unknown:
        message = f"{unknown[0][:100]!r} is no metric; use some of {', '.join(METRIC_NAMES)}"
        raise invalid("keys", "query", message, "unknown_metric", list(METRIC_NAMES))
    return names


def _refuse_with_last(**others: int | None) -> None:
    """Raises ``Problem`` (422) where ``last`` comes with another way to choose rows."""
    for name, value in others.items():
        if value is not None:
            raise invalid(name, "query", "cannot be given together with last", "excludes_last")


def _view(job: Job, names: list[str], rows: Rows, has_more: bool, start: int) -> MetricRows:
    columns: dict[str, list[Any]] = {"step": [step for step, _ in rows]}
    for index, name in enumerate(names):
        columns[name] = [jsonable(values[index]) for _, values in rows]
    # Built from values of known types, up to 100,000 of them: checking each again would cost more than reading them.
    return MetricRows.model_construct(
        job_id=job.id,
        segment=job.segment,
        columns=columns,
        has_more=has_more,
        next_step=rows[-1][0] + 1 if rows else start,
    )
