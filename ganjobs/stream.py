"""Following a job live: the messages of its stream, read on through lost connections."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from itertools import chain, islice
from typing import Any, NamedTuple

import httpx
import orjson
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_exponential

from ganjobs.errors import ApiError, ApiUnreachable

# The server says something every 15 seconds, if only that it is there.
TIMEOUT = httpx.Timeout(60, connect=5)
PATIENCE_SECONDS = 300.0
FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 10.0


class Message(NamedTuple):
    """``id`` is what to go on from; see docs/streaming.md for each event's ``data``."""

    event: str
    id: str
    data: Any


def follow(
    url: str,
    job_id: str,
    keys: Sequence[str] = (),
    from_step: int | None = None,
    last_id: str | None = None,
    patience_seconds: float = PATIENCE_SECONDS,
) -> Iterator[Message]:
    """The messages of the job's stream at the API at ``url``, each once, up to ``end``: from now on, or from
    ``from_step`` on, or from behind the message ``last_id``; all metrics unless ``keys`` names some. A lost connection
    is opened again, for ``patience_seconds`` if need be.

    Raises:
        ApiError: the API refuses.
        ApiUnreachable: no stream said anything for ``patience_seconds``, whether none opened or all broke at once.
    """
    params = {"keys": ",".join(keys) or None, "from_step": from_step}
    given = {name: value for name, value in params.items() if value is not None}
    with httpx.Client(base_url=url.rstrip("/"), timeout=TIMEOUT) as http:
        while True:
            headers = {"Last-Event-ID": last_id} if last_id else {}
            request = http.build_request("GET", f"/v1/jobs/{job_id}/stream", params=given, headers=headers)
            with _listening(http, request, patience_seconds) as found:
                if found is None:
                    return
                for message in found:
                    last_id = message.id
                    yield message
                    if message.event == "end":
                        return
            time.sleep(FIRST_WAIT_SECONDS)


def messages(chunks: Iterable[bytes]) -> Iterator[Message]:
    """The messages in the bytes of a stream, as https://html.spec.whatwg.org/multipage/server-sent-events.html has
    them. (Lines of text would not do: Python's end at characters that data may hold.)"""
    return (sign for sign in _signs(chunks) if sign is not None)


def _signs(chunks: Iterable[bytes]) -> Iterator[Message | None]:
    """The messages, and ``None`` for each comment: by those the server says that it is there, though there is no
    news."""
    fields: dict[bytes, list[bytes]] = {}
    for line in _lines(chunks):
        name, _, value = line.partition(b":")
        if line and name:
            fields.setdefault(name, []).append(value.removeprefix(b" "))
            continue
        if line:
            yield None
            continue
        if b"data" in fields:
            event, message_id = fields[b"event"][-1].decode(), fields[b"id"][-1].decode()
            yield Message(event, message_id, orjson.loads(b"\n".join(fields[b"data"])))
        fields = {}


@contextmanager
def _listening(http: httpx.Client, request: httpx.Request, patience: float) -> Iterator[Iterator[Message] | None]:
    """What a stream says until its connection breaks, tried for as long as nothing is heard; ``None`` where nothing
    will come."""
    retry = Retrying(
        retry=retry_if_exception(_may_pass),
        wait=wait_exponential(FIRST_WAIT_SECONDS, max=LONGEST_WAIT_SECONDS),
        stop=stop_after_delay(patience),
        reraise=True,
    )
    try:
        response, signs = retry(_hear, http, request)
    except httpx.TransportError as error:
        raise ApiUnreachable(str(http.base_url).rstrip("/"), str(error) or type(error).__name__) from error
    with closing(response):
        yield None if signs is None else (sign for sign in _until_it_breaks(signs) if sign is not None)


def _hear(http: httpx.Client, request: httpx.Request) -> tuple[httpx.Response, Iterator[Message | None] | None]:
    """An open stream and what it says, when it has said something: one that opens and at once breaks is as good as
    none."""
    with ExitStack() as opened:
        response = opened.enter_context(closing(_open(http, request)))
        if response.status_code == httpx.codes.NO_CONTENT:
            return response, None
        signs = _signs(response.iter_bytes())
        first = list(islice(signs, 1))
        if not first:
            raise httpx.RemoteProtocolError("the stream was closed before it said anything")
        opened.pop_all()
    return response, chain(first, signs)


def _open(http: httpx.Client, request: httpx.Request) -> httpx.Response:
    response = http.send(request, stream=True)
    if response.is_success:
        return response
    with closing(response):
        response.read()
    is_problem = response.headers.get("content-type") == "application/problem+json"
    raise ApiError(response.status_code, response.json() if is_problem else {"title": response.reason_phrase})


def _may_pass(error: BaseException) -> bool:
    """Whether an error is the weather, and not our fault."""
    return isinstance(error, httpx.TransportError) or (isinstance(error, ApiError) and error.status >= 500)


def _until_it_breaks(signs: Iterator[Message | None]) -> Iterator[Message | None]:
    try:
        yield from signs
    except httpx.TransportError:
        return  # what came before is whole; the rest comes through another connection


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Lines without their ends; a last one that is not finished was cut off and counts for nothing."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line.removesuffix(b"\r") for line in lines)
