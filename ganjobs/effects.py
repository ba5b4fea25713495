"""What an operation asks of whoever runs it: a request, a wait, a stream of bytes.

Operations are generators that yield these and are sent what came of them. They are written once, and run by threads
that block (``ganjobs.transport``) or by an event loop (``ganjobs.transport_async``).
"""

import json
import time
import uuid
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import httpx
from tenacity import RetryCallState, retry_any, retry_if_exception, retry_if_result, stop_after_attempt
from tenacity.wait import wait_exponential

from ganjobs.errors import NotGanjobs, NotSent, refusal

Json = dict[str, Any]
Result = TypeVar("Result")
Item = TypeVar("Item")
# Tries of a request that may be repeated, and the wait before the second (seconds); it doubles.
TRIES = 4
FIRST_WAIT_SECONDS = 0.1
# The longest wait that an answer's Retry-After is obeyed for (seconds); who is told more is told so.
LONGEST_RETRY_AFTER = 30.0
SILENCE_SECONDS = 30.0
CONNECT_SECONDS = 5.0
TIMEOUT = httpx.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS)
# Addresses that a request must reach once only, by their ends.
ONCE = ("/resume", "/webhooks", "/test")
# The API has done nothing, and says when to ask again.
LATER = (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE)


@dataclass(frozen=True)
class Request:
    """A request, answered by an ``httpx.Response`` that was read and is a success (or 304)."""

    method: str
    path: str
    params: Mapping[str, Any] = field(default_factory=dict)
    json: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    patient: bool = True
    """Whether it is sent again where the connection fails or the service is busy."""

    @property
    def once(self) -> bool:
        """Whether a second one would call the first one's success an error."""
        return self.method == "DELETE" or self.path.endswith(ONCE)

    def arguments(self) -> Json:
        """As ``httpx`` takes it.

        Raises:
            NotSent: JSON has no word for what is in it.
        """
        params = {name: value for name, value in self.params.items() if value is not None}
        given: Json = {"method": self.method, "url": self.path, "params": params}
        if self.json is None:
            return given | {"headers": dict(self.headers)}
        try:
            body = json.dumps(self.json, ensure_ascii=False, allow_nan=False).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise NotSent(f"JSON has no word for something in it: {error}") from error
        return given | {"content": body, "headers": {**self.headers, "Content-Type": "application/json"}}


@dataclass(frozen=True)
class Sleep:
    """So many seconds of nothing; answered by ``None``."""

    seconds: float


@dataclass(frozen=True)
class Open:
    """A request whose answer (a success) is not read yet: ``Read`` reads on in it. It is sent again as any other where
    nobody answers. It closes the one opened before."""

    request: Request
    silence_seconds: float = SILENCE_SECONDS
    """The longest that nothing comes of it."""

    @property
    def timeout(self) -> httpx.Timeout:
        return httpx.Timeout(self.silence_seconds, connect=CONNECT_SECONDS)


@dataclass(frozen=True)
class Read:
    """The next bytes of what was opened last: ``bytes``, or ``None`` at the end. Raises ``httpx.TransportError`` where
    the connection is lost."""


@dataclass(frozen=True)
class Emit(Generic[Item]):
    """Something for who iterates; answered by ``None``."""

    item: Item


# Sent into the generator: what each effect says that it is answered by.
Operation = Generator[Request | Sleep | Open | Read, Any, Result]
Emission = Generator[Request | Sleep | Open | Read | Emit[Item], Any, None]


def ask(request: Request) -> Operation[Json]:
    """The JSON that a request is answered by."""
    return decoded((yield request))


def decoded(response: httpx.Response) -> Json:
    """The JSON of an answer.

    Raises:
        NotGanjobs: it holds none, or no object: something else answers at the address.
    """
    try:
        body = response.json()
    except ValueError as error:
        raise NotGanjobs(str(response.url)) from error
    if not isinstance(body, dict):
        raise NotGanjobs(str(response.url))
    return body


def header(response: httpx.Response, name: str) -> str:
    """What an answer says in a header that Ganjobs always sends with it.

    Raises:
        NotGanjobs: it does not.
    """
    if name not in response.headers:
        raise NotGanjobs(str(response.url))
    return str(response.headers[name])


def policy(request: Request) -> dict[str, Any]:
    """When a request is sent again, for ``tenacity``: where the connection is lost and repetition changes nothing
    (creation by its key), and where the API says that it has done nothing and is to be asked later."""
    return {
        "retry": retry_any(retry_if_exception(partial(may_repeat, request.once)), retry_if_result(_asks_for_patience)),
        "wait": _wait,
        "stop": stop_after_attempt(TRIES if request.patient else 1),
        "retry_error_callback": _last_outcome,
    }


def may_repeat(once: bool, error: BaseException) -> bool:
    """Whether a request may be sent again; one that may be done only ``once``, only where it cannot have arrived."""
    if not isinstance(error, httpx.TransportError) or isinstance(error, httpx.UnsupportedProtocol):
        return False
    return not once or not arrived(error)


def _asks_for_patience(response: httpx.Response) -> bool:
    if response.status_code not in LATER:
        return False
    return (retry_after(response) or 0) <= LONGEST_RETRY_AFTER


def _wait(state: RetryCallState) -> float:
    assert state.outcome is not None
    told = None if state.outcome.failed else retry_after(state.outcome.result())
    return wait_exponential(FIRST_WAIT_SECONDS)(state) if told is None else told


def _last_outcome(state: RetryCallState) -> Any:
    assert state.outcome is not None
    return state.outcome.result()


def retry_after(response: httpx.Response) -> float | None:
    """The seconds that an answer asks to wait, whether it says so in seconds or by a date; ``None`` if it does not."""
    said = response.headers.get("Retry-After", "").strip()
    if said.isdecimal():
        return float(said)
    try:
        date = parsedate_to_datetime(said)
    except ValueError:
        return None
    return max(0.0, date.timestamp() - time.time())


def checked(response: httpx.Response) -> httpx.Response:
    """The answer, where it is a success (304 is one); it must have been read.

    Raises:
        ApiError: it is none.
    """
    if response.is_success or response.status_code == httpx.codes.NOT_MODIFIED:
        return response
    raise refusal(response.status_code, problem_of(response))


def problem_of(response: httpx.Response) -> Json:
    """What an answer says that is wrong."""
    try:
        body = response.json()
    except (json.JSONDecodeError, UnicodeDecodeError):  # a proxy's page, perhaps
        body = None
    return body if isinstance(body, dict) else {"title": f"HTTP {response.status_code} {response.reason_phrase}"}


def arrived(error: httpx.TransportError) -> bool:
    """Whether a request that ended so may have reached the service."""
    return not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.UnsupportedProtocol)


def said(error: Exception) -> str:
    """What an error says, or what it is where it says nothing."""
    return str(error) or type(error).__name__


def key(given: str | None) -> dict[str, str]:
    """The header by which a repeated creation is the same one."""
    return {"Idempotency-Key": given or str(uuid.uuid4())}


def part(text: object) -> str:
    """A part of a path, whatever is in it."""
    return quote(str(text), safe="")
