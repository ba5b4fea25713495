"""Both clients, the blocking one and the asynchronous one, against answers that are made up: a scenario is written
once, as a coroutine, and run with each."""

import asyncio
import inspect
import json
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Iterable, Iterator
from typing import Any

import httpx

from api import examples, health_examples
from ganjobs import AsyncClient, Client

Handler = Callable[[httpx.Request], httpx.Response]
Scenario = Callable[[Any], Coroutine[Any, Any, None]]
KINDS = (Client, AsyncClient)
JOB = f"/v1/jobs/{examples.JOB_ID}"
# A picture of one white pixel.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010100000000376ef9240000000a49444154789c6368000000820081"
    "77cd72b60000000049454e44ae426082"
)


class Broken(httpx.SyncByteStream, httpx.AsyncByteStream):
    """What comes of an answer before its connection is lost."""

    def __iter__(self) -> Iterator[bytes]:
        yield b"some"
        raise httpx.ReadError("connection reset")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece


class Server:
    """Answers as the API's documentation does, unless told otherwise; ``asked`` is what was asked so far."""

    def __init__(self) -> None:
        self.asked: list[httpx.Request] = []
        self.answers: dict[str, list[Any]] = {}
        for path, answer in PLAIN.items():
            self.answers[f"GET {path}"] = [answer]
        for path, answer in MADE.items():
            self.answers[f"POST {path}"] = [answer]
        self.answers[f"DELETE {JOB}"] = [examples.DELETED]

    def on(self, line: str, *answers: Any) -> "Server":
        """Answer a ``METHOD path`` so: by JSON, bytes, a response, an error that is raised, or a stream; by one after
        the other, and then always by the last."""
        self.answers[line] = list(answers)
        return self

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        line = f"{request.method} {request.url.path}"
        if line not in self.answers:
            return httpx.Response(404, json={"title": "Not found", "detail": f"nothing at {line}", "status": 404})
        answers = self.answers[line]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        match answer:
            case httpx.Response():
                return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
            case Exception():
                raise answer
            case type():
                return httpx.Response(200, stream=answer())
            case bytes():
                return httpx.Response(200, content=answer)
        return httpx.Response(200, json=answer, headers={"ETag": f'"{hash(json.dumps(answer))}"'})

    @property
    def lines(self) -> list[str]:
        """What was asked, as ``METHOD path``."""
        return [f"{request.method} {request.url.path}" for request in self.asked]


PLAIN: dict[str, Any] = {
    "/v1/jobs": examples.JOB_PAGE,
    "/v1/summaries": examples.JOB_PAGE,
    "/v1/workers": examples.WORKERS,
    "/readyz": examples.READY,
    JOB: examples.JOB,
    f"{JOB}/samples": examples.SAMPLES,
    f"{JOB}/samples/200": PNG,
    f"{JOB}/evaluations": examples.EVALUATIONS,
    f"{JOB}/events": examples.EVENTS,
    f"{JOB}/logs": examples.LOGS,
    f"{JOB}/checkpoints": examples.CHECKPOINTS,
    f"{JOB}/health": health_examples.HEALTH,
    f"{JOB}/health/history": health_examples.HEALTH_HISTORY,
}
MADE: dict[str, Any] = {
    "/v1/jobs": examples.NEW_JOB,
    "/v1/jobs/validate": examples.VALIDATION,
    f"{JOB}/cancel": examples.CANCELLING_JOB,
    f"{JOB}/pause": examples.PAUSED_JOB,
    f"{JOB}/resume": examples.NEW_JOB,
    f"{JOB}/retry": examples.RETRIED_JOB,
    f"{JOB}/fork": examples.FORKED_JOB,
}


def play(kind: type[Client] | type[AsyncClient], handler: Handler, scenario: Scenario) -> None:
    """Run a scenario with a client of this kind."""

    async def run() -> None:
        client = kind("http://api", transport=httpx.MockTransport(handler))
        try:
            await scenario(client)
        finally:
            await settled(client.aclose() if isinstance(client, AsyncClient) else client.close())

    asyncio.run(run())


async def settled(value: Any) -> Any:
    """What a call of either client comes to."""
    return await value if inspect.isawaitable(value) else value


async def listed(values: Iterable[Any] | AsyncIterable[Any]) -> list[Any]:
    """What either kind of iteration yields."""
    if isinstance(values, AsyncIterable):
        return [value async for value in values]
    return list(values)
