"""A job's health: how the game between its networks stands, how it stood, and what was done about it."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.orm import Session

from api import caching, health_examples
from api.dependencies import MAX_INTEGER, JobId, Limit, find_job, in_session, standing_of
from api.documentation import ETAG, answers, not_modified
from api.errors import invalid
from api.health_views import NEVER, NOTHING_BY_THEN, HealthView, IntervalView, ReadingView, SegmentView
from api.routes.metrics import StepBound, check_range
from api.schemas import Page, View
from api.segments import MAX_SEGMENT, SegmentNumber, segment_of
from api.strict import StrictRoute
from models import reports
from models.status import JobStatus
from models.tables import Job

router = APIRouter(prefix="/v1/jobs/{job_id}", tags=["training health"], route_class=StrictRoute)
AfterStep = Annotated[int | None, Query(ge=0, le=MAX_INTEGER)]
FOUND = ("job_not_found", "segment_not_found")


@router.get(
    "/health",
    operation_id="get_job_health",
    summary="Read a job's health",
    response_description="The newest report, or that of a step",
    responses=answers(health_examples.HEALTH, *FOUND, headers=ETAG) | not_modified(),
    response_model=HealthView,
)
async def get_job_health(
    request: Request,
    job_id: JobId,
    at_step: Annotated[
        StepBound, Query(description="How it stood at this step, by the newest report of then; now by default.")
    ] = None,
    segment: SegmentNumber = None,
) -> Response:
    """Read how the game between the two networks stands: a verdict, how sure it is, the evidence, and what to change.
    It is `warming_up` before anything has been assessed."""
    job = (await standing_of(request, job_id)).job
    line = segment_of(job, segment)
    if line == job.segment:
        _check_step(at_step, 0, job.step)
    if line == job.segment and at_step is None:
        return _json(_present(job), caching.tag_of(request, job))

    def read(session: Session) -> Response:
        last = job.step
        if line != job.segment:
            past = reports.get_segment(session, find_job(session, job_id).number, line)
            assert past is not None  # there is one for each rollback, for as long as there is the job
            last = past.last_step
            _check_step(at_step, past.after_step, last)
        tag = caching.tag_of(request, job)
        return _json(_past(session, job, line, last if at_step is None else at_step), tag)

    return await in_session(request, read)


def _present(job: Job) -> HealthView:
    if job.health is not None:
        return HealthView.of(job.id, job.health, job.segment)
    return HealthView.unknown(job, job.step, job.segment, NEVER if JobStatus(job.status).is_final else None)


def _check_step(at_step: int | None, first: int, last: int) -> None:
    """Raises ``Problem`` (422) for a step that lies before or behind what has been recorded."""
    if at_step is not None and at_step < first:
        raise invalid("at_step", "query", f"must be at least {first}, where the segment begins", "too_low", first)
    if at_step is not None and at_step > last:
        raise invalid("at_step", "query", f"must be at most {last}, the last recorded step", "not_reached", last)


def _past(session: Session, job: Job, segment: int, step: int) -> HealthView:
    """How a job stood at a step of one of its segments."""
    found = reports.newest(session, (job.number, segment), step)
    if found is not None:
        return HealthView.of(job.id, found, segment)
    return HealthView.unknown(job, step, segment, NOTHING_BY_THEN.format(step=step))


@router.get(
    "/health/history",
    operation_id="list_job_health",
    summary="List the verdicts on a job's health",
    response_description="Intervals of verdicts by step",
    responses=answers(health_examples.HEALTH_HISTORY, *FOUND, headers=ETAG) | not_modified(),
    response_model=Page[IntervalView],
)
async def list_job_health(
    request: Request,
    job_id: JobId,
    limit: Limit = 20,
    after: Annotated[AfterStep, Query(description="Return intervals that begin after this step.")] = None,
    segment: SegmentNumber = None,
) -> Response:
    """List how a job's health went: assessments that follow one another with the same verdict are one interval. Go on
    with `after` set to the last one's `from_step`."""
    job = (await standing_of(request, job_id)).job
    key = (job.number, segment_of(job, segment))
    tag = caching.tag_of(request, job)

    def read(session: Session) -> Response:
        found = reports.list_intervals(session, key, _from(after), limit + 1)
        return _json(Page[IntervalView].of(found, limit), tag)

    return await in_session(request, read)


@router.get(
    "/health/readings",
    operation_id="list_job_readings",
    summary="List what a job's health was read from",
    response_description="Readings by step",
    responses=answers(health_examples.HEALTH_READINGS, *FOUND, headers=ETAG) | not_modified(),
    response_model=Page[ReadingView],
)
async def list_job_readings(
    request: Request,
    job_id: JobId,
    limit: Limit = 20,
    after: Annotated[AfterStep, Query(description="Return readings of later steps than this one.")] = None,
    from_step: Annotated[StepBound, Query(description="First step; 0 by default.")] = None,
    to_step: Annotated[StepBound, Query(description="Last step, included; the newest by default.")] = None,
    segment: SegmentNumber = None,
) -> Response:
    """List what each assessment was made of, so that it can be made again. Go on with `after` set to the last one's
    `step`."""
    job = (await standing_of(request, job_id)).job
    key = (job.number, segment_of(job, segment))
    check_range(from_step or 0, to_step)
    tag = caching.tag_of(request, job)

    def read(session: Session) -> Response:
        found = reports.list_readings(session, key, _from(after), limit + 1, from_step or 0, to_step)
        page = Page[ReadingView].of([ReadingView.of(each) for each in found], limit)
        return _json(page, tag)

    return await in_session(request, read)


@router.get(
    "/segments",
    operation_id="list_segments",
    summary="List the stretches that a job has gone back from",
    response_description="Segments by number",
    responses=answers(health_examples.SEGMENTS, "job_not_found", headers=ETAG) | not_modified(),
    response_model=Page[SegmentView],
)
async def list_segments(
    request: Request,
    job_id: JobId,
    limit: Limit = 20,
    after: Annotated[AfterStep, Query(description="Return segments of a higher number than this one.")] = None,
) -> Response:
    """List the stretches of steps that the job has gone back from, each with the reason and the remedy. Metrics,
    samples, evaluations and health of each are read with `?segment=` and its number."""
    job = (await standing_of(request, job_id)).job
    tag = caching.tag_of(request, job)

    def read(session: Session) -> Response:
        found = reports.list_segments(session, job, min(after or 0, MAX_SEGMENT), limit + 1)
        return _json(Page[SegmentView].of([SegmentView.of(job_id, each) for each in found], limit), tag)

    return await in_session(request, read)


def _from(after: int | None) -> int:
    return -1 if after is None else after


def _json(view: View, tag: caching.Tag) -> Response:
    return Response(view.model_dump_json(), media_type="application/json", headers=tag.headers)
