"""Running operations in an event loop: ``ganjobs.transport``, with ``await`` wherever that one blocks."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, closing
from types import TracebackType
from typing import Any, Self, Unpack

import httpx
from tenacity import AsyncRetrying

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


class AsyncTransport:
    """A connection to the API at ``url``. Close it, or use it as a context manager; errors as in ``Transport``."""

    def __init__(
        self,
        url: str | Connection,
        transport: httpx.AsyncBaseTransport | None = None,
        **login: Unpack[Login],
    ) -> None:
        self.connection = url if isinstance(url, Connection) else Connection.to(url, **login)
        self._http = httpx.AsyncClient(timeout=TIMEOUT, transport=transport, **self.connection.options)

    @property
    def url(self) -> str:
        """The API's address as it may be shown, with no name or password in it."""
        return self.connection.url

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._http.aclose()

    async def send(self, request: Request) -> httpx.Response:
        """The answer to a request, sent again where that makes sense."""
        return checked(await self._sent(request, self._http.request, **request.arguments()))

    async def open(self, request: Request, timeout: httpx.Timeout) -> httpx.Response:
        """The answer to a request, a success that is not read yet; sent again where that makes sense."""
        response = await self._sent(request, self._begin, **request.arguments(), timeout=timeout)
        return checked(response)

    async def _begin(self, **arguments: Any) -> httpx.Response:
        response = await self._http.send(self._http.build_request(**arguments), stream=True)
        if not response.is_success:
            await response.aread()
        return response

    async def _sent(
        self, request: Request, how: Callable[..., Awaitable[httpx.Response]], **arguments: Any
    ) -> httpx.Response:
        if self._http.is_closed:
            raise NotSent(f"the client of {self.url} is closed")
        try:
            return await AsyncRetrying(**policy(request))(how, **arguments)
        except httpx.TransportError as error:
            raise ApiUnreachable(self.url, said(error), request.once and arrived(error)) from error
        except httpx.InvalidURL as error:
            raise NotSent(f"{request.path[:80]!r} is no address ({error})") from error

    async def run(self, operation: Operation[Result]) -> Result:
        """What an operation comes to."""
        async with aclosing(_Opened(self)) as opened:
            with closing(operation):
                answer, error = None, None
                while True:
                    try:
                        effect = operation.throw(error) if error else operation.send(answer)
                    except StopIteration as end:
                        result: Result = end.value
                        return result
                    answer, error = await opened.attempt(effect)

    async def iterate(self, emission: Emission[Item]) -> AsyncGenerator[Item, None]:
        """What an operation emits, as it comes."""
        async with aclosing(_Opened(self)) as opened:
            with closing(emission):
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
                        answer, error = await opened.attempt(effect)


class _Opened:
    """Does what an operation asks for, and holds what it opened."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport
        self._response: httpx.Response | None = None
        self._bytes: AsyncIterator[bytes]

    async def attempt(self, effect: Request | Sleep | Open | Read) -> tuple[Any, Exception | None]:
        """What came of an effect: its answer, or the error that the operation is to hear of."""
        try:
            return await self._do(effect), None
        except (ClientError, httpx.TransportError) as error:
            return None, error

    async def _do(self, effect: Request | Sleep | Open | Read) -> Any:
        match effect:
            case Request():
                return await self._transport.send(effect)
            case Sleep(seconds):
                return await asyncio.sleep(seconds)
            case Open():
                return await self._open(effect)
            case Read():
                return await anext(self._bytes, None)

    async def _open(self, effect: Open) -> httpx.Response:
        await self.aclose()
        self._response = response = await self._transport.open(effect.request, effect.timeout)
        self._bytes = response.aiter_bytes()
        return response

    async def aclose(self) -> None:
        if self._response is not None:
            await self._response.aclose()
