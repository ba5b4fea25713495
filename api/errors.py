"""Every error leaves as an RFC 9457 problem (application/problem+json), whatever raised it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import structlog
from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Scope

from api.validation import FieldError, describe, described
from models.validation import true_errors

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5
# Nobody reads more; a body of a megabyte can hold a hundred thousand unknown fields.
MAX_ERRORS = 50

TITLES: dict[str, tuple[int, str]] = {
    "malformed_body": (400, "The body is not valid JSON"),
    "ambiguous_header": (400, "A header was sent more than once"),
    "not_found": (404, "There is nothing at this address"),
    "job_not_found": (404, "No such job"),
    "sample_not_found": (404, "No such sample"),
    "checkpoint_not_found": (404, "No such checkpoint, or no such file in it"),
    "segment_not_found": (404, "No such segment"),
    "webhook_not_found": (404, "No such webhook"),
    "delivery_not_found": (404, "No such delivery of the webhook"),
    "method_not_allowed": (405, "This address does not take this method"),
    "malformed_range": (400, "The Range header is not valid"),
    "job_finished": (409, "The job has already finished"),
    "wrong_state": (409, "The job's state does not allow this"),
    "job_not_finished": (409, "The job has not finished"),
    "webhook_disabled": (409, "The webhook is not enabled"),
    "too_many_webhooks": (409, "There are too many webhooks"),
    "file_gone": (410, "The file is no longer stored"),
    "body_too_large": (413, "The body is too large"),
    "unsupported_media_type": (415, "The body must be application/json"),
    "range_not_satisfiable": (416, "The file has no such part"),
    "invalid_request": (422, "The request is not valid"),
    "idempotency_conflict": (422, "The idempotency key belongs to another request"),
    "internal_error": (500, "Something went wrong on our side"),
    "unavailable": (503, "The service is not available right now"),
}
"""What can go wrong: the end of the problem's type, its status and its title. Types are stable; texts are not."""

log = structlog.get_logger(__name__)


class Problem(HTTPException):
    """An error a route answers with. ``kind`` is a key of ``TITLES``, ``detail`` says what happened this time."""

    def __init__(
        self, kind: str, detail: str, errors: Sequence[FieldError] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(TITLES[kind][0], detail, headers)
        self.kind = kind
        self.errors = errors


def invalid(field: str, where: str, message: str, code: str, limit: Any = None) -> Problem:
    """A 422 for one parameter that no type could refuse."""
    errors = _single(field, where, message, code, limit)
    return Problem("invalid_request", describe(errors), errors)


def refused(errors: Sequence[Mapping[str, Any]], body: Any = None) -> Problem:
    """A 422 for pydantic's errors; those that lie in the body lie in something of the type ``body``."""
    found = true_errors(errors)
    told = described(found[:MAX_ERRORS], body)
    return Problem("invalid_request", describe(told, len(found)), told)


def unavailable(detail: str) -> Problem:
    """A 503 for what may work later."""
    return Problem("unavailable", detail, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})


def about(
    field: str, where: str, kind: str, message: str, limit: Any = None, headers: Mapping[str, str] | None = None
) -> Problem:
    """A problem of any kind with one part of a request."""
    errors = _single(field, where, message, kind, limit)
    return Problem(kind, f"{message[:1].upper()}{message[1:]}.", errors, headers)


def _single(field: str, where: str, message: str, code: str, limit: Any) -> list[FieldError]:
    error: FieldError = {"field": field, "in": where, "message": message, "code": code}
    if limit is not None:
        error["limit"] = limit
    return [error]


def problem_type(kind: str) -> str:
    return f"urn:ganjobs:problem:{kind}"


def problem_response(scope: Scope, problem: HTTPException) -> Response:
    """The response of a problem met with the request of ``scope``."""
    # ASCII only: what is quoted from a request may hold what UTF-8 cannot.
    content = json.dumps(problem_body(problem, _path_of(scope)), ensure_ascii=True, allow_nan=False)
    return Response(content, problem.status_code, problem.headers, MEDIA_TYPE)


def problem_body(problem: HTTPException, instance: str) -> dict[str, Any]:
    """What is told of a problem met at the path ``instance``."""
    kind = problem.kind if isinstance(problem, Problem) else _kind_of(problem.status_code)
    body: dict[str, Any] = {
        "type": problem_type(kind) if kind in TITLES else "about:blank",
        "title": TITLES[kind][1] if kind in TITLES else HTTPStatus(problem.status_code).phrase,
        "status": problem.status_code,
        "detail": problem.detail,
        "instance": instance,
    }
    errors = problem.errors if isinstance(problem, Problem) else ()
    if errors:
        body["errors"] = list(errors[:MAX_ERRORS])
    return body


def _path_of(scope: Scope) -> str:
    """The path as it was sent; servers need not hand it on, but ours do."""
    raw: bytes | None = scope.get("raw_path")
    return quote(scope["path"], errors="replace") if raw is None else quote(raw, safe="/%:@!$&'()*+,;=~")


def _kind_of(status: int) -> str:
    """The general kind of a status that a library answers with; empty where there is none."""
    return {404: "not_found", 405: "method_not_allowed", 400: "malformed_body"}.get(status, "")


async def on_http(request: Request, error: Exception) -> Response:
    """Answer an HTTP error, a ``Problem`` or the framework's own."""
    assert isinstance(error, HTTPException)
    if not isinstance(error, Problem) and error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        # The router has named the methods of the first route that has this path, and there may be more.
        allowed = _methods(request)
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"Allow": allowed})
        error = Problem("method_not_allowed", f"Here one can {allowed}.", headers={"Allow": allowed})
    elif not isinstance(error, Problem) and error.status_code == HTTPStatus.NOT_FOUND:
        error = Problem("not_found", "No operation has this path; see /docs for those there are.")
    return problem_response(request.scope, error)


def _methods(request: Request) -> str:
    """The methods that the path of a request takes, as the Allow header names them."""
    routes = [*request.app.state.api_routes, *(route for route in request.app.routes if isinstance(route, Route))]
    found = [route.methods or set() for route in routes if route.path_regex.match(request.scope["path"])]
    methods = set().union(*found) or {"GET"}  # files belong to no route, and one can get them
    return ", ".join(sorted(methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())))


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    route = request.scope.get("route")
    body = route.body_field if isinstance(route, APIRoute) else None
    return problem_response(request.scope, refused(error.errors(), body.field_info.annotation if body else None))


async def _on_database(request: Request, error: Exception) -> Response:
    """A database that is away, full, locked or not migrated is no fault of the request: try again later."""
    wrong_data = isinstance(error, IntegrityError | DataError)
    if not isinstance(error, DBAPIError | PoolTimeout) or wrong_data:
        return await _on_unexpected(request, error)
    log.error("database unavailable", path=request.scope["path"], error=str(error).splitlines()[0])
    detail = "The database does not answer. Nothing was changed unless you see it later; try again."
    return problem_response(request.scope, unavailable(detail))


async def _on_unexpected(request: Request, error: Exception) -> Response:
    log.error("unexpected error", path=request.scope["path"], exc_info=error)
    detail = "The error has been logged; nothing of it is told here."
    return problem_response(request.scope, Problem("internal_error", detail))


def install(app: FastAPI, routers: Iterable[APIRouter]) -> None:
    """Make every exception of ``app``, made of ``routers``, a problem."""
    app.state.api_routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(SQLAlchemyError, _on_database)
    app.add_exception_handler(Exception, _on_unexpected)
