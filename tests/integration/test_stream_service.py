"""What streams cost, and what they bear: many listeners, slow ones, outages, faults, the server's end."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import create_engine, event, make_url, text
from support.progress import record, running_job
from support.serving import wait_until
from support.streams import POLL_SECONDS, Reader, Stream, listening, rows

from api.stream import response as stream_response
from models import news
from models.database import Database
from models.leases import Lease
from models.tables import Job


def listeners(app: FastAPI) -> int:
    return sum(app.state.services.streams._listeners.values())


def test_head_does_not_wait(app: FastAPI, url: str, path: str) -> None:
    answer = httpx.head(url + path)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"].startswith("text/event-stream")
    wait_until(lambda: listeners(app) == 0, 5, "nobody listens")


@contextmanager
def counted(app: FastAPI) -> Iterator[list[str]]:
    """The statements that the application sends meanwhile."""
    found: list[str] = []
    engine = app.state.services.database.engine

    def count(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        found.append(statement)

    event.listen(engine, "before_cursor_execute", count)
    yield found
    event.remove(engine, "before_cursor_execute", count)


def news_cost(app: FastAPI, url: str, database: Database, number: int) -> int:
    """How many statements it costs to tell ``number`` listeners of five blocks, beside the looks that find nothing."""
    job, lease = running_job(database, steps=1_000_000)
    path = f"/v1/jobs/{job.id}/stream"
    limits = httpx.Limits(max_connections=None)
    with httpx.Client(base_url=url, limits=limits, timeout=30) as http, ThreadPoolExecutor(number) as threads:
        streams = [http.send(http.build_request("GET", path), stream=True) for _ in range(number)]
        live = [Stream(response) for response in streams]
        for each in live:
            each.until_event("job")
        record(database, job, lease, 1, rows(1, 1))  # now all have come
        for each in live:
            each.until_event("job")
        with counted(app) as statements:
            for step in range(2, 7):
                record(database, job, lease, step, rows(step, step))
                read = list(threads.map(lambda each: each.until_event("job"), live))
                assert {tuple(m.id for m in messages) for messages in read} == {tuple(m.id for m in read[0])}
            found = [each for each in statements if "jobs.revision" not in each or "jobs.spec" in each]
        for response in streams:
            response.close()
    wait_until(lambda: listeners(app) == 0, 5, "nobody listens")
    return len([each for each in found if each.lstrip().startswith("SELECT")])


def test_a_hundred_listeners_cost_what_one_does(app: FastAPI, url: str, database: Database) -> None:
    assert news_cost(app, url, database, 1) == news_cost(app, url, database, 100) > 0


def test_no_news_costs_one_small_query_and_nobody_costs_none(app: FastAPI, url: str, path: str) -> None:
    with listening(url, path) as first, listening(url, path) as second:
        first.until_event("job")
        second.until_event("job")
        with counted(app) as statements:
            time.sleep(10 * POLL_SECONDS)
        looks = [each for each in statements if each.startswith("SELECT")]
        assert {each.split("\n")[0].strip() for each in looks} == {"SELECT jobs.revision, jobs.status"}
        assert 1 <= len(looks) <= 11
    wait_until(lambda: listeners(app) == 0, 5, "nobody listens")
    with counted(app) as statements:
        time.sleep(4 * POLL_SECONDS)
    assert statements == []


def test_a_listener_that_does_not_read_misses_nothing(app: FastAPI, url: str, database: Database) -> None:
    job, lease = running_job(database, steps=1_000_000)
    path, reader, step, count = f"/v1/jobs/{job.id}/stream", Reader(), 0, 20_000
    with listening(url, path, receive_bytes=65_536) as slow, listening(url, path) as quick:
        for _ in range(4):
            record(database, job, lease, step + 1, [[0.1 + step] * 9] * count)
            step += count
            quick.until(lambda message, last=step: message.event == "job" and message.data["step"] == last)  # type: ignore[misc]
        (feed,) = app.state.services.streams._feeds.values()
        wait_until(lambda: sum(map(len, feed._waiting.values())) == 1, 5, "one listener waiting")
        kept = sum(len(batch.content) for batch in feed._recent.values())
        assert kept < 2_000_000  # and not the 7 MB that the slow one has not read
        for message in slow.until(lambda message: message.event == "job" and message.data["step"] == step):
            reader.take(message)
    assert list(reader.rows) == list(range(1, step + 1))


def test_a_ping_where_there_is_no_news(url: str, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_response, "KEEP_ALIVE_SECONDS", 0.1)
    with httpx.stream("GET", url + path, timeout=10) as response:
        lines = response.iter_lines()
        assert next(lines) == f"retry: {stream_response.RETRY_MILLISECONDS}"
        assert [line for line in (next(lines) for _ in range(12)) if line.startswith(":")] == [": ping"] * 4


@contextmanager
def outage(database: Database) -> Iterator[None]:
    """A database that cannot be asked: on SQLite without its tables, on PostgreSQL closed to all."""
    if database.url.get_backend_name() == "sqlite":
        with database.write() as session:
            session.execute(text("ALTER TABLE jobs RENAME TO gone"))
        yield
        with database.write() as session:
            session.execute(text("ALTER TABLE gone RENAME TO jobs"))
        return
    admin = create_engine(make_url(database.url).set(database="postgres"), isolation_level="AUTOCOMMIT")
    name = database.url.database
    with admin.connect() as connection:
        connection.execute(text(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS false'))
        connection.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"))
        try:
            yield
        finally:
            connection.execute(text(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS true'))
    admin.dispose()


def test_an_outage_is_waited_for(
    url: str, path: str, database: Database, job: tuple[Job, Lease], caplog: pytest.LogCaptureFixture
) -> None:
    with listening(url, path) as live:
        live.until_event("job")
        with outage(database):
            wait_until(lambda: "waits for the database" in caplog.text, 10, "the outage")
            time.sleep(0.3)
        record(database, *job, 11, rows(11, 12))
        assert live.until_event("metrics")[-1].data["columns"]["step"] == [11, 12]
        wait_until(lambda: "the database is back" in caplog.text, 10, "the end of it")
    assert caplog.text.count("waits for the database") == 1
    assert "Traceback" not in caplog.text


def test_a_fault_of_ours_ends_the_stream_without_an_end(
    url: str,
    path: str,
    database: Database,
    job: tuple[Job, Lease],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its client comes back, and is told nothing of the fault."""
    with listening(url, path) as live:
        (state,) = live.until_event("job")
        with monkeypatch.context() as broken:
            broken.setattr(news, "read", lambda *_: 1 / 0)
            record(database, *job, 11, rows(11, 12))
            assert list(live) == []
    assert caplog.text.count("stream failed") == 1
    with listening(url, path, last_id=state.id) as live:
        assert live.until_event("metrics")[-1].data["columns"]["step"] == [11, 12]


def test_a_server_that_ends_ends_its_streams(app: FastAPI, url: str, path: str) -> None:
    with listening(url, path) as live:
        live.until_event("job")
        app.state.services.streams.close()
        assert list(live) == []
    with listening(url, path) as late:
        assert list(late) == []
