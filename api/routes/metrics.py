"""Reading what was recorded at each step: rows as they are, or a curve of so many points."""

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import orjson
from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.orm import Session

from api import caching, examples
from api.dependencies import MAX_INTEGER, JobId, find_job, in_session, standing_of
from api.documentation import ETAG, answers, not_modified
from api.errors import invalid
from api.records import MetricBuckets, MetricRows
from api.segments import SegmentNumber, segment_of
from api.strict import StrictRoute
from models import metrics
from models.catalogue import ALL_METRIC_NAMES
from models.metrics import Buckets, Rows, jsonable
from models.summaries import Values
from models.tables import Job

MAX_ROWS = 10_000
DEFAULT_ROWS = 1000
MAX_POINTS = 4000
router = APIRouter(prefix="/v1/jobs/{job_id}/metrics", tags=["metrics"], route_class=StrictRoute)

ANSWERS = answers(examples.METRICS, "job_not_found", "segment_not_found", headers=ETAG) | not_modified()
ANSWERS[200]["content"]["application/json"] = {
    "examples": {
        "rows": {"summary": "Rows", "value": examples.METRICS},
        "curve": {"summary": "Buckets, with max_points", "value": examples.CURVE},
    }
}
StepBound = Annotated[int | None, Query(ge=0, le=MAX_INTEGER)]
RowCount = Annotated[int | None, Query(ge=1, le=MAX_ROWS)]
Keys = Annotated[
    str | None,
    Query(
        description="Names of metrics, with commas between; by default those that any job can have, null where it does "
        "not record them, and the others that this one records.",
        examples=["d_loss,g_loss"],
    ),
]

MaxPoints = Annotated[
    int | None,
    Query(
        ge=2,
        le=MAX_POINTS,
        description="Answer with at most so many buckets of equal width (a power of two) in place of rows: least, "
        "greatest, mean and last value of each metric, and how many were not finite. Every step counts, the first and "
        "the last step of the range are always there, and the same steps always give the same buckets.",
        examples=[500],
    ),
]


@router.get(
    "",
    operation_id="get_metrics",
    summary="Read metrics",
    response_description="Rows in columns, or buckets where `max_points` is given; by step",
    responses=ANSWERS,
    response_model=MetricRows | MetricBuckets,
)
async def get_metrics(
    request: Request,
    job_id: JobId,
    keys: Keys = None,
    from_step: Annotated[StepBound, Query(description="First step; 0 by default.")] = None,
    to_step: Annotated[StepBound, Query(description="Last step, included; the newest by default.")] = None,
    max_points: MaxPoints = None,
    limit: Annotated[RowCount, Query(description=f"Rows at most; {DEFAULT_ROWS} by default.")] = None,
    last: Annotated[RowCount, Query(description="The newest rows, so many; excludes the other ways to choose.")] = None,
    segment: SegmentNumber = None,
) -> Response:
    """Read what was recorded at each step. Go on with `from_step` set to `next_step`. For a curve ask for
    `max_points`: it takes as long for a million steps as for a thousand."""
    standing = await standing_of(request, job_id)
    names = names_for(standing.job, keys)
    if last is not None:
        _refuse_together("last", from_step=from_step, to_step=to_step, limit=limit, max_points=max_points)
    if max_points is not None:
        _refuse_together("max_points", limit=limit)
    start = from_step or 0
    check_range(start, to_step)
    line = segment_of(standing.job, segment)
    tag = caching.tag_of(request, standing.job)

    def read(session: Session) -> Response:
        job = find_job(session, job_id)  # once more, with the rows
        held = [name for name in names if name in (job.metric_names or ())]
        if max_points is not None:
            found = metrics.read_buckets(session, job, held, max_points, start, to_step, line)
            return encoded(buckets_as_json((job.id, line), names, held, found, start), tag.headers)
        if last is not None:
            rows, count = metrics.read_rows(session, job, held, limit=last, newest=True, segment=line), last
        else:
            count = limit or DEFAULT_ROWS
            rows = metrics.read_rows(session, job, held, start, to_step, count + 1, segment=line)
        return encoded(_rows((job.id, line), names, held, rows, start, count), tag.headers)

    return await in_session(request, read)


