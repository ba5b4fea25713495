"""The OpenAPI document: examples, and the problems of each operation."""

from collections.abc import Iterable
from typing import Any, cast

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic.json_schema import models_json_schema

from api import problem_examples
from api.errors import MEDIA_TYPE, TITLES
from api.schemas import Problem
from models.spec import JobSpec

Responses = dict[int | str, dict[str, Any]]
REFERENCE = "#/components/schemas/{model}"
DESCRIPTION = """Trains generative adversarial networks as jobs.

Times are RFC 3339 in UTC, durations are seconds, sizes are bytes. Errors are RFC 9457 problems whose `errors` name
each field at fault. JSON has no NaN and no infinity: metrics and evaluations carry them as `"NaN"`, `"Infinity"` and
`"-Infinity"`."""

# What any operation that reads a request and asks the database may answer.
COMMON = ("invalid_request", "internal_error", "unavailable")
BODY = ("malformed_body", "body_too_large", "unsupported_media_type")
ETAG = {"ETag": {"description": "Send it back in If-None-Match.", "schema": {"type": "string"}}}


def answers(example: Any, *kinds: str, status: int = 200, headers: dict[str, Any] | None = None) -> Responses:
    """The documentation of a JSON answer like ``example``, and of problems of these ``kinds``."""
    success: dict[str, Any] = {"content": {"application/json": {"example": example}}}
    return {status: success | ({"headers": headers} if headers else {})} | problems(*kinds)


def problems(*kinds: str) -> Responses:
    """The documentation of problems, those that share a status under one response."""
    by_status: dict[int, list[str]] = {}
    for kind in dict.fromkeys((*kinds, *COMMON)):
        by_status.setdefault(TITLES[kind][0], []).append(kind)
    return {status: _problem_response(same) for status, same in sorted(by_status.items())}


def not_modified() -> Responses:
    return {304: {"description": "What If-None-Match names is still current.", "headers": ETAG}}


def file_of(media_type: str, description: str, headers: dict[str, Any]) -> dict[str, Any]:
    """The documentation of an answer in bytes."""
    content = {media_type: {"schema": {"type": "string", "format": "binary"}}}
    return {"description": description, "content": content, "headers": ETAG | headers}


def _problem_response(kinds: list[str]) -> dict[str, Any]:
    shown = {kind: {"value": problem_examples.problem(kind)} for kind in kinds}
    schema = {"$ref": REFERENCE.format(model="Problem")}
    response: dict[str, Any] = {
        "description": "; ".join(TITLES[kind][1] for kind in kinds),
        "content": {MEDIA_TYPE: {"schema": schema, "examples": shown}},
    }
    if "unavailable" in kinds:
        response["headers"] = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
    return response


def document(app: FastAPI, routers: Iterable[APIRouter]) -> dict[str, Any]:
    """The OpenAPI document of ``app``, made of ``routers``, with the schemas that no route names by itself."""
    if app.openapi_schema is None:
        made = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        _, own = models_json_schema([(Problem, "serialization"), (JobSpec, "validation")], ref_template=REFERENCE)
        made["components"]["schemas"] |= own["$defs"]
        for view in ("JobView", "Validation"):  # serve it as it was stored, so their own schema is any object
            made["components"]["schemas"][view]["properties"]["spec"] = {"$ref": REFERENCE.format(model="JobSpec")}
        for router in routers:
            for route in router.routes:
                _restore_examples(made, cast(APIRoute, route))
        app.openapi_schema = made
    return app.openapi_schema


def _restore_examples(made: dict[str, Any], route: APIRoute) -> None:
    """FastAPI drops every null from the document, those in examples too: put these in as they were written."""
    for method in route.methods or ():
        documented = made["paths"][route.path][method.lower()]["responses"]
        for status, response in route.responses.items():
            for media_type, content in response.get("content", {}).items():
                shown = {name: content[name] for name in ("example", "examples") if name in content}
                documented[str(status)]["content"][media_type].update(shown)
