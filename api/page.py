"""The page at `/`: what `api/dashboard` was built to, served as files."""

from pathlib import Path

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, RedirectResponse
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import Problem, on_http

# Addresses of the page's own views.
VIEWS = ("/jobs/{job_id}", "/jobs/{job_id}/fork", "/compare", "/new", "/workers")
BUILT = Path(__file__).parent / "dashboard" / "dist"
# The browser itself sees to it that nothing the page shows or runs comes from another host.
POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data: blob:",
        "style-src 'self' 'unsafe-inline'",  # the charts place their tooltips by style attributes
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
)
# Pages of the documentation bring scripts of their own.
DOCUMENTATION = ("/docs", "/redoc", "/openapi.json")
FOR_EVER = "public, max-age=31536000, immutable"

log = structlog.get_logger(__name__)


def install(app: FastAPI, built: Path = BUILT) -> None:
    """Serve the page below every operation of ``app``; where it has not been built, `/` leads to the documentation."""
    if not (built / "index.html").is_file():
        log.warning("the page has not been built; `make setup` builds it", folder=str(built))
        app.get("/", include_in_schema=False)(_to_documentation)
        return

    async def view() -> FileResponse:
        return FileResponse(built / "index.html")

    async def nothing_there(request: Request, error: Exception) -> Response:
        """A person who asks for what is not there gets the page, which says so; a program gets the problem."""
        is_ours = request.url.path.startswith(("/v1/", "/assets/", *DOCUMENTATION))
        if is_ours or isinstance(error, Problem) or "text/html" not in request.headers.get("accept", ""):
            return await on_http(request, error)
        return FileResponse(built / "index.html", status_code=404)

    for path in VIEWS:
        app.get(path, include_in_schema=False)(view)
    app.frontend("/", directory=built, fallback=None)
    app.add_exception_handler(404, nothing_there)
    app.add_middleware(PageHeaders)


async def _to_documentation() -> RedirectResponse:
    return RedirectResponse("/docs")


class PageHeaders:
    """Says of the page what it may load, and of its parts, whose names change with their content, that they last."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or path.startswith(("/v1/", *DOCUMENTATION)):
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):
                    headers["Content-Security-Policy"] = POLICY
                    headers["Cache-Control"] = "no-cache"
                    headers["Referrer-Policy"] = "same-origin"
                elif path.startswith("/assets/") and message["status"] == 200:
                    headers["Cache-Control"] = FOR_EVER
                headers["X-Content-Type-Options"] = "nosniff"
            await send(message)

        await self._app(scope, receive, with_headers)
