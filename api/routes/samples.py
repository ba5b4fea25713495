"""A job's sample images."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from api import animation, caching, examples, watching_examples
from api.dependencies import MAX_INTEGER, Limit, ReadSession, Step, TheJob
from api.documentation import answers, file_of, not_modified, problems
from api.errors import about
from api.records import SampleView
from api.schemas import Page
from api.segments import SegmentNumber, segment_of
from api.strict import StrictRoute
from api.watching_views import SampleSteps
from models import samples
from models.tables import Sample

Side = Annotated[
    int | None,
    Query(ge=16, le=1024, description="Scaled down, where it is larger, to so many pixels of its longer side."),
]
MEDIA_TYPE = "image/png"
STEP_HEADER = "Sample-Step"
router = APIRouter(prefix="/v1/jobs/{job_id}/samples", tags=["samples"], route_class=StrictRoute)

PNG: dict[int | str, dict[str, Any]] = {
    200: file_of(
        MEDIA_TYPE,
        "The image",
        {STEP_HEADER: {"description": "The step it was drawn at.", "schema": {"type": "integer"}}},
    ),
    **not_modified(),
    **problems("job_not_found", "sample_not_found", "segment_not_found", "file_gone"),
}


@router.get(
    "",
    operation_id="list_samples",
    summary="List sample images",
    response_description="Samples by step, without their bytes",
    responses=answers(examples.SAMPLES, "job_not_found", "segment_not_found"),
)
def list_samples(
    session: ReadSession,
    job: TheJob,
    limit: Limit = 20,
    after: Annotated[
        int | None, Query(ge=0, le=MAX_INTEGER, description="Return samples of later steps than this one.")
    ] = None,
    segment: SegmentNumber = None,
) -> Page[SampleView]:
    """List the images drawn so far. Go on with `after` set to the last one's `step`."""
    found = samples.list_samples(session, job, -1 if after is None else after, limit + 1, segment_of(job, segment))
    return Page[SampleView].of([SampleView.of(job.id, sample) for sample in found], limit)


@router.get(
    "/latest",
    operation_id="get_latest_sample",
    summary="Download the newest sample image",
    response_class=Response,
    responses=PNG,
)
def get_latest_sample(
    request: Request, session: ReadSession, job: TheJob, segment: SegmentNumber = None, side: Side = None
) -> Response:
    """Download the newest image. The header `Sample-Step` says which step it shows."""
    newest = samples.get_sample(session, job, None, segment_of(job, segment))
    if newest is None:
        raise about("job_id", "path", "sample_not_found", "the job has no sample yet")
    return _image(request, newest, side)


@router.get(
    "/steps",
    operation_id="list_sample_steps",
    summary="List the steps of all sample images",
    response_description="The steps at which samples were drawn, in order",
    responses=answers(watching_examples.SAMPLE_STEPS, "job_not_found", "segment_not_found"),
)
def list_sample_steps(session: ReadSession, job: TheJob, segment: SegmentNumber = None) -> SampleSteps:
    """List at which steps samples were drawn, all of them: what a timeline needs, without a page for each hundred."""
    line = segment_of(job, segment)
    found = samples.sample_steps(session, job, line)
    _, width, height = found[-1] if found else (0, None, None)
    steps = [step for step, _, _ in found]
    return SampleSteps(job_id=job.id, segment=line, steps=steps, width=width, height=height)


@router.get(
    "/{step}",
    operation_id="get_sample",
    summary="Download a sample image",
    response_class=Response,
    responses=PNG,
)
def get_sample(
    request: Request,
    session: ReadSession,
    job: TheJob,
    step: Step,
    segment: SegmentNumber = None,
    side: Side = None,
) -> Response:
    """Download the image drawn at a step. A job that goes back to a checkpoint draws later images anew."""
    line = segment_of(job, segment)
    found = samples.get_sample(session, job, step, line)
    if found is None:
        newest = samples.get_sample(session, job, None, line)
        there = f"the newest is of step {newest.step}" if newest else "it has none yet"
        message = f"the job has no sample of step {step}; {there}"
        raise about("step", "path", "sample_not_found", message, newest.step if newest else None)
    return _image(request, found, side)


def _image(request: Request, sample: Sample, side: int | None) -> Response:
    etag = caching.quoted(sample.sha256 if side is None else f"{sample.sha256}-{side}")
    headers = {"ETag": etag, "Cache-Control": caching.NO_CACHE, STEP_HEADER: str(sample.step)}
    if caching.is_current(request, etag):
        return Response(status_code=304, headers=headers)
    try:
        png = sample.png if side is None else animation.scaled_down(sample.step, sample.png, side)
    except animation.UndecodableImage as error:
        raise about("job_id", "path", "file_gone", str(error), error.step) from error
    return Response(png, media_type=MEDIA_TYPE, headers=headers | {"X-Content-Type-Options": "nosniff"})
