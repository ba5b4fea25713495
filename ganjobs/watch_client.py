"""What the client can ask of the service besides single jobs: many at once, their curves, pictures, how it is."""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import httpx

from ganjobs import calls
from ganjobs.effects import Request
from ganjobs.errors import ApiError
from ganjobs.rest import Json, Rest

HTTP_NOT_FOUND = 404
REDIRECTS = range(300, 400)
HTTP_UNAVAILABLE = 503
# As many as the API gives at once.
MAX_SUMMARIES = 1000
STEP_HEADER = "Sample-Step"


class Drawn(NamedTuple):
    """A sample image, as PNG."""

    step: int
    png: bytes


class WatchClient(Rest):
    """The client of the REST API, with what watching, comparing and looking after a service need."""

    def summaries(
        self, changed_since: str | None = None, status: Sequence[str] = (), wanted: Collection[str] = ()
    ) -> tuple[list[Json], str]:
        """All jobs in brief, newest first, narrowed to those of a ``status`` or that have changed since a time, and the
        service's own time, to go on from. Where ids are ``wanted``, it is read until all of those have been found."""
        found: list[Json] = []
        now: str | None = None
        params = {"limit": MAX_SUMMARIES, "status": list(status), "changed_since": changed_since}
        given = {name: value for name, value in params.items() if value}
        while True:
            page = self._json("GET", "/v1/summaries", params=given)
            found.extend(page["data"])
            now = now or str(page["now"])  # the first page's: what changes while the others are read comes again
            if not page["has_more"] or (wanted and set(wanted) <= {job["id"] for job in found}):
                return found, now
            given["after"] = page["data"][-1]["id"]

    def curves(self, job_ids: Iterable[str], keys: Sequence[str], max_points: int) -> dict[str, Json]:
        """By job the buckets of its metrics, as ``GET …/metrics?max_points=`` has them; jobs that are gone lack."""
        params = {"job": list(job_ids), "keys": ",".join(keys), "max_points": max_points}
        return {curve["job_id"]: curve for curve in self._json("GET", "/v1/curves", params=params)["data"]}

    def newest_sample(self, job_id: str) -> Drawn | None:
        """The newest sample image of a job; ``None`` where it has none."""
        try:
            response = self._send("GET", f"/v1/jobs/{job_id}/samples/latest")
        except ApiError as error:
            if error.status == HTTP_NOT_FOUND:
                return None
            raise
        return Drawn(int(response.headers[STEP_HEADER]), response.content)

    def animation(self, job_id: str, form: str) -> bytes:
        """A job's samples as one animated image: `gif`, `webp` or `apng`."""
        return self._send("GET", f"/v1/jobs/{job_id}/samples/animation", params={"format": form}).content

    def alive(self) -> httpx.Response:
        """The answer to whether the API's process lives, asked once."""
        return self.send(Request("GET", "/livez", patient=False))

    def version(self) -> str:
        """The service's."""
        return str(self._json("GET", "/openapi.json")["info"]["version"])

    def has_page(self) -> bool:
        """Whether a page for people is at `/`; without one it leads to the documentation."""
        try:
            response = self._send("GET", "/")
        except ApiError as error:
            if error.status in REDIRECTS:
                return False
            raise
        return str(response.headers.get("Content-Type", "")).startswith("text/html")

    def readiness(self) -> Json:
        """Whether jobs can be taken and trained, check by check."""
        try:
            return self._ask(calls.READY)
        except ApiError as error:
            if error.status == HTTP_UNAVAILABLE and "checks" in error.problem:
                return error.problem
            raise
