"""What the blocking and the asynchronous client have in common: jobs that can be renewed, and lists that show
themselves."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NoReturn, TypeVar

import httpx
from pydantic import PrivateAttr

from ganjobs import address
from ganjobs.address import shown
from ganjobs.answers import Answer
from ganjobs.effects import Json
from ganjobs.errors import ClientError, JobCancelled, JobFailed, JobNotSucceeded, JobPaused
from ganjobs.jobinfo import JobInfo
from ganjobs.types import JobStatus
from ganjobs.waiting import Look

Words = str | Sequence[str]
AnimationFormat = Literal["gif", "webp", "apng"]
POLL_SECONDS = 0.5
# Lines of a list that are shown.
SHOWN_LINES = 20
Listed = TypeVar("Listed", bound=Answer)
NOT_SUCCEEDED: Mapping[JobStatus, type[JobNotSucceeded]] = {
    JobStatus.FAILED: JobFailed,
    JobStatus.CANCELLED: JobCancelled,
    JobStatus.PAUSED: JobPaused,
}


class Connected:
    """Something that holds a connection, which cannot go to another process."""

    def __reduce__(self) -> NoReturn:
        kind = type(self).__name__
        raise TypeError(f"a {kind} holds a connection and cannot be pickled: send an id, and open a client there")


class JobHandle(Connected, JobInfo):
    """A job with what can be asked of it. Its fields are those of when it was last asked for; two of the same id are
    equal."""

    _look: Look = PrivateAttr(default_factory=Look)

    def info(self) -> JobInfo:
        """Its fields alone, as they are known now: what can be pickled and kept."""
        return JobInfo.model_construct(**self.__dict__)

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
    """A list that a notebook shows as a table, and elsewhere a line for each."""

    def __repr__(self) -> str:
        lines = [f" {each!r}," for each in self[:SHOWN_LINES]]
        if len(self) > SHOWN_LINES:
            lines.append(f" … and {len(self) - SHOWN_LINES} more")
        return "\n".join(["[", *lines, "]"]) if len(self) > 1 else f"[{', '.join(map(repr, self))}]"

    def _repr_html_(self) -> str:
        from ganjobs.html import answers

        return answers(self)


def address_of(url: str | None) -> str:
    """Where the API is: as given, or else as the environment or a local service says.

    Raises:
        ClientError: that is no URL.
    """
    found = (url or "").strip() or address.find()
    try:
        parsed = httpx.URL(found)
    except httpx.InvalidURL:  # whose words may hold the password in it
        raise ClientError(f"{shown(found)!r} is no URL") from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ClientError(f"{shown(found)!r} is no URL of an API: it looks like http://127.0.0.1:8000")
    return found


def filters(**given: Any) -> dict[str, Any]:
    """Those filters of a list that are given."""
    return {name: value for name, value in given.items() if value is not None}
