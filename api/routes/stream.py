"""The live stream of a job: server-sent events."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from api.dependencies import MAX_INTEGER, ReadSession, ServicesHeld, TheJob
from api.documentation import problems
from api.errors import Problem, invalid
from api.routes.metrics import Keys, names_for
from api.stream import ids
from api.stream.documentation import STREAM
from api.stream.ids import MalformedIdError, Place
from api.stream.response import HEADERS, JobStream
from api.strict import StrictRoute
from models import news
from models.status import JobStatus

router = APIRouter(prefix="/v1/jobs/{job_id}", tags=["metrics"], route_class=StrictRoute)


def _place(
    request: Request,
    job: TheJob,
    header: Annotated[
        str | None,
        Header(
            alias="Last-Event-ID",
            description="The id of the last message you have; the stream goes on behind it. Browsers send it when they "
            "come back. Wins over everything else that says where to begin.",
            examples=[ids.EXAMPLE],
        ),
    ] = None,
    query: Annotated[
        str | None,
        Query(
            alias="last_event_id",
            description="The same, for who cannot set headers. What a browser then sends by itself is newer, and wins.",
            examples=[ids.EXAMPLE],
        ),
    ] = None,
) -> Place | None:
    """The place that a client wants to go on from. Raises ``Problem`` (400, 422) where it does not say which, or names
    one of another job's stream."""
    if len(request.headers.getlist("last-event-id")) > 1:
        raise Problem("ambiguous_header", "Last-Event-ID was sent more than once: which one holds?")
    given, name, where = (header, "Last-Event-ID", "header") if header else (query, "last_event_id", "query")
    if not given:  # an empty id is none: so has the standard of server-sent events
        return None
    try:
        place = ids.parsed(given)
    except MalformedIdError as error:
        raise invalid(name, where, str(error), "malformed_id") from error
    if place.job_number != job.number:
        raise invalid(name, where, "is the id of a message of another job's stream", "id_of_another_job")
    return place


@router.get(
    "/stream",
    operation_id="stream_job",
    summary="Follow a job live",
    response_class=Response,
    responses=STREAM | problems("job_not_found", "ambiguous_header"),
)
def stream_job(
    held: ServicesHeld,
    session: ReadSession,
    job: TheJob,
    place: Annotated[Place | None, Depends(_place)],
    keys: Keys = None,
    from_step: Annotated[
        int | None,
        Query(
            ge=0,
            le=MAX_INTEGER,
            description="Begin with what was recorded of this step, or with those that come next if it has not been "
            "reached; 0 sends all that was ever recorded, events included. By default only what comes from now on.",
        ),
    ] = None,
) -> Response:
    """Follow a job as server-sent events: rows of metrics, sample images, evaluations, events and changes of its state,
    each sent once, until it has ended. A client that was cut off goes on where it was by sending the last id it has
    seen."""
    names = tuple(names_for(job, keys))
    # An end that was taken back (a database restored from a copy) is none: the stream goes on behind it.
    if place is not None and place.ended and JobStatus(job.status).is_final:
        return Response(status_code=204, headers=HEADERS)
    cursor = news.resume(session, job, place.cursor) if place else news.begin(session, job, from_step)
    return JobStream(held.streams, job.number, cursor, names)
