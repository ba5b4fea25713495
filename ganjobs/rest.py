"""The REST API as it is: a call per operation, answers in the JSON they come in."""

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from types import TracebackType
from typing import Any, Self

import httpx
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from ganjobs.errors import ApiError, ApiUnreachable, ClientError, TransferBroken
from ganjobs.rows import MetricRows

__all__ = ["ApiError", "ApiUnreachable", "ClientError", "MetricRows", "Rest"]

Json = dict[str, Any]
# Tries of a request that may be repeated, and the wait before the second; it doubles.
TRIES = 4
FIRST_WAIT_SECONDS = 0.1
# As many as the API gives at once.
MAX_ROWS = 10_000
TIMEOUT = httpx.Timeout(30, connect=5)
# Addresses that a request must reach once only, by their ends.
ONCE = ("/resume", "/webhooks", "/test")


class Rest:
    """Talks to the API at ``url``. Close it, or use it as a context manager.

    Every method raises ``ApiUnreachable`` when nobody answers and ``ApiError`` when the API refuses.
    """

    def __init__(self, url: str, transport: httpx.BaseTransport | None = None) -> None:
        self.url = url.rstrip("/")
        self._http = httpx.Client(base_url=self.url, timeout=TIMEOUT, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    # --- jobs --------------------------------------------------------------------------------------------------------

    def create(self, spec: Mapping[str, Any], idempotency_key: str | None = None) -> Json:
        """Submit a job. However often the connection fails on the way, the spec becomes one job."""
        return self._json("POST", "/v1/jobs", json=spec, headers=_key(idempotency_key))

    def get(self, job_id: str) -> Json:
        return self._json("GET", f"/v1/jobs/{job_id}")

    def get_if_changed(self, job_id: str, etag: str | None) -> tuple[Json, str | None] | None:
        """The job with its ETag; ``None`` where it is still the one of ``etag``."""
        headers = {"If-None-Match": etag} if etag else {}
        response = self._send("GET", f"/v1/jobs/{job_id}", headers=headers)
        if response.status_code == httpx.codes.NOT_MODIFIED:
            return None
        return response.json(), response.headers.get("ETag")

    def list_jobs(
        self,
        status: Sequence[str] = (),
        limit: int = 20,
        after: str | None = None,
        name: str | None = None,
        verdict: Sequence[str] = (),
        severity: Sequence[str] = (),
    ) -> Json:
        """One page of jobs, newest first: ``data`` and ``has_more``."""
        params = {"limit": limit, "status": list(status), "after": after, "name": name}
        params |= {"verdict": list(verdict), "severity": list(severity)}
        return self._json("GET", "/v1/jobs", params=_given(params))

    def jobs(self, status: Sequence[str] = ()) -> Iterator[Json]:
        """All jobs, newest first, page by page."""
        after: str | None = None
        while True:
            page = self.list_jobs(status, limit=100, after=after)
            yield from page["data"]
            if not page["has_more"]:
                return
            after = page["data"][-1]["id"]

    def cancel(self, job_id: str) -> Json:
        """Ask a job to stop; asking again changes nothing."""
        return self._json("POST", f"/v1/jobs/{job_id}/cancel")

    def pause(self, job_id: str) -> Json:
        """Ask a job to stop at a checkpoint for now; asking again changes nothing."""
        return self._json("POST", f"/v1/jobs/{job_id}/pause")

    def resume(self, job_id: str) -> Json:
        """Put a paused job back into the queue."""
        return self._json("POST", f"/v1/jobs/{job_id}/resume")

    def retry(self, job_id: str, idempotency_key: str | None = None) -> Json:
        """A new job with the spec of one that failed or was cancelled."""
        return self._json("POST", f"/v1/jobs/{job_id}/retry", headers=_key(idempotency_key))

    def fork(
        self,
        job_id: str,
        changes: Mapping[str, Any] | None = None,
        step: int | None = None,
        idempotency_key: str | None = None,
    ) -> Json:
        """A new job that goes on from a checkpoint (the newest unless ``step`` names one), its spec changed by
        ``changes``, a JSON merge patch."""
        body = _given({"step": step, "changes": dict(changes or {})})
        return self._json("POST", f"/v1/jobs/{job_id}/fork", json=body, headers=_key(idempotency_key))

    def delete(self, job_id: str) -> None:
        """Delete a finished job with all it recorded."""
        self._send("DELETE", f"/v1/jobs/{job_id}")

    # --- what a job recorded -----------------------------------------------------------------------------------------

    def metrics(
        self, job_id: str, keys: Sequence[str] = (), from_step: int | None = None, last: int | None = None
    ) -> MetricRows:
        """All rows from ``from_step`` on, or the ``last`` so many; all metrics unless ``keys`` names some."""
        params = _given({"keys": ",".join(keys) or None, "from_step": from_step, "last": last})
        if last is None:
            params["limit"] = MAX_ROWS
        rows = MetricRows([], {}, from_step or 0)
        more = True
        while more:
            body = self._json("GET", f"/v1/jobs/{job_id}/metrics", params=params)
            rows.extend(body["columns"], body["next_step"])
            params["from_step"], more = body["next_step"], body["has_more"]
        return rows

    @contextmanager
    def export(self, job_id: str, form: str) -> Iterator[httpx.Response]:
        """A job's whole history as `ndjson`, `csv` or `parquet`, to be read from the response as it comes in. Its
        headers First-Step and Last-Step say what is in it; they are absent where that is nothing.

        Raises:
            TransferBroken: it ended before its end.
        """
        request = self._http.build_request("GET", f"/v1/jobs/{job_id}/metrics/export", params={"format": form})
        try:
            response = self._http.send(request, stream=True)
        except httpx.TransportError as error:
            raise ApiUnreachable(self.url, str(error) or type(error).__name__) from error
        try:
            if not response.is_success:
                response.read()
                raise ApiError(response.status_code, _problem(response))
            yield response
        except httpx.TransportError as error:
            raise TransferBroken(str(error) or type(error).__name__) from error
        finally:
            response.close()

    def samples(self, job_id: str) -> list[Json]:
        """All sample images of a job, by step, without their bytes."""
        return list(self._pages(f"/v1/jobs/{job_id}/samples", "step"))

    def evaluations(self, job_id: str, after: int | None = None) -> Iterator[Json]:
        """What a job's generator was worth, by step, from behind the evaluation of step ``after``."""
        return self._pages(f"/v1/jobs/{job_id}/evaluations", "step", after)

    def health(self, job_id: str, at_step: int | None = None, segment: int | None = None) -> Json:
        """How the game between a job's networks stands, or stood at a step: verdict, evidence and advice."""
        params = _given({"at_step": at_step, "segment": segment})
        return self._json("GET", f"/v1/jobs/{job_id}/health", params=params)

    def health_history(self, job_id: str, segment: int | None = None) -> Iterator[Json]:
        """The verdicts on a job's health, each with the steps it lasted, in order."""
        return self._pages(f"/v1/jobs/{job_id}/health/history", "from_step", segment=segment)

    def health_readings(self, job_id: str, after: int | None = None, segment: int | None = None) -> Iterator[Json]:
        """What a job's health was read from, by step, from behind the reading of step ``after``."""
        return self._pages(f"/v1/jobs/{job_id}/health/readings", "step", after, segment=segment)

    def segments(self, job_id: str) -> list[Json]:
        """The stretches that a job has gone back from, each with the reason and the remedy."""
        return list(self._pages(f"/v1/jobs/{job_id}/segments", "number"))

    def sample(self, job_id: str, step: int | None = None) -> bytes:
        """The PNG of a step, or the newest."""
        return self._send("GET", f"/v1/jobs/{job_id}/samples/{'latest' if step is None else step}").content

    def download(self, url: str) -> bytes:
        """A file that the API named by ``url``, such as one of a checkpoint's."""
        return self._send("GET", url).content

    def events(self, job_id: str, after: int | None = None) -> Iterator[Json]:
        """What happened to a job, in order, from behind the event ``after``."""
        return self._pages(f"/v1/jobs/{job_id}/events", "id", after)

    def logs(self, job_id: str, after: int | None = None) -> Iterator[Json]:
        """What the worker logged while it trained a job, in order, from behind the line ``after``."""
        return self._pages(f"/v1/jobs/{job_id}/logs", "id", after)

    def checkpoints(self, job_id: str) -> list[Json]:
        """A job's checkpoints with their files, newest first; ``best`` says which is the best so far, and by what."""
        return list(self._json("GET", f"/v1/jobs/{job_id}/checkpoints")["data"])

    # --- the service -------------------------------------------------------------------------------------------------

    def workers(self) -> list[Json]:
        """The workers that are alive."""
        return list(self._json("GET", "/v1/workers")["data"])

    def ready(self) -> bool:
        """Whether the service can take jobs."""
        try:
            self._send("GET", "/readyz")
        except ApiError:
            return False
        return True

    # --- requests ----------------------------------------------------------------------------------------------------

    def _pages(self, path: str, cursor: str, after: int | None = None, **narrowed: int | None) -> Iterator[Json]:
        while True:
            page = self._json("GET", path, params=_given({"after": after, "limit": 100, **narrowed}))
            yield from page["data"]
            if not page["has_more"]:
                return
            after = page["data"][-1][cursor]

    def _json(self, method: str, path: str, **request: Any) -> Json:
        body: Json = self._send(method, path, **request).json()
        return body

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Send a request; again if the connection is lost, where repetition changes nothing (creation by its key)."""
        # A second one of these would call the first one's success an error.
        once = method == "DELETE" or path.endswith(ONCE)
        retry = Retrying(
            retry=retry_if_exception(partial(_may_repeat, once)),
            wait=wait_exponential(FIRST_WAIT_SECONDS),
            stop=stop_after_attempt(TRIES),
            reraise=True,
        )
        try:
            response = retry(self._http.request, method, path, **request)
        except httpx.TransportError as error:
            raise ApiUnreachable(self.url, str(error) or type(error).__name__) from error
        if response.is_success or response.status_code == httpx.codes.NOT_MODIFIED:
            return response
        raise ApiError(response.status_code, _problem(response))


def _may_repeat(once: bool, error: BaseException) -> bool:
    """Whether a request may be sent again; one that may be done only ``once``, only where it cannot have arrived."""
    if not isinstance(error, httpx.TransportError) or isinstance(error, httpx.UnsupportedProtocol):
        return False
    return not once or isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)


def _problem(response: httpx.Response) -> Json:
    try:
        body = response.json()
    except json.JSONDecodeError:  # a proxy's page, perhaps
        body = None
    return body if isinstance(body, dict) else {"title": f"HTTP {response.status_code} {response.reason_phrase}"}


def _given(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not None}


def _key(given: str | None) -> dict[str, str]:
    return {"Idempotency-Key": given or str(uuid.uuid4())}
