"""HEAD (RFC 9110): what GET would answer, without the body."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Head:
    """Has HEAD answered wherever GET is, and keeps the body back. It does not wait for the end of one that comes in
    parts, which a stream may not have."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        answered = False

        async def without_body(message: Message) -> None:
            nonlocal answered
            if message["type"] != "http.response.body":
                await send(message)
            elif not answered:
                # A server then says that the client is gone, which ends what makes the rest of the body.
                answered = True
                await send({"type": "http.response.body"})

        await self._app({**scope, "method": "GET"}, receive, without_body)
