"""The access log: one line per request, with the id of the job it is about."""

import re
import time

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PROBES = ("/livez", "/readyz", "/metrics")
JOB_ID = re.compile(r"/(job_[0-9a-f]{24})(?:/|$)")

log = structlog.get_logger("api.access")


class AccessLog:
    """Logs each request when it is answered: method, path, status, duration and the job it is about."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500  # what the client gets where nothing was sent before an exception

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            _write_line(scope, status, time.perf_counter() - started)


def _write_line(scope: Scope, status: int, seconds: float) -> None:
    path = scope["path"]
    if path in PROBES and status < 500:
        return
    job = JOB_ID.search(path)
    about = {"job_id": job.group(1)} if job else {}
    log.info("request", method=scope["method"], path=path[:200], status=status, ms=round(seconds * 1000, 1), **about)
