"""What Prometheus reads of the service (docs/monitoring.md): the database as it stands, and the times of requests.

What the database says is the same whichever process of the API is asked; requests, and the waits of jobs that were
claimed, are counted by each process from its start on, as Prometheus expects of counters.
"""

import time
from collections.abc import Iterator
from importlib.metadata import version
from platform import python_version

import structlog
from anyio import Lock
from fastapi import FastAPI, Request
from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.core import Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from api.dependencies import in_session
from api.monitoring_families import build, database_up, families
from api.monitoring_requests import RequestMetrics, RequestTimes
from models import monitoring
from models.monitoring import Reading

# However many systems scrape, the database is read no more often than this.
KEPT_SECONDS = 2.0
WAIT_BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14_400, 86_400)

log = structlog.get_logger(__name__)
# A series more for each histogram, of the time it was made: Prometheus sees a restart without.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Monitoring(Collector):
    """All that one process of the API has to tell; made once for each application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = RequestMetrics(self.registry)
        ProcessCollector(registry=self.registry)
        self._waits = Histogram(
            "ganjobs_queue_wait_seconds",
            "How long jobs waited in the queue until a worker claimed them, each time they were queued.",
            buckets=WAIT_BUCKETS,
            registry=self.registry,
        )
        self._build = build(version("ganjobs"), python_version())
        self._reading: Reading | None = None
        self._read_at = float("-inf")
        # The newest event that was looked at for claims; what happened before the first scrape is not counted.
        self._event: int | None = None
        self._lock = Lock()
        self.registry.register(self)

    def install(self, app: FastAPI) -> None:
        """Be what ``app`` answers from at ``/metrics``, and have the requests timed that come through the middleware
        added after this."""
        app.state.monitoring = self
        app.add_middleware(RequestTimes, metrics=self.requests, router=app.router)

    def describe(self) -> Iterator[Metric]:
        """Nothing: what is collected depends on the database."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """What the database said when it was last read."""
        yield self._build
        yield database_up(self._reading is not None)
        if self._reading is not None:
            yield from families(self._reading)

    async def refresh(self, request: Request) -> None:
        """Read the database, unless that has just been done. One that is away is what is told then."""
        async with self._lock:
            if time.monotonic() - self._read_at < KEPT_SECONDS:
                return
            heartbeat_seconds = request.app.state.services.settings.heartbeat_seconds
            try:
                self._reading = await in_session(request, lambda session: self._read(session, heartbeat_seconds))
            except SQLAlchemyError as error:
                log.warning("the database cannot be monitored", error=str(error).splitlines()[0])
                self._reading = None
            self._read_at = time.monotonic()

    def _read(self, session: Session, heartbeat_seconds: float) -> Reading:
        if self._event is None:
            self._event = monitoring.newest_event(session)
        reading = monitoring.read(session, heartbeat_seconds)
        self._event, waits = monitoring.claims_after(session, self._event)
        for seconds in waits:
            self._waits.observe(seconds)
        return reading
