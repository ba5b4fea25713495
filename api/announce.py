"""What every operation that makes a job does once it is made."""

from typing import Any

import structlog
from fastapi import BackgroundTasks, Response
from sqlalchemy.orm import Session

from api import examples
from api.dependencies import Services
from api.schemas import JobView
from models import jobs
from models.tables import Job

log = structlog.get_logger(__name__)
LOCATION = {"description": "Where the job is.", "schema": {"type": "string"}}
REPLAYED = {"description": "`true`: the key was used before, for this job.", "schema": {"type": "string"}}
CREATED_BEFORE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The job that the same key and request made before",
        "model": JobView,
        "content": {"application/json": {"example": examples.NEW_JOB}},
        "headers": {"Location": LOCATION, "Idempotent-Replayed": REPLAYED},
    }
}


def made(
    session: Session, job: Job, is_new: bool, response: Response, held: Services, background: BackgroundTasks
) -> JobView:
    """The answer to a request that made a job (or had made it before); workers are told once it is committed."""
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    if is_new:
        background.add_task(tell, held, job.id)
    else:
        response.status_code = 200
        response.headers["Idempotent-Replayed"] = "true"
    return JobView.of(job, jobs.queue_position(session, job))


async def tell(held: Services, job_id: str) -> None:
    """Have the workers told of a job that waits; it is committed by now, and safe if they cannot be told."""
    log.info("job queued", job_id=job_id)
    held.bell.ring()
