"""What a job's generator was worth, every so many steps."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.orm import Session

from api import caching, examples
from api.dependencies import MAX_INTEGER, JobId, Limit, find_job, in_session, standing_of
from api.documentation import ETAG, answers, not_modified
from api.records import EvaluationView
from api.routes.metrics import StepBound, check_range
from api.schemas import Page
from api.segments import SegmentNumber, segment_of
from api.strict import StrictRoute
from models import evaluations

router = APIRouter(prefix="/v1/jobs/{job_id}/evaluations", tags=["metrics"], route_class=StrictRoute)


@router.get(
    "",
    operation_id="list_evaluations",
    summary="List evaluations",
    response_description="Evaluations by step",
    responses=answers(examples.EVALUATIONS, "job_not_found", "segment_not_found", headers=ETAG) | not_modified(),
    response_model=Page[EvaluationView],
)
async def list_evaluations(
    request: Request,
    job_id: JobId,
    limit: Limit = 20,
    after: Annotated[
        int | None, Query(ge=0, le=MAX_INTEGER, description="Return evaluations of later steps than this one.")
    ] = None,
    from_step: Annotated[StepBound, Query(description="First step; 0 by default.")] = None,
    to_step: Annotated[StepBound, Query(description="Last step, included; the newest by default.")] = None,
    segment: SegmentNumber = None,
) -> Response:
    """List what the generator was worth, every `evaluate_every` steps. Go on with `after` set to the last one's `step`.
    What the numbers mean is in the catalogue."""
    standing = await standing_of(request, job_id)
    check_range(from_step or 0, to_step)
    line = segment_of(standing.job, segment)
    tag = caching.tag_of(request, standing.job)

    def read(session: Session) -> Response:
        job = find_job(session, job_id)  # once more, with its evaluations
        since = -1 if after is None else after
        found = evaluations.list_evaluations(session, job, since, limit + 1, from_step or 0, to_step, line)
        page = Page[EvaluationView].of([EvaluationView.of(each) for each in found], limit)
        return Response(page.model_dump_json(), media_type="application/json", headers=tag.headers)

    return await in_session(request, read)
