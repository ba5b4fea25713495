"""Parts of the API that need no database: the body limit, HEAD, the access log, entity tags."""

import asyncio
import json
from collections.abc import Sequence

import pytest
import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.testing import capture_logs

from api import caching, logs
from api.head import Head
from api.limits import BodyLimit
from api.logs import AccessLog

Headers = Sequence[tuple[bytes, bytes]]
LIMIT = 10


async def reads_all(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that answers with the number of bytes it was sent."""
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message["body"]), message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(size).encode()})


def request(
    app: ASGIApp,
    path: str = "/",
    headers: Headers = (),
    chunks: Sequence[bytes] = (b"",),
    method: str = "POST",
) -> list[Message]:
    """What ``app`` sends when it is sent these chunks."""
    left = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    left[-1]["more_body"] = False
    sent: list[Message] = []

    async def receive() -> Message:
        return left.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(app({"type": "http", "method": method, "path": path, "headers": headers}, receive, send))  # type: ignore[arg-type]
    return sent


class TestBodyLimit:
    @pytest.mark.parametrize("chunks", [[b"x" * 10], [b"xxxxx", b"xxxxx"], [b""]])
    def test_what_fits_passes(self, chunks: Sequence[bytes]) -> None:
        size = sum(map(len, chunks))
        headers = [(b"content-length", str(size).encode())]
        assert request(BodyLimit(reads_all, LIMIT), "/", headers, chunks)[-1]["body"] == str(size).encode()

    @pytest.mark.parametrize("length", [b"11", b"9" * 19, b"9" * 5000])
    def test_a_length_above_the_limit_is_refused_unread(self, length: bytes) -> None:
        async def never(scope: Scope, receive: Receive, send: Send) -> None:
            raise AssertionError("the application was called")

        start, body = request(BodyLimit(never, LIMIT), headers=[(b"content-length", length)])
        assert start["status"] == 413
        assert (b"connection", b"close") in start["headers"]
        problem = json.loads(body["body"])
        assert problem["detail"] == "A body may have at most 10 bytes."
        assert [(error["in"], error["field"], error["limit"]) for error in problem["errors"]] == [("body", "", LIMIT)]

    @pytest.mark.parametrize("headers", [[], [(b"content-length", b"5")], [(b"content-length", "²".encode("latin-1"))]])
    def test_bytes_are_counted_whatever_was_declared(self, headers: Headers) -> None:
        with pytest.raises(HTTPException) as caught:
            request(BodyLimit(reads_all, LIMIT), "/", headers, [b"x" * 6, b"x" * 5])
        assert caught.value.status_code == 413


async def tells_its_method(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["method"].encode(), "more_body": True})
    await send({"type": "http.response.body", "body": b"."})


@pytest.mark.parametrize(("method", "body"), [("GET", b"GET."), ("HEAD", b""), ("POST", b"POST.")])
def test_head_is_get_without_the_body(method: str, body: bytes) -> None:
    start, *rest = request(Head(tells_its_method), method=method)
    assert start["status"] == 200
    assert b"".join(message.get("body", b"") for message in rest) == body
    assert rest[-1].get("more_body", False) is False


class TestAccessLog:
    @pytest.fixture(autouse=True)
    def _uncached(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # A logger that has logged before keeps its configuration; the log of this test must be a new one.
        monkeypatch.setattr(logs, "log", structlog.get_logger("test.access"))

    def test_one_line_per_request_with_the_job(self) -> None:
        job_id = "job_" + "0a" * 12
        with capture_logs() as lines:
            request(AccessLog(reads_all), f"/v1/jobs/{job_id}/cancel")
        (line,) = lines
        assert (line["method"], line["status"], line["job_id"]) == ("POST", 200, job_id)
        assert line["ms"] >= 0

    def test_probes_are_quiet_while_all_is_well(self) -> None:
        with capture_logs() as lines:
            request(AccessLog(reads_all), "/readyz")
        assert lines == []

    def test_an_exception_is_a_500(self) -> None:
        async def fails(scope: Scope, receive: Receive, send: Send) -> None:
            raise RuntimeError

        with capture_logs() as lines, pytest.raises(RuntimeError):
            request(AccessLog(fails), "/v1/jobs")
        assert [line["status"] for line in lines] == [500]


@pytest.mark.parametrize(
    ("sent", "current"),
    [
        ([b'"a"'], True),
        ([b'W/"a"'], True),
        ([b'"b" , "a"'], True),
        ([b'"b"', b'"a"'], True),
        ([b"*"], True),
        ([b'"b"'], False),
        ([b"a"], False),
        ([b""], False),
        ([], False),
    ],
)
def test_if_none_match(sent: list[bytes], current: bool) -> None:
    scope = {"type": "http", "headers": [(b"if-none-match", value) for value in sent]}
    assert caching.is_current(Request(scope), caching.quoted("a")) is current
