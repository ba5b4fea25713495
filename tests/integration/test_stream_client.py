"""The Python client of the stream."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise
from threading import Thread

import pytest
from fastapi import FastAPI
from support.progress import finish, record
from support.streams import Reader, rows

from ganjobs import stream
from ganjobs.errors import ApiError, ApiUnreachable
from models import jobs
from models.database import Database
from models.leases import Lease
from models.tables import Job


def test_a_connection_that_is_lost_is_opened_again(
    app: FastAPI, url: str, path: str, database: Database, job: tuple[Job, Lease]
) -> None:
    reader = Reader()
    hub = app.state.services.streams
    for number, message in enumerate(stream.follow(url, job[0].id, ["d_loss"], from_step=0)):
        reader.take(message)
        if number == 2:
            record(database, *job, 11, rows(11, 20))
            for feed in list(hub._feeds.values()):
                feed._dismiss()  # closes the connections of all who listen
        if message.event == "job" and message.data["step"] == 20 and message.data["status"] == "running":
            finish(database, job[1])
    assert reader.rows == {step: [float(step)] for step in range(1, 21)}
    assert reader.ended == {"reason": "finished", "status": "succeeded"}


def test_behind_the_end_comes_nothing(url: str, database: Database, job: tuple[Job, Lease]) -> None:
    finish(database, job[1])
    *_, end = stream.follow(url, job[0].id)
    assert end.event == "end"
    assert list(stream.follow(url, job[0].id, last_id=end.id)) == []


def test_a_refusal_is_told(url: str, job: tuple[Job, Lease]) -> None:
    with pytest.raises(ApiError) as refused:
        next(stream.follow(url, job[0].id, ["nonsense"]))
    assert refused.value.status == 422
    with pytest.raises(ApiError) as refused:
        next(stream.follow(url, jobs.new_job_id(9)))
    assert refused.value.status == 404


@contextmanager
def serving_streams(*contents: bytes) -> Iterator[tuple[str, list[float]]]:
    """A server whose streams are these, each broken off behind its last byte, and the last of them from then on; its
    URL, and when it was asked."""
    asked: list[float] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(time.monotonic())
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            self.wfile.write(contents[min(len(asked), len(contents)) - 1])

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


OPENED = b"retry: 2000\n\n"
MESSAGE = b"event: job\ndata: {}\nid: 1\n\n"


def test_a_server_that_opens_and_drops_is_not_asked_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "FIRST_WAIT_SECONDS", 0.05)
    with serving_streams(OPENED) as (url, asked), pytest.raises(ApiUnreachable, match="before it said anything"):
        next(stream.follow(url, "job", patience_seconds=0.6))
    waits = [later - earlier for earlier, later in pairwise(asked)]
    assert 2 <= len(waits) <= 6  # a longer one each time
    assert waits[-1] > 3 * waits[0]


@pytest.mark.parametrize("sign", [MESSAGE, b": ping\n\n"])
def test_patience_begins_anew_with_each_sign_of_life(sign: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "FIRST_WAIT_SECONDS", 0.1)
    with serving_streams(*[OPENED, OPENED + sign] * 3, OPENED) as (url, asked), pytest.raises(ApiUnreachable):
        list(stream.follow(url, "job", patience_seconds=0.25))
    assert len(asked) > 6


def test_nobody_answers() -> None:
    with pytest.raises(ApiUnreachable):
        next(stream.follow("http://127.0.0.1:1", "job", patience_seconds=0.1))
