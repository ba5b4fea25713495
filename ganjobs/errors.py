"""What a request can end in, each with a message of one line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganjobs.address import shown


class ClientError(Exception):
    """Base of everything the client raises on purpose.

    ``hint``: what to do about it on the command line, which says so behind the message; empty where there is nothing.
    """

    hint = ""


class ApiUnreachable(ClientError):
    """Nobody answers at the API's address."""

    hint = "start the service with `ganjobs serve`, or set --url"

    def __init__(self, url: str, reason: str, may_be_done: bool = False) -> None:
        done = "; what was asked for may have been done all the same" if may_be_done else ""
        self.url = shown(url)
        super().__init__(f"no answer from {self.url} ({reason}){done}")
        self.reason = reason
        self.may_be_done = may_be_done
        """Whether the request may have arrived, and only its answer be lost; told of what must not be done twice."""

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.url, self.reason, self.may_be_done)


class NotGanjobs(ClientError):
    """Something answers at the address, but not with what Ganjobs answers."""

    hint = "name the API with --url or GANJOBS_URL"

    def __init__(self, url: str) -> None:
        super().__init__(f"what answers at {shown(url)} is not Ganjobs (no JSON)")
        self.url = shown(url)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.url,)


class NotSent(ClientError):
    """A request that cannot be sent: the client is closed, or there is something in it that JSON has no word for."""


@dataclass(frozen=True)
class FieldError:
    """One thing that is wrong with a request."""

    field: str
    """Dotted path, such as ``generator.hidden_sizes.0``; empty where the whole of ``where`` is meant."""
    where: str
    """``body``, ``query``, ``path``, ``header`` or ``cookie``."""
    message: str
    code: str
    """Stable name of the rule that was broken."""
    limit: Any = None
    """The limit that was passed, or the values that are allowed."""

    @classmethod
    def of(cls, error: Mapping[str, Any]) -> "FieldError":
        """From an entry of a problem's ``errors``."""
        said = {name: str(error.get(name) or "") for name in ("field", "message", "code")}
        return cls(where=str(error.get("in") or ""), limit=error.get("limit"), **said)

    def __str__(self) -> str:
        message = self.message or "is not valid"
        if self.limit is not None and not isinstance(self.limit, list) and str(self.limit) not in message:
            message += f" (limit {self.limit})"
        # The parts of a path are no fields of the user's.
        where = "" if self.where == "path" else self.field or self.where
        return f"{where}: {message}" if where else message


class ApiError(ClientError):
    """The API refused a request (RFC 9457 problem details).

    Attributes:
        status: HTTP status code.
        type: stable name of this kind of problem, a URI reference; empty where the answer was no problem document.
        title: what kind of problem it is.
        detail: what is wrong this time.
        errors: the fields at fault.
    """

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.problem = dict(problem)
        self.type = str(problem.get("type") or "")
        self.title = str(problem.get("title") or f"HTTP {status}")
        self.detail = str(problem.get("detail") or "")
        self.errors = tuple(map(FieldError.of, problem.get("errors") or ()))
        super().__init__(_one_line(self.detail or self.title, self.errors))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.status, self.problem)


class NotFound(ApiError):
    """There is no such job, sample, checkpoint or the like (404)."""


class Conflict(ApiError):
    """The job's state does not allow it, or an idempotency key was used for something else (409)."""


class NotValid(ApiError):
    """A field of the request is not valid (422); ``errors`` says which, and why."""


class TryLater(ApiError):
    """The service cannot do it just now (429, 503); it was asked again for as long as that makes sense."""


BY_STATUS: dict[int, type[ApiError]] = {404: NotFound, 409: Conflict, 422: NotValid, 429: TryLater, 503: TryLater}


def refusal(status: int, problem: Mapping[str, Any]) -> ApiError:
    """The error of a status."""
    return BY_STATUS.get(status, ApiError)(status, problem)


def _one_line(said: str, errors: Sequence[FieldError]) -> str:
    """The fields at fault with what is wrong with each; without any, the problem's detail or title."""
    return " ".join(("; ".join(map(str, errors)) or said).split())


class TransferBroken(ClientError):
    """An answer stopped before its end; what has come of it is not whole."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the transfer broke off ({reason}): the job went back to a checkpoint, or the API stopped")


class DownloadDamaged(ClientError):
    """A downloaded file is not what the API said that it is; it was not kept."""


class NoSuchJob(ClientError):
    """No job, or more than one, is meant by what was given for one."""

    def __init__(self, said: str, hint: str = "") -> None:
        super().__init__(said)
        self.hint = hint


class NothingThere(ClientError):
    """The job has made no such thing, or not yet."""


class NotInstalled(ClientError, ImportError):
    """Something needs a package that is not installed; the message says what to install."""


class WaitTimeout(ClientError, TimeoutError):
    """The job had not come to rest when the time to wait was over; it goes on."""


class JobNotSucceeded(ClientError):
    """A job that was waited for came to rest without having succeeded; ``job`` is that job."""

    def __init__(self, job: Any, reason: str | None = None) -> None:
        said = f"{job.id} {job.status} at step {job.step:,} of {job.steps:,}"
        super().__init__(" ".join(f"{said}: {reason}".split()) if reason else said)
        self.job = job
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:
        """To another process go the job's fields, without its connection."""
        return type(self), (self.job.info(), self.reason)


class JobFailed(JobNotSucceeded):
    """It failed; the message says why."""


class JobCancelled(JobNotSucceeded):
    """Somebody cancelled it."""


class JobPaused(JobNotSucceeded):
    """It is paused, and goes on when it is resumed."""
