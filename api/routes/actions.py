"""What one can ask of a job that exists: cancel, pause, resume, retry, fork."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, BackgroundTasks, Body, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy.orm import Session

from api import examples
from api.announce import CREATED_BEFORE, LOCATION, made, tell
from api.dependencies import MAX_INTEGER, IdempotencyKey, JobToChange, ServicesHeld, WriteSession
from api.documentation import BODY, answers
from api.errors import Problem, about, invalid, refused, unavailable
from api.newfiles import NewFiles
from api.routes.checkpoints import newest_steps
from api.schemas import JobView
from api.strict import StrictRoute
from models import actions, jobs
from models.actions import CANCEL, PAUSE, RESUME, RETRYABLE, NotForkable, NotRetryable, states_for
from models.patch import merge
from models.spec import Integer, JobSpec
from models.status import JobStatus
from models.tables import Job
from models.transitions import TransitionLost
from models.validation import one_line

log = structlog.get_logger(__name__)
router = APIRouter(prefix="/v1/jobs/{job_id}", tags=["jobs"], route_class=StrictRoute)
MAKES_A_JOB = ("job_not_found", "idempotency_conflict", "ambiguous_header")


class Fork(BaseModel):
    """How the new job differs from the old one."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    step: Annotated[Integer, Field(ge=1, le=MAX_INTEGER)] | None = None
    """The checkpoint to go on from; the newest by default."""
    changes: dict[str, Any] = {}
    """What is to be different in the spec, as a JSON merge patch (RFC 7396). The networks must stay as they are.
    Errors name fields of the spec that results."""


def _asked(
    ask: Callable[[Session, Job], Job], session: Session, job: Job, steps: Mapping[JobStatus, JobStatus], done: str
) -> JobView:
    try:
        job = ask(session, job)
    except TransitionLost as lost:
        kind = "job_finished" if JobStatus(job.status).is_final else "wrong_state"
        states = states_for(steps)
        message = f"the job is {job.status}; only one that is {' or '.join(states)} can be {done}"
        raise about("job_id", "path", kind, message, states) from lost
    return JobView.of(job, jobs.queue_position(session, job))


@contextmanager
def _refusals(session: Session, job: Job) -> Iterator[None]:
    """Within the block, whatever forbids making a job from ``job`` is a problem."""
    try:
        yield
    except NotRetryable as error:
        raise about("job_id", "path", "wrong_state", str(error), list(RETRYABLE)) from error
    except actions.NoSuchCheckpoint as error:
        raise about("step", "body", "checkpoint_not_found", str(error), newest_steps(session, job)) from error
    except NotForkable as error:
        raise invalid(error.field, "body", str(error), "not_forkable") from error
    except jobs.IdempotencyConflict as conflict:
        raise Problem("idempotency_conflict", f"The key was used for {conflict}, another request.") from conflict
    except ValidationError as error:  # bounds may have been tightened since it was stored
        message = f"has a spec that is no longer valid: {one_line(error)}"
        raise invalid("job_id", "path", message, "spec_outdated") from error
    except FileNotFoundError as error:
        raise about("step", "body", "file_gone", "the checkpoint's files are no longer on disk") from error
    except OSError as error:
        log.error("checkpoint not shared", job_id=job.id, error=str(error))
        raise unavailable(
            "The checkpoint's files cannot be shared just now. Nothing was changed; try again."
        ) from error


@router.post(
    "/cancel",
    operation_id="cancel_job",
    summary="Cancel a job",
    status_code=202,
    response_description="The job, cancelled or about to be",
    responses=answers(examples.CANCELLING_JOB, "job_not_found", "job_finished", status=202),
)
def cancel_job(session: WriteSession, job: JobToChange) -> JobView:
    """Ask a job to stop. One that waits is cancelled at once; a running one is `cancelling` until its worker has
    stopped. What it recorded stays. Asking again changes nothing."""
    return _asked(actions.cancel, session, job, CANCEL, "cancelled")


