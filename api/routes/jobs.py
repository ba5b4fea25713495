"""Creating, reading, listing and deleting jobs."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Body, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import Field, TypeAdapter, ValidationError

from api import caching, examples
from api.announce import CREATED_BEFORE, LOCATION, made
from api.dependencies import (
    IdempotencyKey,
    JobId,
    JobToChange,
    Limit,
    ReadSession,
    ServicesHeld,
    WriteSession,
    standing_of,
)
from api.documentation import BODY, ETAG, answers, not_modified
from api.errors import Problem, about
from api.filters import AfterJob, OfName, OfSeverity, OfStatus, OfVerdict, found_by
from api.schemas import Deleted, Equilibrium, EvaluationFactsView, JobPage, JobView, MetricView, Validation
from api.strict import METADATA_PARAMETER, StrictRoute
from models import catalogue, jobs, metrics
from models.polling import Standing
from models.spec import JobSpec, MetadataKey, MetadataValue
from models.status import FINAL, JobStatus
from models.storage import job_folder

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=StrictRoute)

Spec = Annotated[
    JobSpec,
    Body(openapi_examples={"images": {"value": examples.SPEC}, "points": {"value": examples.RING}}),
]
DELETABLE = [status for status in JobStatus if status in FINAL]
MetadataFilter = TypeAdapter(Annotated[dict[MetadataKey, MetadataValue], Field(max_length=16)])
METADATA_DOCUMENTED: dict[str, Any] = {
    "name": "metadata",
    "in": "query",
    "description": "Only jobs with all of these labels: `metadata[project]=thesis`.",
    "style": "deepObject",
    "explode": True,
    "schema": {"type": "object", "additionalProperties": {"type": "string"}},
    "example": {"project": "thesis"},
}


@router.post(
    "",
    operation_id="create_job",
    summary="Create a job",
    status_code=201,
    response_description="The job, waiting for a worker",
    responses=answers(
        examples.NEW_JOB, *BODY, "ambiguous_header", "idempotency_conflict", status=201, headers={"Location": LOCATION}
    )
    | CREATED_BEFORE,
)
def create_job(
    spec: Spec,
    session: WriteSession,
    held: ServicesHeld,
    idempotency_key: IdempotencyKey,
    background: BackgroundTasks,
    response: Response,
) -> JobView:
    """Validate a spec and queue it for training. With an `Idempotency-Key`, sending it again is safe."""
    try:
        job, is_new = jobs.create(session, spec, idempotency_key)
    except jobs.IdempotencyConflict as conflict:
        raise Problem("idempotency_conflict", f"The key was used for {conflict}, whose spec differs.") from conflict
    return made(session, job, is_new, response, held, background)


@router.post(
    "/validate",
    operation_id="validate_job",
    summary="Check a spec without creating a job",
    response_description="The spec with its defaults, and what it would make",
    responses=answers(examples.VALIDATION, *BODY),
)
def validate_job(spec: Spec) -> Validation:
    """Answer what creation would: the normalised spec and what is known of its losses, or the same problem."""
    shown = metrics.shown(spec.metric_names)
    numbers = catalogue.evaluation_names(spec.dataset.kind, spec.dataset.has_labels)
    return Validation(
        spec=spec.model_dump(mode="json"),
        equilibrium=Equilibrium.of(spec.loss.kind),
        logit_is_probability=spec.loss_facts.logit_is_probability,
        metrics=[MetricView.model_validate(fact) for fact in catalogue.ALL_METRICS if fact.name in shown],
        evaluations=[EvaluationFactsView.model_validate(catalogue.EVALUATIONS[name]) for name in numbers],
    )


@router.get(
    "",
    operation_id="list_jobs",
    summary="List jobs",
    response_description="Jobs, newest first",
    responses=answers(examples.JOB_PAGE),
    openapi_extra={"parameters": [METADATA_DOCUMENTED]},
)
def list_jobs(
    request: Request,
    session: ReadSession,
    limit: Limit = 20,
    after: AfterJob = None,
    status: OfStatus = [],  # noqa: B006
    name: OfName = None,
    verdict: OfVerdict = [],  # noqa: B006
    severity: OfSeverity = [],  # noqa: B006
) -> JobPage:
    """List jobs, newest first, narrowed to those that meet every filter given."""
    narrowed_to = jobs.JobFilter(status, name, _metadata(request.query_params), verdict, severity)
    found = found_by(session, narrowed_to, after, limit)
    views = [JobView.of(job) for job in found[:limit]]
    ends = {"first_id": views[0].id, "last_id": views[-1].id} if views else {"first_id": None, "last_id": None}
    return JobPage(data=views, has_more=len(found) > limit, **ends)


def _metadata(query: Mapping[str, str]) -> dict[str, str]:
    """The ``metadata[key]=value`` of a query string.

    Raises:
        RequestValidationError: there are too many, or one could be no label.
    """
    given = {match[1]: value for name, value in query.items() if (match := METADATA_PARAMETER.fullmatch(name))}
    try:
        return MetadataFilter.validate_python(given)
    except ValidationError as error:
        errors = [{**each, "loc": _place_of_label(each["loc"])} for each in error.errors()]
        raise RequestValidationError(errors) from error


def _place_of_label(location: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Where in a request that lies which is at ``location`` in the labels."""
    return ("query", f"metadata[{location[0]}]", *location[1:]) if location else ("query", "metadata")


@router.get(
    "/{job_id}",
    operation_id="get_job",
    summary="Read a job",
    response_description="The job",
    responses=answers(examples.JOB, "job_not_found", headers=ETAG) | not_modified(),
    response_model=JobView,
)
async def get_job(request: Request, job_id: JobId) -> Response:
    """Read a job. To follow one, send the ETag back in `If-None-Match`: 304 means that nothing has changed."""
    standing = await standing_of(request, job_id)
    position = standing.position
    tag = caching.tag_of(request, standing.job, *(() if position is None else (position,)))
    return Response(_written(standing), headers=tag.headers, media_type="application/json")


@lru_cache(maxsize=256)
def _written(standing: Standing) -> str:
    """The job as JSON, written once for as long as nothing changes."""
    return JobView.of(standing.job, standing.position).model_dump_json()


@router.delete(
    "/{job_id}",
    operation_id="delete_job",
    summary="Delete a finished job",
    response_description="The job is gone",
    responses=answers(examples.DELETED, "job_not_found", "job_not_finished"),
)
def delete_job(session: WriteSession, held: ServicesHeld, job: JobToChange, background: BackgroundTasks) -> Deleted:
    """Delete a finished job with its metrics, samples, evaluations, events, logs and checkpoint files."""
    try:
        jobs.delete_job(session, job)
    except jobs.NotDeletable as error:
        message = f"the job is {job.status}; only one that is {' or '.join(DELETABLE)} can be deleted: cancel it first"
        raise about("job_id", "path", "job_not_finished", message, DELETABLE) from error
    background.add_task(held.storage.delete, job_folder(job.id))
    return Deleted(id=job.id)
