"""The shape that every error of the API has."""

from typing import Any

import httpx

MEMBERS = {"type", "title", "status", "detail", "instance"}


def problem_of(response: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    """The problem that a response carries, checked to be one of this status and kind."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert set(body) - {"errors"} == MEMBERS
    assert body["type"] == f"urn:ganjobs:problem:{kind}"
    assert body["status"] == status
    assert body["instance"] == response.request.url.raw_path.decode().partition("?")[0]
    for error in body.get("errors", ()):
        assert {"field", "in", "message", "code"} <= set(error)
    return body


def only_error(response: httpx.Response) -> dict[str, Any]:
    """The single field error of a 422."""
    (error,) = problem_of(response, 422, "invalid_request")["errors"]
    assert isinstance(error, dict)
    return error
