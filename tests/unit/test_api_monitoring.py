"""The times of requests, without an application behind them."""

import asyncio
import time
from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.monitoring_requests import RequestMetrics, RequestTimes
from api.routes.monitoring import OPENMETRICS, TEXT, _accepted

SECONDS = "ganjobs_http_request_duration_seconds"
OF_A_JOB = {"method": "GET", "route": "/jobs/{job_id}"}
STREAM = [(b"Content-Type", b"text/event-stream; charset=utf-8")]


def asked(app: ASGIApp, registry: CollectorRegistry, path: str = "/jobs/7", method: str = "GET") -> None:
    """Ask ``app`` something through the middleware."""
    router = Router([Route("/jobs/{job_id}", lambda _: None)])
    timed = RequestTimes(app, RequestMetrics(registry), router)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        pass

    scope = {"type": "http", "method": method, "path": path, "headers": [], "root_path": ""}
    asyncio.run(timed(scope, receive, send))  # type: ignore[arg-type]


def answering(status: int, headers: list[tuple[bytes, bytes]], meanwhile: Callable[[], None]) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": headers})
        meanwhile()
        await send({"type": "http.response.body"})

    return app


def open_now(registry: CollectorRegistry) -> tuple[float | None, float | None]:
    names = ("ganjobs_http_requests_in_progress", "ganjobs_http_streams_open")
    requests, streams = (registry.get_sample_value(name) for name in names)
    return requests, streams


def test_a_request_is_timed_to_the_end_of_its_answer() -> None:
    registry, seen = CollectorRegistry(), list[tuple[float | None, float | None]]()

    def meanwhile() -> None:
        seen.append(open_now(registry))
        time.sleep(0.05)

    asked(answering(404, [], meanwhile), registry)
    assert seen == [(1, 0)]
    assert open_now(registry) == (0, 0)
    labels = OF_A_JOB | {"status": "4xx"}
    assert registry.get_sample_value(f"{SECONDS}_count", labels) == 1
    assert 0.05 <= (registry.get_sample_value(f"{SECONDS}_sum", labels) or 0) < 5


def test_a_stream_is_timed_to_the_beginning_of_its_answer() -> None:
    registry, seen = CollectorRegistry(), list[tuple[float | None, float | None]]()

    def meanwhile() -> None:
        seen.append(open_now(registry))
        time.sleep(0.3)

    asked(answering(200, STREAM, meanwhile), registry)
    assert seen == [(0, 1)]
    assert open_now(registry) == (0, 0)
    labels = OF_A_JOB | {"status": "2xx"}
    assert registry.get_sample_value(f"{SECONDS}_count", labels) == 1
    assert (registry.get_sample_value(f"{SECONDS}_sum", labels) or 9) < 0.3


def test_an_exception_is_an_error_of_the_server() -> None:
    async def failing(scope: Scope, receive: Receive, send: Send) -> None:
        raise ValueError("planted")

    registry = CollectorRegistry()
    with pytest.raises(ValueError, match="planted"):
        asked(failing, registry)
    assert registry.get_sample_value(f"{SECONDS}_count", OF_A_JOB | {"status": "5xx"}) == 1
    assert open_now(registry) == (0, 0)


def test_a_client_that_left_is_not_counted() -> None:
    async def cancelled(scope: Scope, receive: Receive, send: Send) -> None:
        raise asyncio.CancelledError

    registry = CollectorRegistry()
    with pytest.raises(asyncio.CancelledError):
        asked(cancelled, registry)
    assert registry.get_sample_value(f"{SECONDS}_count", OF_A_JOB | {"status": "5xx"}) is None
    assert open_now(registry) == (0, 0)


@pytest.mark.parametrize(
    ("path", "method", "labels"),
    [
        ("/jobs/8", "GET", ("GET", "/jobs/{job_id}")),
        ("/jobs/8", "HEAD", ("HEAD", "/jobs/{job_id}")),
        ("/jobs/8", "POST", ("POST", "/jobs/{job_id}")),
        ("/jobs/8", "BREW", ("other", "/jobs/{job_id}")),
        ("/jobs", "GET", ("GET", "none")),
        ("/jobs/8/9", "GET", ("GET", "none")),
    ],
)
def test_nothing_that_clients_invent_becomes_a_series(path: str, method: str, labels: tuple[str, str]) -> None:
    registry = CollectorRegistry()
    asked(answering(200, [], lambda: None), registry, path, method)
    found = {"method": labels[0], "route": labels[1], "status": "2xx"}
    assert registry.get_sample_value(f"{SECONDS}_count", found) == 1


@pytest.mark.parametrize(
    ("header", "is_open"),
    [
        ("", False),
        ("*/*", False),
        (f"{OPENMETRICS};version=1.0.0;q=0.6,{TEXT};q=0.3", True),
        (f"{OPENMETRICS};version=²", True),
        (f"application/json, {TEXT};version=1.0.0;escaping=x, {OPENMETRICS}", False),
    ],
)
def test_the_format_that_is_named_first(header: str, is_open: bool) -> None:
    assert _accepted(header).startswith(OPENMETRICS) == is_open
