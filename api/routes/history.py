"""What happened to a job: events, and the lines its workers logged."""

from fastapi import APIRouter

from api import examples
from api.dependencies import AfterNumber, Limit, ReadSession, TheJob
from api.documentation import answers
from api.records import EventView, LogLineView
from api.schemas import Page
from api.strict import StrictRoute
from models import events

router = APIRouter(prefix="/v1/jobs/{job_id}", tags=["history"], route_class=StrictRoute)


@router.get(
    "/events",
    operation_id="list_events",
    summary="List events",
    response_description="Events, oldest first",
    responses=answers(examples.EVENTS, "job_not_found"),
)
def list_events(session: ReadSession, job: TheJob, limit: Limit = 20, after: AfterNumber = 0) -> Page[EventView]:
    """List what happened to the job, in order: every change of its state, and what else is worth telling."""
    found = events.list_events(session, job.number, after, limit + 1)
    return Page[EventView].of(found, limit)


@router.get(
    "/logs",
    operation_id="list_logs",
    summary="List log lines",
    response_description="Log lines, oldest first",
    responses=answers(examples.LOGS, "job_not_found"),
)
def list_logs(session: ReadSession, job: TheJob, limit: Limit = 20, after: AfterNumber = 0) -> Page[LogLineView]:
    """List what the job's workers logged while they trained it, in order."""
    found = events.list_log_lines(session, job.number, after, limit + 1)
    return Page[LogLineView].of(found, limit)
