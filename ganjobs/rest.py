"""The REST API as it is: a call per operation, answers in the JSON they come in."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import httpx

from ganjobs import calls, once
from ganjobs.calls import MAX_ROWS
from ganjobs.effects import TIMEOUT, Json, Request, ask, decoded, said
from ganjobs.errors import ApiError, ApiUnreachable, ClientError, TransferBroken
from ganjobs.rows import MetricRows
from ganjobs.transport import Transport

__all__ = ["ApiError", "ApiUnreachable", "ClientError", "Json", "MetricRows", "Rest"]


class Rest(Transport):
    """Talks to the API at ``url``. Close it, or use it as a context manager.

    Every method raises ``ApiUnreachable`` when nobody answers and ``ApiError`` when the API refuses.
    """

    # --- jobs --------------------------------------------------------------------------------------------------------

    def create(self, spec: Mapping[str, Any], idempotency_key: str | None = None) -> Json:
        """Submit a job. However often the connection fails on the way, the spec becomes one job."""
        return self._ask(calls.create(spec, idempotency_key))

    def validate(self, spec: Mapping[str, Any]) -> Json:
        """The spec with every default filled in, and what is known of what it would make, with no job made of it."""
        return self._ask(calls.validate(spec))

    def get(self, job_id: str) -> Json:
        return self._ask(calls.get(job_id))

    def get_if_changed(self, job_id: str, etag: str | None) -> tuple[Json, str | None] | None:
        """The job with its ETag; ``None`` where it is still the one of ``etag``."""
        response = self.send(calls.get(job_id, etag))
        if response.status_code == httpx.codes.NOT_MODIFIED:
            return None
        return decoded(response), response.headers.get("ETag")

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
        return self._ask(calls.list_jobs(status, limit, after, name, verdict, severity))

    def jobs(self, status: Sequence[str] = ()) -> Iterator[Json]:
        """All jobs, newest first, page by page."""
        return self.iterate(calls.pages(calls.list_jobs(status), "id"))

    def cancel(self, job_id: str) -> Json:
        """Ask a job to stop; asking again changes nothing."""
        return self._ask(calls.act(job_id, "cancel"))

    def pause(self, job_id: str) -> Json:
        """Ask a job to stop at a checkpoint for now; asking again changes nothing."""
        return self._ask(calls.act(job_id, "pause"))

    def resume(self, job_id: str) -> Json:
        """Put a paused job back into the queue."""
        return self.run(once.resume(job_id))

    def retry(self, job_id: str, idempotency_key: str | None = None) -> Json:
        """A new job with the spec of one that failed or was cancelled."""
        return self._ask(calls.retry(job_id, idempotency_key))

    def fork(
        self,
        job_id: str,
        changes: Mapping[str, Any] | None = None,
        step: int | None = None,
        idempotency_key: str | None = None,
    ) -> Json:
        """A new job that goes on from a checkpoint (the newest unless ``step`` names one), its spec changed by
        ``changes``, a JSON merge patch."""
        return self._ask(calls.fork(job_id, changes, step, idempotency_key))

    def delete(self, job_id: str) -> None:
        """Delete a finished job with all it recorded."""
        self.run(once.delete(job_id))

    # --- what a job recorded -----------------------------------------------------------------------------------------

    def metrics(
        self, job_id: str, keys: Sequence[str] = (), from_step: int | None = None, last: int | None = None
    ) -> MetricRows:
        """All rows from ``from_step`` on, or the ``last`` so many; all metrics unless ``keys`` names some."""
        rows = MetricRows([], {}, from_step or 0)
        more = True
        while more:
            limit = MAX_ROWS if last is None else None
            body = self._ask(calls.metrics(job_id, keys, from_step, last=last, limit=limit))
            rows.extend(body["columns"], body["next_step"])
            from_step, more = body["next_step"], body["has_more"]
        return rows

    @contextmanager
    def export(self, job_id: str, form: str) -> Iterator[httpx.Response]:
        """A job's whole history as `ndjson`, `csv` or `parquet`, to be read from the response as it comes in. Its
        headers First-Step and Last-Step say what is in it; they are absent where that is nothing.

        Raises:
            TransferBroken: it ended before its end.
        """
        response = self.open(calls.export(job_id, form), TIMEOUT)
        try:
            yield response
        except httpx.TransportError as error:
            raise TransferBroken(said(error)) from error
        finally:
            response.close()

    def samples(self, job_id: str) -> list[Json]:
        """All sample images of a job, by step, without their bytes."""
        return list(self.iterate(calls.listed(job_id, "samples")))

    def evaluations(self, job_id: str, after: int | None = None) -> Iterator[Json]:
        """What a job's generator was worth, by step, from behind the evaluation of step ``after``."""
        return self.iterate(calls.listed(job_id, "evaluations", after))

    def health(self, job_id: str, at_step: int | None = None, segment: int | None = None) -> Json:
        """How the game between a job's networks stands, or stood at a step: verdict, evidence and advice."""
        return self._ask(calls.health(job_id, at_step, segment))

    def health_history(self, job_id: str, segment: int | None = None) -> Iterator[Json]:
        """The verdicts on a job's health, each with the steps it lasted, in order."""
        return self.iterate(calls.listed(job_id, "health/history", segment=segment))

    def health_readings(self, job_id: str, after: int | None = None, segment: int | None = None) -> Iterator[Json]:
        """What a job's health was read from, by step, from behind the reading of step ``after``."""
        return self.iterate(calls.listed(job_id, "health/readings", after, segment))

    def segments(self, job_id: str) -> list[Json]:
        """The stretches that a job has gone back from, each with the reason and the remedy."""
        return list(self.iterate(calls.listed(job_id, "segments")))

    def sample(self, job_id: str, step: int | None = None) -> bytes:
        """The PNG of a step, or the newest."""
        return self.send(calls.sample(job_id, step)).content

    def download(self, url: str) -> bytes:
        """A file that the API named by ``url``, such as one of a checkpoint's."""
        return self._send("GET", url).content

    def events(self, job_id: str, after: int | None = None) -> Iterator[Json]:
        """What happened to a job, in order, from behind the event ``after``."""
        return self.iterate(calls.listed(job_id, "events", after))

    def logs(self, job_id: str, after: int | None = None) -> Iterator[Json]:
        """What the worker logged while it trained a job, in order, from behind the line ``after``."""
        return self.iterate(calls.listed(job_id, "logs", after))

    def checkpoints(self, job_id: str) -> list[Json]:
        """A job's checkpoints with their files, newest first; ``best`` says which is the best so far, and by what."""
        return list(self._ask(calls.checkpoints(job_id))["data"])

    # --- the service -------------------------------------------------------------------------------------------------

    def workers(self) -> list[Json]:
        """The workers that are alive."""
        return list(self._ask(calls.WORKERS)["data"])

    def catalogue(self) -> Json:
        """What a spec can name, and what is recorded of a job: losses, data sets, metrics, evaluations, verdicts."""
        return self._ask(calls.CATALOGUE)

    def ready(self) -> bool:
        """Whether the service can take jobs."""
        try:
            self._ask(calls.READY)
        except ApiError:
            return False
        return True

    # --- requests ----------------------------------------------------------------------------------------------------

    def _ask(self, request: Request) -> Json:
        return self.run(ask(request))

    def _json(self, method: str, path: str, **request: Any) -> Json:
        return self._ask(Request(method, path, **request))

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Send a request; again where that makes sense (``ganjobs.effects.policy``)."""
        return self.send(Request(method, path, **request))
