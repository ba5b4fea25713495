"""A load generator: connections kept alive, each with one request under way, over bare asyncio sockets.

It parses only what it must (status, ``etag``, ``content-length``), so that it can ask far more than a server can
answer; ``ceiling`` measures how much.
"""

import asyncio
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx

HEAD_END = b"\r\n\r\n"
START_SECONDS = 20


@dataclass
class Poll:
    """What is asked again and again. With ``conditional`` each request names the newest entity tag, as a client does
    that follows something do."""

    path: str
    conditional: bool = False


@dataclass
class Answers:
    """What came back: how often each status, in how long, and the newest body."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0
    body: bytes = b""

    @property
    def per_second(self) -> float:
        return self.statuses.total() / self.seconds


class _Asker(asyncio.Protocol):
    """One connection. Ends when the time is over and the last answer is in, and with it a 304 if there can be one."""

    def __init__(self, host: str, poll: Poll, tag: bytes, answers: Answers, until: float) -> None:
        self._poll = poll
        self._answers = answers
        self._until = until
        self._start = f"GET {poll.path} HTTP/1.1\r\nHost: {host}\r\n".encode()
        self._request = self._with(tag)
        self._received = b""
        self._misses = poll.conditional
        self._transport: asyncio.Transport | None = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def _with(self, tag: bytes) -> bytes:
        """The request, on the condition that there is something newer than ``tag`` if there is a tag."""
        return self._start + (b"If-None-Match: %s\r\n\r\n" % tag if tag else b"\r\n")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(HEAD_END)
        if end < 0:
            return
        head = self._received[:end]
        status = int(head[9:12])
        length = 0 if status == 304 else int(_header(head, b"content-length"))
        whole = end + len(HEAD_END) + length
        if len(self._received) < whole:
            return
        assert len(self._received) == whole, "an answer nobody asked for"
        self._answers.statuses[status] += 1
        self._misses = self._misses and status != 304
        if status == 200:
            self._answers.body = self._received[end + len(HEAD_END) :]
            if self._poll.conditional:
                self._request = self._with(_header(head, b"etag"))
        self._received = b""
        assert self._transport is not None
        if time.perf_counter() < self._until or self._misses:
            self._transport.write(self._request)
        else:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if self.done.done():
            return
        if error is not None or time.perf_counter() < self._until:
            self.done.set_exception(error or ConnectionError(f"the server hung up on {self._poll.path}"))
        else:
            self.done.set_result(None)


def _header(head: bytes, name: bytes) -> bytes:
    """Raises ``ValueError`` for a header that the answer does not have."""
    for line in head.split(b"\r\n")[1:]:
        found, _, value = line.partition(b":")
        if found.lower() == name:
            return value.strip()
    raise ValueError(f"an answer without {name.decode()}: {head.decode()!r}")


def ask(url: str, poll: Poll, connections: int, seconds: float) -> Answers:
    """Ask ``poll`` over so many connections at once, for so long."""
    answers, tag = Answers(), b""
    if poll.conditional:
        first = httpx.get(url + poll.path)
        answers.body, tag = first.content, first.headers["etag"].encode()
    asyncio.run(_ask(url, poll, tag, answers, connections, seconds))
    return answers


async def _ask(url: str, poll: Poll, tag: bytes, answers: Answers, connections: int, seconds: float) -> None:
    address = urlsplit(url)
    assert address.hostname is not None
    assert address.port is not None
    begun = time.perf_counter()
    loop = asyncio.get_running_loop()
    askers = []
    for _ in range(connections):
        _, asker = await loop.create_connection(
            lambda: _Asker(address.netloc, poll, tag, answers, begun + seconds), address.hostname, address.port
        )
        askers.append(asker.done)
    await asyncio.gather(*askers)
    answers.seconds = time.perf_counter() - begun


CANNED = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


class _Canned(asyncio.Protocol):
    """Answers whatever it is sent with the same bytes: the fastest server that Python can be."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(CANNED)


async def _serve_canned() -> None:
    server = await asyncio.get_running_loop().create_server(_Canned, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def ceiling(connections: int, seconds: float) -> float:
    """Requests per second that the generator asks of a server, in a process of its own, that does nothing at all."""
    command = [sys.executable, str(Path(__file__).resolve())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            url = f"http://127.0.0.1:{int(server.stdout.readline())}"
            return ask(url, Poll("/"), connections, seconds).per_second
        finally:
            server.kill()


if __name__ == "__main__":
    asyncio.run(_serve_canned())
