"""Running operations by blocking calls."""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from types import TracebackType
from typing import Any, Self, Unpack

import httpx
from tenacity import Retrying

from ganjobs.connection import Connection, Login
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
    arrived,
    checked,
    policy,
    said,
)
from ganjobs.errors import ApiUnreachable, ClientError, NotSent


class Transport:
    """A connection to the API at ``url``. Close it, or use it as a context manager.

    Its methods raise ``ApiUnreachable`` when nobody answers and ``ApiError`` when the API refuses, unless the operation
    deals with that itself.
    """

    def __init__(
        self,
        url: str | Connection,
        transport: httpx.BaseTransport | None = None,
        **login: Unpack[Login],
    ) -> None:
        self.connection = url if isinstance(url, Connection) else Connection.to(url, **login)
        self._http = httpx.Client(timeout=TIMEOUT, transport=transport, **self.connection.options)

    @property
    def url(self) -> str:
        """The API's address as it may be shown, with no name or password in it."""
        return self.connection.url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def send(self, request: Request) -> httpx.Response:
        """The answer to a request, sent again where that makes sense."""
        return checked(self._sent(request, self._http.request, **request.arguments()))

    def open(self, request: Request, timeout: httpx.Timeout) -> httpx.Response:
        """The answer to a request, a success that is not read yet; sent again where that makes sense."""
        response = self._sent(request, self._begin, **request.arguments(), timeout=timeout)
        return checked(response)

    def _begin(self, **arguments: Any) -> httpx.Response:
        response = self._http.send(self._http.build_request(**arguments), stream=True)
        if not response.is_success:
            response.read()
        return response

    def _sent(self, request: Request, how: Callable[..., httpx.Response], **arguments: Any) -> httpx.Response:
        if self._http.is_closed:
            raise NotSent(f"the client of {self.url} is closed")
        try:
            return Retrying(**policy(request))(how, **arguments)
        except httpx.TransportError as error:
            raise ApiUnreachable(self.url, said(error), request.once and arrived(error)) from error
        except httpx.InvalidURL as error:
            raise NotSent(f"{request.path[:80]!r} is no address ({error})") from error

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

    def iterate(self, emission: Emission[Item]) -> Generator[Item, None, None]:
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
        self._response = response = self._transport.open(effect.request, effect.timeout)
        self._bytes = response.iter_bytes()
        return response

    def close(self) -> None:
        if self._response is not None:
            self._response.close()
