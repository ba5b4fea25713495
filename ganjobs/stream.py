"""Following a job live: the messages of its stream, read on through lost connections."""

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Unpack

import httpx
import orjson

from ganjobs import patience
from ganjobs.connection import Connection, Login
from ganjobs.effects import Emission, Emit, Open, Read, Request, Sleep, said
from ganjobs.errors import ApiError, ApiUnreachable
from ganjobs.transport import Transport

# The server says something every 15 seconds, if only that it is there.
SILENCE_SECONDS = 60.0
FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 10.0
NOTHING_SAID = "the stream was closed before it said anything"


class Message(NamedTuple):
    """``id`` is what to go on from; see docs/streaming.md for each event's ``data``."""

    event: str
    id: str
    data: Any


def follow(
    url: str | Connection,
    job_id: str,
    keys: Sequence[str] = (),
    from_step: int | None = None,
    last_id: str | None = None,
    patience_seconds: float = patience.SECONDS,
    **login: Unpack[Login],
) -> Iterator[Message]:
    """The messages of the job's stream at the API at ``url``, each once, up to ``end``: from now on, or from
    ``from_step`` on, or from behind the message ``last_id``; all metrics unless ``keys`` names some. A lost connection
    is opened again, for ``patience_seconds`` if need be. ``login`` is as ``Client`` takes it.

    Raises:
        ApiError: the API refuses.
        ApiUnreachable: no stream said anything for ``patience_seconds``, whether none opened or all broke at once.
    """
    with Transport(url, **login) as transport:
        yield from transport.iterate(listen(transport.url, job_id, keys, from_step, last_id, patience_seconds))


def listen(
    url: str,
    job_id: str,
    keys: Sequence[str] = (),
    from_step: int | None = None,
    last_id: str | None = None,
    patience_seconds: float = patience.SECONDS,
) -> Emission[Message]:
    """``follow`` as an operation; ``url`` is only told."""
    params = {"keys": ",".join(keys) or None, "from_step": from_step}
    heard, wait = time.monotonic(), FIRST_WAIT_SECONDS
    while True:
        headers = {"Last-Event-ID": last_id} if last_id else {}
        signs = Signs()
        try:
            # Impatient: what is tried again is told here.
            request = Request("GET", f"/v1/jobs/{job_id}/stream", params, headers=headers, patient=False)
            opened = yield Open(request, SILENCE_SECONDS)
            if opened.status_code == httpx.codes.NO_CONTENT:
                return
            while (piece := (yield Read())) is not None:
                for message in signs.take(piece):
                    last_id = message.id
                    yield Emit(message)
                    if message.event == "end":
                        return
            lost = NOTHING_SAID
        except (httpx.TransportError, ApiError, ApiUnreachable) as error:
            if not patience.may_pass(error):
                raise
            lost = error.reason if isinstance(error, ApiUnreachable) else said(error)
        # What came before is whole; the rest comes through another connection.
        if signs.any:
            heard, wait = time.monotonic(), FIRST_WAIT_SECONDS
        left = heard + patience_seconds - time.monotonic()
        if left <= 0:
            raise ApiUnreachable(url, lost)
        yield Sleep(min(wait, left))
        wait = min(2 * wait, LONGEST_WAIT_SECONDS)


def messages(chunks: Iterable[bytes]) -> Iterator[Message]:
    """The messages in the bytes of a stream, as https://html.spec.whatwg.org/multipage/server-sent-events.html has
    them. (Lines of text would not do: Python's end at characters that data may hold.)"""
    signs = Signs()
    for chunk in chunks:
        yield from signs.take(chunk)


class Signs:
    """Reads the bytes of a stream as they come.

    ``any``: whether there was a sign of life, a message or a comment: by those the server says that it is there, though
    there is no news.
    """

    def __init__(self) -> None:
        self.any = False
        self._rest = b""
        self._fields: dict[bytes, list[bytes]] = {}

    def take(self, chunk: bytes) -> Iterator[Message]:
        """The messages that are whole with this chunk. A line that is not finished counts for nothing yet."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            yield from self._read(line.removesuffix(b"\r"))

    def _read(self, line: bytes) -> Iterator[Message]:
        name, _, value = line.partition(b":")
        if line and name:
            self._fields.setdefault(name, []).append(value.removeprefix(b" "))
            return
        if line:
            self.any = True
            return
        fields, self._fields = self._fields, {}
        if b"data" in fields:
            self.any = True
            event, message_id = fields[b"event"][-1].decode(), fields[b"id"][-1].decode()
            yield Message(event, message_id, orjson.loads(b"\n".join(fields[b"data"])))
