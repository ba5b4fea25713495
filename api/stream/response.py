"""The response that carries a stream."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from fastapi.sse import KEEPALIVE_COMMENT, EventSourceResponse, format_sse_event
from starlette.types import Receive, Scope, Send

from api.stream.feed import Question
from api.stream.hub import Hub
from models.news import Cursor

# Proxies close what says nothing for a minute.
KEEP_ALIVE_SECONDS = 15.0
# How long clients wait before they come back.
RETRY_MILLISECONDS = 2000
HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


class JobStream(EventSourceResponse):
    """Sends what comes behind ``cursor``, with the metrics ``names``, until nothing can come any more, the client is
    gone or the server ends."""

    def __init__(self, hub: Hub, job_number: int, cursor: Cursor, names: tuple[str, ...]) -> None:
        self._messages = self._follow(hub, job_number, Question(cursor, names))
        super().__init__(self._messages, headers=HEADERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Closed here, not when the garbage is collected: the last listener's end is the end of the polling.
        async with aclosing(self._messages):
            await super().__call__(scope, receive, send)

    async def _follow(self, hub: Hub, job_number: int, question: Question) -> AsyncGenerator[bytes, None]:
        yield format_sse_event(retry=RETRY_MILLISECONDS)
        hurried = True
        with hub.listening(job_number) as feed:
            while not hub.is_closing:
                try:
                    batch = await feed.next(question, hurried, KEEP_ALIVE_SECONDS)
                except TimeoutError:
                    yield KEEPALIVE_COMMENT
                    continue
                if batch is None:
                    return
                yield batch.content
                if batch.ended:
                    return
                question, hurried = Question(batch.cursor, question.names), batch.more
