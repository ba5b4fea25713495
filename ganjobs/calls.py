"""The requests that the REST API is asked by: where each goes, and what it carries."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ganjobs.effects import Emission, Emit, Json, Request, ask, key, part

# As many as the API gives at once.
MAX_ROWS = 10_000
MAX_ITEMS = 100


def job_path(job_id: str, *more: object) -> str:
    """Where a job, or something of it, is."""
    return "/".join(("/v1/jobs", *map(part, (job_id, *more))))


def create(spec: Mapping[str, Any], idempotency_key: str | None = None) -> Request:
    return Request("POST", "/v1/jobs", json=dict(spec), headers=key(idempotency_key))


def validate(spec: Mapping[str, Any]) -> Request:
    return Request("POST", "/v1/jobs/validate", json=dict(spec))


def get(job_id: str, etag: str | None = None) -> Request:
    """A job; with an ETag, 304 where it is still the one of it."""
    return Request("GET", job_path(job_id), headers={"If-None-Match": etag} if etag else {})


def list_jobs(
    status: Sequence[str] = (),
    limit: int = MAX_ITEMS,
    after: str | None = None,
    name: str | None = None,
    verdict: Sequence[str] = (),
    severity: Sequence[str] = (),
    metadata: Mapping[str, str] | None = None,
) -> Request:
    """One page of jobs, newest first."""
    params: Json = {"limit": limit, "status": list(status), "after": after, "name": name}
    params |= {"verdict": list(verdict), "severity": list(severity)}
    params |= {f"metadata[{label}]": value for label, value in (metadata or {}).items()}
    return Request("GET", "/v1/jobs", params)


def act(job_id: str, action: str) -> Request:
    """``cancel``, ``pause`` or ``resume``."""
    return Request("POST", job_path(job_id, action))


def retry(job_id: str, idempotency_key: str | None = None) -> Request:
    return Request("POST", job_path(job_id, "retry"), headers=key(idempotency_key))


def fork(job_id: str, changes: Mapping[str, Any] | None, step: int | None, idempotency_key: str | None) -> Request:
    body: Json = {"changes": dict(changes or {})}
    if step is not None:
        body = {"step": step, **body}
    return Request("POST", job_path(job_id, "fork"), json=body, headers=key(idempotency_key))


def delete(job_id: str) -> Request:
    return Request("DELETE", job_path(job_id))


def metrics(
    job_id: str,
    keys: Sequence[str] | None = None,
    from_step: int | None = None,
    to_step: int | None = None,
    **more: int | None,
) -> Request:
    """Rows or, with ``max_points``, buckets of metrics."""
    params = {"keys": ",".join(keys or ()) or None, "from_step": from_step, "to_step": to_step}
    return Request("GET", job_path(job_id, "metrics"), params | more)


def export(
    job_id: str,
    form: str,
    keys: Sequence[str] | None = None,
    from_step: int | None = None,
    to_step: int | None = None,
) -> Request:
    """A job's history as a file."""
    params = {"format": form, "keys": ",".join(keys or ()) or None, "from_step": from_step, "to_step": to_step}
    return Request("GET", job_path(job_id, "metrics", "export"), params)


def health(job_id: str, at_step: int | None = None, segment: int | None = None) -> Request:
    return Request("GET", job_path(job_id, "health"), {"at_step": at_step, "segment": segment})


def sample(job_id: str, step: int | None = None) -> Request:
    """The PNG of a step, or the newest."""
    return Request("GET", job_path(job_id, "samples", "latest" if step is None else step))


def checkpoints(job_id: str) -> Request:
    return Request("GET", job_path(job_id, "checkpoints"))


WORKERS = Request("GET", "/v1/workers")
CATALOGUE = Request("GET", "/v1/catalogue")
READY = Request("GET", "/readyz", patient=False)
# The lists that come in pages, by what each is called under its job, and by what the next page begins behind.
CURSORS = {
    "samples": "step",
    "evaluations": "step",
    "events": "id",
    "logs": "id",
    "health/history": "from_step",
    "health/readings": "step",
    "segments": "number",
}


def listed(job_id: str, what: str, after: int | None = None, segment: int | None = None) -> Emission[Json]:
    """All that one of a job's lists (of ``CURSORS``) holds, from behind ``after``."""
    return pages(Request("GET", job_path(job_id, *what.split("/")), {"segment": segment}), CURSORS[what], after)


def pages(request: Request, cursor: str, after: Any = None, most: int | None = None) -> Emission[Json]:
    """The items of a list, page by page, so many at ``most``; ``cursor`` is the field of an item that the next page
    begins behind."""
    left = sys.maxsize if most is None else most
    while left > 0:
        params = {"limit": MAX_ITEMS, **request.params, "after": after}
        page = yield from ask(Request(request.method, request.path, params))
        for item in page["data"][:left]:
            yield Emit(item)
        left -= len(page["data"])
        if not page["has_more"]:
            return
        after = page["data"][-1][cursor]
