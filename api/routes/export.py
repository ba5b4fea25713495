"""Whole histories as files."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from api import caching, export, export_formats
from api.dependencies import ReadSession, ServicesHeld, TheJob
from api.documentation import ETAG, not_modified, problems
from api.export_formats import FORMATS, Columns
from api.routes.metrics import StepBound, check_range, names_of
from api.strict import StrictRoute
from models import histories, metrics

FIRST_STEP, LAST_STEP = "First-Step", "Last-Step"
router = APIRouter(prefix="/v1/jobs/{job_id}/metrics/export", tags=["metrics"], route_class=StrictRoute)

FILE = {"schema": {"type": "string", "format": "binary"}}
EXAMPLES = {
    "application/x-ndjson": '{"step":1,"d_loss":1.386294,"g_loss":0.693147}\n{"step":2,"d_loss":"NaN","g_loss":0.5}\n',
    "text/csv": "step,d_loss,g_loss\n1,1.3862944,0.6931472\n2,NaN,0.5\n",
}
ENDS = {
    name: {"description": f"The {which} step in the file; absent where it is empty.", "schema": {"type": "integer"}}
    for name, which in ((FIRST_STEP, "first"), (LAST_STEP, "last"))
}
DISPOSITION = {"description": "A name for the file.", "schema": {"type": "string"}}
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file",
        "content": {media_type: FILE | {"example": text} for media_type, text in EXAMPLES.items()}
        | {FORMATS["parquet"].media_type: FILE},
        "headers": ETAG | ENDS | {"Content-Disposition": DISPOSITION},
    },
    **not_modified(),
    **problems("job_not_found"),
}


@router.get(
    "",
    operation_id="export_metrics",
    summary="Download a whole history",
    response_class=Response,
    responses=ANSWERS,
)
def export_metrics(
    request: Request,
    session: ReadSession,
    held: ServicesHeld,
    job: TheJob,
    format: Annotated[Literal["ndjson", "csv", "parquet"], Query(description="The form of the file.")] = "ndjson",
    keys: Annotated[
        str | None,
        Query(description="Names of metrics, with commas between; by default those that the job records."),
    ] = None,
    from_step: Annotated[StepBound, Query(description="First step; the first by default.")] = None,
    to_step: Annotated[StepBound, Query(description="Last step, included; the newest by default.")] = None,
) -> Response:
    """Download every step from one to another, however many, up to the newest row of the moment of the request. Should
    the job be deleted or go back to a checkpoint meanwhile, so that rows which were to be sent are gone, the transfer
    breaks off before its end: ask again."""
    names = None if keys is None else names_of(keys)
    check_range(from_step or 0, to_step)
    # Of the job, read before its rows: a tag may be too old for them, never too new.
    headers = caching.tag_of(request, job).headers
    history = histories.begin(session, job, names, from_step or 0, to_step)
    headers["Content-Disposition"] = f'attachment; filename="{job.id}-metrics.{format}"'
    if not history.is_empty:
        headers |= {FIRST_STEP: str(history.first), LAST_STEP: str(history.last)}
    metadata = export_formats.metadata_of(job.id, job.segment, job.spec)
    columns = Columns(history.names, metrics.recorded(job, history.names), metadata)
    chosen = FORMATS[format]
    pieces = chosen.write(columns, export.pages_of(held.database, history))
    return export.Export(export.in_turns(pieces), headers=headers, media_type=chosen.media_type)
