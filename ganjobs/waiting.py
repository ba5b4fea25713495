"""Waiting for a job, as an operation (``ganjobs.effects``)."""

import time
from contextlib import suppress

import httpx

from ganjobs import calls
from ganjobs import patience as waits
from ganjobs.effects import Json, Operation, Sleep, ask, decoded
from ganjobs.errors import ClientError, NotFound, WaitTimeout
from ganjobs.jobinfo import JobInfo
from ganjobs.progress import Display
from ganjobs.results import HealthReport

# The newest sample is not asked for more often than this while somebody looks on (seconds).
PICTURE_SECONDS = 2.0


def wait(
    job_id: str, display: Display, timeout: float | None, poll_seconds: float, patience: float = waits.SECONDS
) -> Operation[Json]:
    """The job once it rests, shown on ``display`` until then. A service that is restarted meanwhile is waited for.

    Raises:
        WaitTimeout: it did not within ``timeout`` seconds.
        ApiUnreachable: nobody answered for ``patience`` seconds.
    """
    begun = heard = time.monotonic()
    etag: str | None = None
    look = Look()
    job: Json | None = None
    lost = False
    try:
        while True:
            try:
                response = yield calls.get(job_id, etag)
                if lost:
                    display.tell(None)
                if response.status_code != httpx.codes.NOT_MODIFIED:
                    job, etag = decoded(response), response.headers.get("ETag")
                    info = JobInfo.model_validate(job)
                    if display.wants_look:
                        yield from look.renew(info)
                    display.update(info, look)
                    if info.status.is_resting:
                        return job
                heard, lost = time.monotonic(), False
            except ClientError as error:
                if not waits.may_pass(error) or time.monotonic() - heard >= patience:
                    raise
                if not lost:
                    display.tell(waits.LOST)
                lost = True
            left = float("inf") if timeout is None else begun + timeout - time.monotonic()
            if left <= 0:
                stands = f"is {job['status']} at step {job['step']:,} of {job['steps']:,}" if job else "is not known"
                raise WaitTimeout(f"{job_id} {stands} after {timeout:g} s; it goes on")
            yield Sleep(min(poll_seconds, left))
    finally:
        display.close()


class Look:
    """What there is to see of a job besides its numbers."""

    def __init__(self) -> None:
        self.png: bytes | None = None
        self.report: HealthReport | None = None
        self._looked = float("-inf")

    def renew(self, info: JobInfo) -> Operation[None]:
        """Ask for what is new: the newest sample now and then, the health report where the verdict is another one."""
        known = self.report.verdict if self.report else None
        with suppress(NotFound):  # deleted meanwhile
            if info.verdict is not None and (info.verdict is not known or info.status.is_resting):
                self.report = HealthReport.model_validate((yield from ask(calls.health(info.id))))
        if info.status.is_resting or time.monotonic() - self._looked >= PICTURE_SECONDS:
            with suppress(NotFound):  # none has been drawn yet
                self.png = (yield calls.sample(info.id)).content
            self._looked = time.monotonic()
