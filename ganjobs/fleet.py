"""Following many jobs at once: all are read once, and after that what has changed."""

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

from ganjobs.exitcodes import is_as_bad
from ganjobs.patience import Patience
from ganjobs.rest import ApiError, Json
from ganjobs.types import RESTING, JobStatus
from ganjobs.watch_client import Drawn, WatchClient

POLL_SECONDS = 1.0
# All are read anew this often: what has been deleted is told by nothing else.
FULL_SECONDS = 30.0
# Images are fetched for no more jobs than these, at a look.
PICTURES_AT_ONCE = 4
UNFINISHED = tuple(status for status in JobStatus if status not in RESTING)
HTTP_NOT_FOUND = 404


class Fleet:
    """The jobs that are watched, by id, newest first: those of ``ids``, or all that were of a status of ``statuses`` at
    one of the looks.

    Attributes:
        jobs: them in brief.
        reports: how the health of those stands whose verdict is no good one.
        pictures: the newest samples that were fetched.
        notice: what to say of the connection, where there is something to say.
    """

    def __init__(self, client: WatchClient, ids: Collection[str], statuses: Collection[str]) -> None:
        self._client = client
        self._ids = frozenset(ids)
        self._statuses = frozenset(statuses)
        self._now: str | None = None
        self._read_at = 0.0
        self.jobs: dict[str, Json] = {}
        self.reports: dict[str, Json] = {}
        self.pictures: dict[str, Drawn] = {}
        self.notice: str | None = None

    @property
    def resting(self) -> bool:
        """Whether all have ended or are paused."""
        return all(JobStatus(job["status"]).is_resting for job in self.jobs.values())

    def is_as_bad(self, limit: str | None) -> bool:
        return any(is_as_bad(job["severity"], limit) for job in self.jobs.values())

    def look(self) -> None:
        """Bring the jobs up to date."""
        if self._now is not None:
            changed, self._now = self._client.summaries(changed_since=self._now)
            self._take(changed)
        if self._now is None or time.monotonic() - self._read_at >= FULL_SECONDS:
            self._read_all()
        self._assess()

    def _read_all(self) -> None:
        """Read all that are watched, and leave those out that were deleted: of those nothing tells."""
        self._read_at = time.monotonic()
        # What has ended changes no more: however many there are, they are not read again.
        narrowed = () if self._ids else sorted({*UNFINISHED, *self._statuses})
        found, now = self._client.summaries(status=narrowed, wanted=self._ids)
        self._now = self._now or now
        self._take(found)
        there = {job["id"] for job in found}
        for job_id in [each for each, job in self.jobs.items() if each not in there and not _is_over(job)]:
            with _unless_gone() as gone:
                self._client.get(job_id)
            if gone:
                del self.jobs[job_id]

    def _take(self, found: Iterable[Json]) -> None:
        for job in found:
            if job["id"] in self.jobs or job["id"] in self._ids or (not self._ids and job["status"] in self._statuses):
                self.jobs[job["id"]] = job
        # An id begins with the job's number.
        self.jobs = dict(sorted(self.jobs.items(), reverse=True))

    def _assess(self) -> None:
        """Ask about the health of those whose verdict is another one now, and is no good one."""
        for job_id, job in self.jobs.items():
            known = self.reports.get(job_id)
            if job["severity"] in (None, "ok"):
                self.reports.pop(job_id, None)
            elif known is None or known["verdict"] != job["verdict"]:
                with _unless_gone():
                    self.reports[job_id] = self._client.health(job_id)

    def draw(self, ids: Iterable[str]) -> None:
        """Fetch the newest samples of these jobs, of some now and of the others at the next call."""
        fetched = 0
        for job_id in ids:
            newest, drawn = self.jobs[job_id]["newest_sample"], self.pictures.get(job_id)
            if newest is None or (drawn is not None and drawn.step == newest) or fetched == PICTURES_AT_ONCE:
                continue
            fetched += 1
            with _unless_gone():
                picture = self._client.newest_sample(job_id)
                if picture is not None:
                    self.pictures[job_id] = picture


def _is_over(job: Json) -> bool:
    return JobStatus(job["status"]).is_final


@contextmanager
def _unless_gone() -> Iterator[list[ApiError]]:
    """A job that was deleted meanwhile is not asked about further; what is yielded holds the word of it then."""
    gone: list[ApiError] = []
    try:
        yield gone
    except ApiError as error:
        if error.status != HTTP_NOT_FOUND:
            raise
        gone.append(error)


class FleetDisplay(Protocol):
    """Shows many jobs; ready when it is made, closed after the last update."""

    def pictured(self, fleet: Fleet) -> list[str]:
        """The ids of the jobs whose samples it has room for."""
        ...

    def update(self, fleet: Fleet) -> None: ...

    def close(self) -> None: ...


def follow_many(
    fleet: Fleet, display: FleetDisplay, pause: Callable[[float], None] = time.sleep, fail_on: str | None = None
) -> None:
    """Show jobs until all have ended or are paused, or the health of one is as bad as ``fail_on``. A lost connection is
    waited for, except at the first look. ``pause`` may raise to give up.

    Raises:
        ApiUnreachable: nobody has answered for minutes.
    """

    def tell(said: str | None) -> None:
        fleet.notice = said
        display.update(fleet)

    def look() -> None:
        fleet.look()
        fleet.draw(display.pictured(fleet))

    wait = Patience(tell, pause)
    try:
        look()
        display.update(fleet)
        while not (fleet.resting or fleet.is_as_bad(fail_on)):
            pause(POLL_SECONDS)
            wait.attempt(look)
            display.update(fleet)
    finally:
        display.close()
