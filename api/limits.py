"""A limit on the size of request bodies. (Starlette's own answers in plain text where a route reads no body.)"""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import Problem, about, problem_response


class BodyLimit:
    """Refuses bodies above ``limit`` bytes: by their Content-Length, or else as soon as that many have come in."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._is_too_long(Headers(scope=scope).get("content-length", "0")):
            await problem_response(scope, self._problem())(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._limit:
                raise self._problem()
            return message

        await self._app(scope, counted, send)

    def _is_too_long(self, content_length: str) -> bool:
        # A number of 20 digits is too long whatever the limit, and Python refuses to read one of 5,000.
        return content_length.isdecimal() and (len(content_length) > 20 or int(content_length) > self._limit)

    def _problem(self) -> Problem:
        # What is left of the body is not read, so the connection cannot be used again.
        message = f"a body may have at most {self._limit} bytes"
        return about("", "body", "body_too_large", message, self._limit, {"Connection": "close"})
