"""What is read of jobs that are polled is what is stored, on both databases."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import httpx
import pytest
from fastapi import Request, Response
from support.http import client_of, served
from support.problems import problem_of
from support.progress import ask, claim, finish, queue_job, record, running_job

from api import caching
from api.dependencies import in_session, standing_of
from api.main import create_app
from models import actions, jobs, polling
from models.database import Database
from models.polling import JobReader
from models.settings import Settings

ROW = [1.0] * 9


@pytest.fixture
def reader(database: Database) -> Iterator[JobReader]:
    opened = JobReader(database)
    yield opened
    opened.close()


class TestReader:
    def test_places_in_the_queue_are_those_of_the_queue(self, reader: JobReader, database: Database) -> None:
        ids = [queue_job(database, priority=priority) for priority in (0, 5, 0, -3, 5, 0, 9)]
        for number in range(len(ids) + 1):
            found = reader.read(ids)
            with database.read() as session:
                stored = [jobs.get(session, job_id) for job_id in ids]
                expected = [jobs.queue_position(session, job) for job in stored if job]
            assert [found[job_id].position for job_id in ids] == expected
            assert expected.count(None) == number
            if number < len(ids):
                claim(database)

    def test_what_does_not_change_is_read_once(self, reader: JobReader, database: Database) -> None:
        job, lease = running_job(database)
        waiting = queue_job(database)
        before = reader.read([job.id, waiting])
        assert reader.read([job.id, waiting]) == before
        record(database, job, lease, 1, [ROW])
        after = reader.read([job.id, waiting])
        assert (after[job.id].job.step, after[waiting]) == (1, before[waiting])
        ask(database, waiting, actions.pause)
        paused = reader.read([waiting])[waiting]
        assert (paused.job.status, paused.position) == ("paused", None)

    def test_a_deleted_job_is_forgotten(self, reader: JobReader, database: Database) -> None:
        job, lease = running_job(database)
        finish(database, lease)
        assert reader.read([job.id])[job.id].job.status == "succeeded"
        ask(database, job.id, jobs.delete_job)
        assert reader.read([job.id, "job_000000000000000000000000"]) == {}

    def test_a_connection_that_was_closed_is_replaced(self, reader: JobReader, database: Database) -> None:
        job, _ = running_job(database)
        before = reader.read([job.id])[job.id]
        for connection in reader._idle:
            connection.close()
        after = reader.read([job.id])[job.id]
        # Read anew: another database may be behind the new connection.
        assert after is not before
        assert after.job.revision == before.job.revision
        assert reader.read([job.id])[job.id] is after

    def test_only_so_many_are_remembered(
        self, reader: JobReader, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(polling, "REMEMBERED", 2)
        ids = [queue_job(database) for _ in range(4)]
        assert [reader.read([job_id])[job_id].job.id for job_id in ids] == ids
        assert list(reader._remembered) == ids[2:]
        assert set(reader.read(ids)) == set(ids)
        assert len(reader._remembered) == 2


def test_whoever_was_told_of_a_write_sees_it_whoever_asks_meanwhile(settings: Settings, database: Database) -> None:
    """Each of four clients changes a job of its own and reads it at once, by another process's way and by the API's,
    while others poll all four."""
    owned = [running_job(database) for _ in range(4)]
    paths = [f"/v1/jobs/{job.id}" for job, _ in owned]
    over = Event()

    def change(index: int, client: httpx.Client) -> None:
        job, lease = owned[index]
        etag = client.get(paths[index]).headers["etag"]
        for step in range(1, 16):
            record(database, job, lease, step, [ROW])
            seen = client.get(paths[index], headers={"If-None-Match": etag})
            assert (seen.status_code, seen.json()["step"]) == (200, step)
            etag = seen.headers["etag"]
            assert client.get(paths[index], headers={"If-None-Match": etag}).status_code == 304
        assert client.post(f"{paths[index]}/pause").json()["status"] == "pausing"
        assert client.get(paths[index], headers={"If-None-Match": etag}).json()["status"] == "pausing"
        assert client.post(f"{paths[index]}/cancel").json()["status"] == "cancelling"
        assert client.get(paths[index]).json()["status"] == "cancelling"

    def poll(client: httpx.Client) -> int:
        last, polls = [0] * len(paths), 0
        while not over.is_set():
            for index, path in enumerate(paths):
                step = client.get(path).json()["step"]
                assert step >= last[index]  # never back
                last[index], polls = step, polls + 1
        return polls

    with (
        served(create_app(settings)) as url,
        httpx.Client(base_url=url, timeout=60) as client,
        ThreadPoolExecutor(8) as pool,
    ):
        polling_clients = [pool.submit(poll, client) for _ in range(4)]
        changing = [pool.submit(change, index, client) for index in range(4)]
        try:
            for each in changing:
                each.result()
        finally:
            over.set()
        assert min(each.result() for each in polling_clients) > 10


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_route_of_what_changes_with_its_job_answers_304(settings: Settings, database: Database) -> None:
    app = create_app(settings)

    @app.get("/v1/jobs/{job_id}/shadow")
    async def shadow(request: Request, job_id: str) -> Response:
        standing = await standing_of(request, job_id)
        tag = caching.tag_of(request, standing.job, "shadow")
        newest = await in_session(request, lambda session: jobs.get(session, job_id))
        return Response(str(newest and newest.step), headers=tag.headers)

    job, lease = running_job(database)
    path = f"/v1/jobs/{job.id}/shadow"
    with client_of(app) as client:
        first = client.get(path)
        etag = first.headers["etag"]
        assert (first.text, first.headers["cache-control"]) == ("0", "private, no-cache")
        unchanged = client.get(path, headers={"If-None-Match": etag})
        assert (unchanged.status_code, unchanged.content, unchanged.headers["etag"]) == (304, b"", etag)
        record(database, job, lease, 1, [ROW])
        changed = client.get(path, headers={"If-None-Match": etag})
        assert (changed.status_code, changed.text) == (200, "1")
        assert changed.headers["etag"] != etag
        for nobody in ("job_000000000000000000000000", "job_1"):
            missing = f"/v1/jobs/{nobody}/shadow"
            problem_of(client.get(missing, headers={"If-None-Match": "*"}), 404, "job_not_found")


def test_more_requests_than_threads_and_connections_are_all_answered(settings: Settings, database: Database) -> None:
    job, _ = running_job(database)
    paths = ["/v1/jobs", "/v1/workers", f"/v1/jobs/{job.id}", f"/v1/jobs/{job.id}/events"]
    limits = httpx.Limits(max_connections=None)

    async def ask_all(url: str) -> list[int]:
        # Less patience than the pool has: it would find the way out of a deadlock in 30 s.
        async with httpx.AsyncClient(base_url=url, limits=limits, timeout=20) as client:
            asked = [client.get(path) for path in paths * 40] + [client.post(f"{paths[2]}/pause") for _ in range(40)]
            return [answer.status_code for answer in await asyncio.gather(*asked)]

    with served(create_app(settings)) as url:
        assert set(asyncio.run(ask_all(url))) == {200, 202}
