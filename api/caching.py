"""Entity tags (RFC 9110): what has not changed is not sent again.

What changes only with its job is tagged with the job's revision. An ``async`` route that takes ``request`` and
``job_id`` answers 304 so, by way of ``api.dependencies`` and after whatever it refuses::

    standing = await standing_of(request, job_id)
    tag = caching.tag_of(request, standing.job)  # no session was opened for a 304
    return await in_session(request, lambda session: answer(find_job(session, job_id), tag.headers))
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version

from starlette.requests import Request
from starlette.responses import Response

from models.tables import Job

NO_CACHE = "private, no-cache"
VERSION = version("ganjobs")


@dataclass(frozen=True)
class Tag:
    """An entity tag, in quotes."""

    etag: str

    @property
    def headers(self) -> dict[str, str]:
        return {"ETag": self.etag, "Cache-Control": NO_CACHE}


class NotModified(Exception):
    """The client holds what the tag stands for: the answer is a 304."""

    def __init__(self, tag: Tag) -> None:
        super().__init__(tag.etag)
        self.tag = tag


def quoted(tag: str) -> str:
    return f'"{tag}"'


def is_current(request: Request, etag: str) -> bool:
    """Whether the client says, in If-None-Match, that it holds what ``etag`` (in quotes) stands for."""
    given = ",".join(request.headers.getlist("if-none-match"))
    tags = [tag.strip().removeprefix("W/") for tag in given.split(",")]
    return "*" in tags or etag in tags


def tag_of(request: Request, job: Job, *parts: object) -> Tag:
    """The tag of what changes with ``job``, or else with one of ``parts``. A job read before the rest will do: then the
    rest is at worst newer than its tag, and is sent once more.

    Raises:
        NotModified: the client holds it.
    """
    tag = Tag(quoted("-".join(str(part) for part in (job.revision, *parts, _history_of(job)))))
    if is_current(request, tag.etag):
        raise NotModified(tag)
    return tag


def _history_of(job: Job) -> str:
    """Sets apart what a revision alone does not: another history of the job, in a database that was restored from a
    copy, and what another version of Ganjobs answers."""
    return _digest(job.attempt, job.started_at, job.training_seconds)


@lru_cache(maxsize=1024)  # of a job that is polled it is the same again and again
def _digest(*history: object) -> str:
    return hashlib.blake2b(repr((VERSION, *history)).encode(), digest_size=4).hexdigest()


async def on_not_modified(_: Request, error: Exception) -> Response:
    assert isinstance(error, NotModified)
    return Response(status_code=304, headers=error.tag.headers)
