"""What the blocking and the asynchronous client have in common: jobs that can be renewed, and lists that show
themselves."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar

import httpx
from pydantic import PrivateAttr

from ganjobs import address
from ganjobs.answers import Answer
from ganjobs.effects import Json
from ganjobs.errors import ClientError, JobCancelled, JobFailed, JobNotSucceeded, JobPaused
from ganjobs.jobinfo import JobInfo
from ganjobs.types import JobStatus
from ganjobs.waiting import Look

Words = str | Sequence[str]
AnimationFormat = Literal["gif", "webp", "apng"]
POLL_SECONDS = 0.5
Listed = TypeVar("Listed", bound=Answer)
NOT_SUCCEEDED: Mapping[JobStatus, type[JobNotSucceeded]] = {
    JobStatus.FAILED: JobFailed,
    JobStatus.CANCELLED: JobCancelled,
    JobStatus.PAUSED: JobPaused,
}


class JobHandle(JobInfo):
    """A job with what can be asked of it. Its fields are those of when it was last asked for; two of the same id are
    equal."""

    _look: Look = PrivateAttr(default_factory=Look)

    def _take(self, answer: Json) -> None:
        """Become what the API says that the job is now."""
        self.__dict__.update(JobInfo.model_validate(answer).__dict__)

    def _ended(self, raise_on_failure: bool) -> None:
        kind = NOT_SUCCEEDED.get(self.status)
        if raise_on_failure and kind is not None:
            raise kind(self, self.reason)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, JobHandle) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    def _repr_html_(self) -> str:
        from ganjobs.html import job

        return job(self, self._look.report, self._look.png)


class Listing(list[Listed]):
    """A list that a notebook shows as a table."""

    def _repr_html_(self) -> str:
        from ganjobs.html import answers

        return answers(self)


def address_of(url: str | None) -> str:
    """Where the API is: as given, or else as the environment or a local service says.

    Raises:
        ClientError: that is no URL.
    """
    found = url or address.find()
    try:
        parsed = httpx.URL(found)
    except httpx.InvalidURL as error:
        raise ClientError(f"{found!r} is no URL ({error})") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ClientError(f"{found!r} is no URL of an API: it looks like http://127.0.0.1:8000")
    return found.rstrip("/")


def filters(**given: Any) -> dict[str, Any]:
    """Those filters of a list that are given."""
    return {name: value for name, value in given.items() if value is not None}
