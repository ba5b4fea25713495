"""What lists of jobs are narrowed by, alike in each of them."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Query
from sqlalchemy.orm import Session

from api.dependencies import JOB_ID
from api.errors import invalid
from models import jobs
from models.jobs import JobFilter
from models.spec import Name
from models.status import JobStatus
from models.tables import Job
from models.verdicts import Severity, Verdict

AfterJob = Annotated[str | None, Query(description="Id of the last job of the page before.")]
OfStatus = Annotated[list[JobStatus], Query(description="Only jobs in one of these states.")]
OfName = Annotated[Name | None, Query(description="Only jobs of this name.")]
OfVerdict = Annotated[list[Verdict], Query(description="Only jobs with one of these verdicts on their health.")]
OfSeverity = Annotated[list[Severity], Query(description="Only jobs whose verdict is as bad as one of these.")]


def found_by(session: Session, narrowed_to: JobFilter, after: str | None, limit: int) -> Sequence[Job]:
    """Jobs, newest first, and one more than ``limit`` where there are more. Raises ``Problem`` (422) where ``after`` is
    no job."""
    unknown = invalid("after", "query", "there is no such job", "unknown_job")
    if after is not None and not JOB_ID.fullmatch(after):
        raise unknown
    try:
        return jobs.list_jobs(session, narrowed_to, after, limit + 1)
    except LookupError as error:
        raise unknown from error
