"""The API's log: one line per event, and one per request."""

import logging
import re
import sys
import time
from typing import Literal

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PROBES = ("/livez", "/readyz")
JOB_ID = re.compile(r"/(job_[0-9a-f]{24})(?:/|$)")

log = structlog.get_logger("api.access")


def configure(log_format: Literal["console", "json"]) -> None:
    """Write log lines to standard error, as JSON or for people."""
    as_json = log_format == "json"
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([structlog.processors.format_exc_info] if as_json else []),
            structlog.processors.JSONRenderer()
            if as_json
            else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        # Looked up at each line: standard error may have been replaced since.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )


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
