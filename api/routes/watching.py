"""Watching many jobs at once: slim lists that say what has changed, and the curves of several jobs in one answer."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, StringConstraints
from sqlalchemy import select
from sqlalchemy.orm import Session

from api import examples, watching_examples
from api.dependencies import JOB_ID, ReadSession, in_session
from api.documentation import answers
from api.errors import invalid
from api.filters import AfterJob, OfName, OfSeverity, OfStatus, OfVerdict, found_by
from api.routes.metrics import MAX_POINTS, StepBound, buckets_as_json, check_range, encoded, names_of
from api.strict import StrictRoute
from api.watching_views import Curves, JobSummaryView, SummaryPage
from models import jobs, metrics, samples
from models.database import database_now

MAX_SUMMARIES = 1000
MAX_CURVES = 64
# Of all the curves of one answer together.
MAX_ALL_POINTS = 4 * MAX_POINTS
OneJob = Annotated[str, StringConstraints(pattern=f"^{JOB_ID.pattern}$")]
router = APIRouter(prefix="/v1", tags=["jobs"], route_class=StrictRoute)


@router.get(
    "/summaries",
    operation_id="list_summaries",
    summary="List jobs in brief",
    response_description="Jobs in brief, newest first",
    responses=answers(watching_examples.SUMMARIES),
)
def list_summaries(
    session: ReadSession,
    limit: Annotated[int, Query(ge=1, le=MAX_SUMMARIES, description="How many to return at most.")] = 100,
    after: AfterJob = None,
    changed_since: Annotated[
        AwareDatetime | None,
        Query(
            description="Only jobs that have changed since the `now` of an answer before. Some that changed shortly "
            "before that come once more; deleted jobs are not told.",
            examples=["2026-11-01T12:00:00Z"],
        ),
    ] = None,
    status: OfStatus = [],  # noqa: B006
    name: OfName = None,
    verdict: OfVerdict = [],  # noqa: B006
    severity: OfSeverity = [],  # noqa: B006
) -> SummaryPage:
    """List what a table of many jobs shows, and bring it up to date for the price of what has changed."""
    now = session.scalar(select(database_now()))
    since = changed_since and _utc(changed_since)
    narrowed_to = jobs.JobFilter(status, name, {}, verdict, severity, since)
    found = found_by(session, narrowed_to, after, limit)
    drawn = samples.newest_samples(session, [job.number for job in found[:limit]])
    views = [JobSummaryView.of(job, drawn.get(job.number)) for job in found[:limit]]
    return SummaryPage.model_validate({"data": views, "has_more": len(found) > limit, "now": now})


def _utc(moment: datetime) -> datetime:
    """A time as the database holds it. Raises ``Problem`` (422) for one that no calendar has in UTC."""
    try:
        return moment.astimezone(UTC).replace(tzinfo=None)
    except OverflowError as error:
        raise invalid("changed_since", "query", "is out of range", "out_of_range") from error


@router.get(
    "/curves",
    operation_id="get_curves",
    summary="Read the curves of several jobs",
    response_description="A curve per job, in the order asked",
    responses=answers(watching_examples.CURVES),
    response_model=Curves,
)
async def get_curves(
    request: Request,
    job: Annotated[
        list[OneJob],
        Query(
            min_length=1, max_length=MAX_CURVES, description="Ids of jobs; repeatable.", examples=[[examples.JOB_ID]]
        ),
    ],
    keys: Annotated[str, Query(description="Names of metrics, with commas between.")] = "d_loss,g_loss",
    max_points: Annotated[
        int, Query(ge=2, le=MAX_POINTS, description=f"Buckets per job; {MAX_ALL_POINTS:,} for all jobs together.")
    ] = 60,
    from_step: Annotated[StepBound, Query(description="First step; 0 by default.")] = None,
    to_step: Annotated[StepBound, Query(description="Last step, included; each job's newest by default.")] = None,
) -> Response:
    """Read several jobs' curves in one answer, each as `max_points` of `…/metrics` makes it. Jobs that are not there
    (any more) are left out."""
    names = names_of(keys)
    start = from_step or 0
    check_range(start, to_step)
    asked = list(dict.fromkeys(job))
    if len(asked) * max_points > MAX_ALL_POINTS:
        most = MAX_ALL_POINTS // len(asked)
        raise invalid("max_points", "query", f"must be at most {most} for {len(asked)} jobs", "too_many_points", most)

    def read(session: Session) -> Response:
        curves = []
        for job_id in asked:
            found = jobs.get(session, job_id)
            if found is None:
                continue
            held = [name for name in names if name in (found.metric_names or ())]
            buckets = metrics.read_buckets(session, found, held, max_points, start, to_step)
            curves.append(buckets_as_json((found.id, found.segment), names, held, buckets, start))
        return encoded({"object": "list", "data": curves, "has_more": False})

    return await in_session(request, read)