def names_for(job: Job, keys: str | None) -> list[str]:
    """The metrics asked for, each once, or those that are shown of a job. Raises ``Problem`` (422) as ``names_of``."""
    return metrics.shown_of(job) if keys is None else names_of(keys)


def names_of(keys: str) -> list[str]:
    """The metrics asked for, each once. Raises ``Problem`` (422) for one that no job records."""
    names = list(dict.fromkeys(keys.split(",")))
    unknown = [name for name in names if name not in ALL_METRIC_NAMES]
    if unknown:
        message = f"{unknown[0][:100]!r} is no metric; use some of {', '.join(ALL_METRIC_NAMES)}"
        raise invalid("keys", "query", message, "unknown_metric", list(ALL_METRIC_NAMES))
    return names


def check_range(from_step: int, to_step: int | None) -> None:
    """Raises ``Problem`` (422) for a range that ends before it begins."""
    if to_step is not None and to_step < from_step:
        message = f"must not be below from_step, which is {from_step}"
        raise invalid("to_step", "query", message, "empty_range", from_step)


def _refuse_together(one: str, **others: int | None) -> None:
    """Raises ``Problem`` (422) where ``one`` comes with another way to choose."""
    for name, value in others.items():
        if value is not None:
            raise invalid(name, "query", f"cannot be given together with {one}", f"excludes_{one}")


def _rows(
    line: tuple[str, int], names: list[str], held: list[str], rows: Rows, start: int, count: int
) -> dict[str, Any]:
    """At most ``count`` of the rows of ``line`` (job id, segment), as ``MetricRows``."""
    shown = Rows(rows.steps[:count], rows.values[:count])
    return {
        "object": "metrics",
        "job_id": line[0],
        "segment": line[1],
        "columns": columns_of(names, held, shown),
        "has_more": len(rows) > count,
        "next_step": int(shown.steps[-1]) + 1 if len(shown) else start,
    }


def buckets_as_json(
    line: tuple[str, int], names: list[str], held: list[str], buckets: Buckets, start: int
) -> dict[str, Any]:
    """Buckets of ``line`` (job id, segment), as ``MetricBuckets``."""
    found = buckets.summaries
    nothing = found.count[:, None] == found.non_finite
    mean = found.mean().astype(np.float32)
    columns: dict[str, Any] = dict.fromkeys(names)
    for index, name in enumerate(held):
        none = nothing[:, index]
        columns[name] = {
            "min": _known(found.minimum[:, index], none),
            "max": _known(found.maximum[:, index], none),
            "mean": _known(mean[:, index], none),
            "last": _column(found.last[:, index]),
            "non_finite": np.ascontiguousarray(found.non_finite[:, index]),
        }
    return {
        "object": "metric_buckets",
        "job_id": line[0],
        "segment": line[1],
        "bucket_steps": buckets.width,
        "first_step": found.first_step,
        "last_step": found.last_step,
        "count": found.count,
        "columns": columns,
        "next_step": int(found.last_step[-1]) + 1 if len(found) else start,
    }


def columns_of(names: Sequence[str], held: Sequence[str], rows: Rows) -> dict[str, Any]:
    """Rows of the metrics ``held`` as columns for ``orjson``: ``step``, then ``names``, null where not held."""
    columns: dict[str, Any] = {"step": np.ascontiguousarray(rows.steps)}
    for name in names:
        columns[name] = _column(rows.values[:, held.index(name)]) if name in held else [None] * len(rows)
    return columns


def _column(values: Values) -> Any:
    """A column for ``orjson``: the array itself where all is finite, which it writes without a loop in Python. Either
    way numbers are the shortest digits that mean the same float32."""
    if np.isfinite(values).all():
        return np.ascontiguousarray(values)
    return [jsonable(float(str(value))) for value in values]


def _known(values: Values, nothing: npt.NDArray[np.bool_]) -> Any:
    """A column of finite numbers, null where a bucket holds ``nothing`` finite."""
    if not nothing.any():
        return np.ascontiguousarray(values)
    return [None if none else float(str(value)) for value, none in zip(values, nothing.tolist(), strict=True)]


def encoded(content: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    """JSON of columns as ``buckets_as_json`` and ``columns_of`` make them."""
    # Built of values of known types, up to 100,000 of them: checking each again would cost more than reading them.
    return Response(
        orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY), media_type="application/json", headers=headers
    )
