"""What Prometheus scrapes."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from prometheus_client.exposition import choose_encoder

from api.documentation import problems
from api.monitoring import Monitoring
from api.strict import StrictRoute

router = APIRouter(tags=["health"], route_class=StrictRoute)

OPENMETRICS = "application/openmetrics-text"
TEXT = "text/plain"
EXAMPLE = """# HELP ganjobs_queue_length Jobs that wait for a worker.
# TYPE ganjobs_queue_length gauge
ganjobs_queue_length 3.0
"""
SCRAPE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Families of metrics, in the format that Accept names first; as text where it names none",
        "content": {
            TEXT: {"schema": {"type": "string"}, "example": EXAMPLE},
            OPENMETRICS: {"schema": {"type": "string"}, "example": f"{EXAMPLE}# EOF\n"},
        },
    }
}


@router.get(
    "/metrics",
    operation_id="scrape_metrics",
    summary="Read the service's own metrics",
    response_class=Response,
    responses=SCRAPE | problems(),
)
async def scrape_metrics(request: Request) -> Response:
    """Read jobs by state and verdict, the queue, workers and their devices, and the times of requests, for Prometheus.
    With the database away what it would say is left out, and `ganjobs_database_up` is 0."""
    monitoring: Monitoring = request.app.state.monitoring
    await monitoring.refresh(request)
    encode, media_type = choose_encoder(_accepted(",".join(request.headers.getlist("accept"))))
    content = await run_in_threadpool(encode, monitoring.registry)
    # Given as a header: Response would add the charset once more.
    return Response(content, headers={"Content-Type": media_type, "Cache-Control": "no-store"})


def _accepted(header: str) -> str:
    """Which of the two formats an Accept header names first. The library is not shown the header itself, of which it
    would repeat parts in its answer, and fail on others."""
    named = (each.partition(";")[0].strip() for each in header.split(","))
    first = next((each for each in named if each in (OPENMETRICS, TEXT)), TEXT)
    return f"{OPENMETRICS}; version=1.0.0" if first == OPENMETRICS else ""
