"""How long requests take, by the template of their route: a path itself, with a job's id, would be a series of its own
for each job."""

import time
from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Gauge, Histogram
from starlette.routing import BaseRoute, Match, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BUCKETS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# Whatever else is asked for, of a client's invention, is one series.
UNKNOWN_METHOD = "other"
UNKNOWN_ROUTE = "none"
STREAM = b"text/event-stream"


class RequestMetrics:
    """The series of requests and streams in a registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.seconds = Histogram(
            "ganjobs_http_request_duration_seconds",
            "From a request's arrival to the end of its answer; to the beginning of it for streams of events.",
            ("method", "route", "status"),
            buckets=BUCKETS,
            registry=registry,
        )
        self.in_progress = Gauge(
            "ganjobs_http_requests_in_progress",
            "Requests that are being answered now, open streams of events apart.",
            registry=registry,
        )
        self.streams = Gauge("ganjobs_http_streams_open", "Streams of events that are open now.", registry=registry)


class RequestTimes:
    """Notes of each request how long it took, with its method, the template of its route and the class of its status
    (``2xx``). One whose client left before there was an answer is not counted."""

    def __init__(self, app: ASGIApp, metrics: RequestMetrics, router: Router) -> None:
        self._app = app
        self._metrics = metrics
        self._router = router

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        timed = _Timed(self._metrics)

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                timed.answered(message)
                if timed.is_stream:
                    self._note(scope, timed)
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            timed.failed()
            raise
        finally:
            timed.ended()
            if timed.status is not None and not timed.is_stream:
                self._note(scope, timed)

    def _note(self, scope: Scope, timed: "_Timed") -> None:
        method = scope["method"] if scope["method"] in METHODS else UNKNOWN_METHOD
        labels = (method, route_of(scope, self._router.routes), f"{timed.status}"[0] + "xx")
        self._metrics.seconds.labels(*labels).observe(time.perf_counter() - timed.begun)


class _Timed:
    """One request on its way: among those in progress, or among the streams once it is known to be one."""

    def __init__(self, metrics: RequestMetrics) -> None:
        self.begun = time.perf_counter()
        self.status: int | None = None
        self.is_stream = False
        self._metrics = metrics
        metrics.in_progress.inc()

    def answered(self, start: Message) -> None:
        self.status = start["status"]
        content_types = (value for name, value in start.get("headers", ()) if name.lower() == b"content-type")
        if next(content_types, b"").startswith(STREAM):
            self.is_stream = True
            self._metrics.in_progress.dec()
            self._metrics.streams.inc()

    def failed(self) -> None:
        """What the client gets where nothing was sent before an exception."""
        self.status = self.status or 500

    def ended(self) -> None:
        (self._metrics.streams if self.is_stream else self._metrics.in_progress).dec()


def route_of(scope: Scope, routes: Sequence[BaseRoute]) -> str:
    """The template of the route that ``scope`` leads to, such as ``/v1/jobs/{job_id}``; ``none`` where it leads to
    none. The router has noted it, unless the request did not come so far, or came there as another (HEAD)."""
    route = scope.get("route") or next((each for each in routes if each.matches(scope)[0] is not Match.NONE), None)
    return getattr(route, "path", UNKNOWN_ROUTE)
