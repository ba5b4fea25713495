"""Running operations by blocking calls."""

import time
from collections.abc import Iterator
from contextlib import closing
from types import TracebackType
from typing import Any, Self

import httpx
from tenacity import Retrying

from ganjobs.effects import (
    TIMEOUT,
    Emission,
    Emit,
    Item,
    Open,
    Operation,
    Read,
    Request,
    Result,
    Sleep,
    checked,
    policy,
    said,
)
from ganjobs.errors import ApiUnreachable, ClientError


class Transport:
    """A connection to the API at ``url``. Close it, or use it as a context manager.

    Its methods raise ``ApiUnreachable`` when nobody answers and ``ApiError`` when the API refuses, unless the operation
    deals with that itself.
    """

    def __init__(self, url: str, transport: httpx.BaseTransport | None = None) -> None:
        self.url = url.rstrip("/")
        self._http = httpx.Client(base_url=self.url, timeout=TIMEOUT, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def send(self, request: Request) -> httpx.Response:
        """The answer to a request, sent again where that makes sense."""
        try:
            return checked(Retrying(**policy(request))(self._http.request, **request.arguments()))
        except httpx.TransportError as error:
            raise ApiUnreachable(self.url, said(error)) from error

    def run(self, operation: Operation[Result]) -> Result:
        """What an operation comes to."""
        with closing(_Opened(self)) as opened, closing(operation):
            answer, error = None, None
            while True:
                try:
                    effect = operation.throw(error) if error else operation.send(answer)
                except StopIteration as end:
                    result: Result = end.value
                    return result
                answer, error = opened.attempt(effect)

    def iterate(self, emission: Emission[Item]) -> Iterator[Item]:
        """What an operation emits, as it comes."""
        with closing(_Opened(self)) as opened, closing(emission):
            answer, error = None, None
            while True:
                try:
                    effect = emission.throw(error) if error else emission.send(answer)
                except StopIteration:
                    return
                if isinstance(effect, Emit):
                    yield effect.item
                    answer, error = None, None
                else:
                    answer, error = opened.attempt(effect)


class _Opened:
    """Does what an operation asks for, and holds what it opened."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._response: httpx.Response | None = None
        self._bytes: Iterator[bytes] = iter(())

    def attempt(self, effect: Request | Sleep | Open | Read) -> tuple[Any, Exception | None]:
        """What came of an effect: its answer, or the error that the operation is to hear of."""
        try:
            return self._do(effect), None
        except (ClientError, httpx.TransportError) as error:
            return None, error

    def _do(self, effect: Request | Sleep | Open | Read) -> Any:
        match effect:
            case Request():
                return self._transport.send(effect)
            case Sleep(seconds):
                return time.sleep(seconds)
            case Open():
                return self._open(effect)
            case Read():
                return next(self._bytes, None)

    def _open(self, effect: Open) -> httpx.Response:
        self.close()
        http = self._transport._http
        request = http.build_request(**effect.request.arguments(), timeout=effect.timeout)
        self._response = response = http.send(request, stream=True)
        if not response.is_success:
            response.read()
        self._bytes = response.iter_bytes()
        return checked(response)

    def close(self) -> None:
        if self._response is not None:
            self._response.close()