@router.post(
    "/pause",
    operation_id="pause_job",
    summary="Pause a job",
    status_code=202,
    response_description="The job, paused or about to be",
    responses=answers(examples.PAUSED_JOB, "job_not_found", "job_finished", "wrong_state", status=202),
)
def pause_job(session: WriteSession, job: JobToChange) -> JobView:
    """Ask a job to make a checkpoint and leave the device to others. It stays `paused` until it is resumed, and then
    goes on exactly. Asking again changes nothing."""
    return _asked(actions.pause, session, job, PAUSE, "paused")


@router.post(
    "/resume",
    operation_id="resume_job",
    summary="Resume a paused job",
    status_code=202,
    response_description="The job, waiting for a worker",
    responses=answers(examples.NEW_JOB, "job_not_found", "job_finished", "wrong_state", status=202),
)
def resume_job(session: WriteSession, held: ServicesHeld, job: JobToChange, background: BackgroundTasks) -> JobView:
    """Put a paused job back into the queue, in its old place: by priority, then by age."""
    view = _asked(actions.resume, session, job, RESUME, "resumed")
    background.add_task(tell, held, job.id)
    return view


@router.post(
    "/retry",
    operation_id="retry_job",
    summary="Try a failed job again",
    status_code=201,
    response_description="The new job, waiting for a worker",
    responses=answers(examples.RETRIED_JOB, *MAKES_A_JOB, "wrong_state", status=201, headers={"Location": LOCATION})
    | CREATED_BEFORE,
)
def retry_job(
    session: WriteSession,
    held: ServicesHeld,
    job: JobToChange,
    idempotency_key: IdempotencyKey,
    background: BackgroundTasks,
    response: Response,
) -> JobView:
    """Create a job with the spec of one that failed or was cancelled. It begins anew; `origin` names the old one. To go
    on from a checkpoint instead, fork."""
    with _refusals(session, job):
        new, is_new = actions.retry(session, job, idempotency_key)
    return made(session, new, is_new, response, held, background)


@router.post(
    "/fork",
    operation_id="fork_job",
    summary="Go on from a job's checkpoint in a new job",
    status_code=201,
    response_description="The new job, waiting for a worker",
    responses=answers(
        examples.FORKED_JOB,
        *(*MAKES_A_JOB, *BODY, "checkpoint_not_found", "file_gone"),
        status=201,
        headers={"Location": LOCATION},
    )
    | CREATED_BEFORE,
)
def fork_job(
    files: NewFiles,
    session: WriteSession,
    held: ServicesHeld,
    job: JobToChange,
    fork: Annotated[Fork, Body(openapi_examples={"longer": {"value": examples.FORK}})],
    idempotency_key: IdempotencyKey,
    background: BackgroundTasks,
    response: Response,
) -> JobView:
    """Create a job that goes on from a checkpoint with the spec changed where the networks' shapes allow: other losses,
    learning rates, data of the same shape, more steps. Its rows begin after the checkpoint's step; `origin` names the
    old job, which is not changed. What is changed is the spec as the old job trains by it now, with the remedies of its
    rollbacks."""
    spec = _changed(session, job, fork.changes, idempotency_key)
    with _refusals(session, job):
        new, is_new = actions.fork(session, job, fork.step, spec, files, idempotency_key)
    return made(session, new, is_new, response, held, background)


def _changed(session: Session, job: Job, changes: Mapping[str, Any], idempotency_key: str | None) -> JobSpec:
    """The spec of a fork. Raises ``Problem`` (422) where it is none."""
    try:
        base = actions.base_of_fork(session, job, idempotency_key)
        return JobSpec.model_validate(merge(base, changes))
    except ValidationError as error:
        errors = [{**each, "loc": ("body", *each["loc"])} for each in error.errors()]
        raise refused(errors, JobSpec) from error
