"""Streams of real processes: a job followed through the death of the API, and a server that ends meanwhile."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from support.databases import SqliteDatabases
from support.progress import queue_job
from support.serving import RING, Serving, environment, free_port, wait_until
from support.streams import Reader, listening

from ganjobs import stream
from ganjobs.rest import Rest
from models.database import Database

LONG = RING | {"steps": 5_000_000, "sample_every": 2000, "checkpoint_every": 2000}


def test_a_job_is_followed_through_the_death_of_the_api(serving: Serving, client: Rest) -> None:
    job_id = client.create(LONG)["id"]
    reader, killed, goal = Reader(), False, 0
    for message in stream.follow(client.url, job_id, ["d_loss"], from_step=0):
        reader.take(message)
        if not killed and len(reader.rows) > 500:
            (api,) = serving.find("uvicorn")
            os.kill(api, signal.SIGKILL)
            killed, goal = True, len(reader.rows) + 2000
        if killed and goal and len(reader.rows) > goal:
            client.cancel(job_id)
            goal = 0
    assert reader.ended == {"reason": "finished", "status": "cancelled"}
    rows = client.metrics(job_id, ["d_loss"])
    assert list(reader.rows) == rows.steps
    assert [value for (value,) in reader.rows.values()] == rows.columns["d_loss"]
    assert reader.events == [event["id"] for event in client.events(job_id)]
    assert reader.samples == [sample["step"] for sample in client.samples(job_id)]


@pytest.fixture
def server(tmp_path: Path, sqlite_databases: SqliteDatabases) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """An API that waits for its requests as long as they take, its URL, and the path of a job's stream."""
    with sqlite_databases.fresh() as database_url:
        database = Database(database_url)
        path = f"/v1/jobs/{queue_job(database)}/stream"
        database.dispose()
        port = free_port()
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "api.main:create_app", "--factory", "--port", str(port)],
            env=environment() | {"GANJOBS_DATA_FOLDER": str(tmp_path), "GANJOBS_DATABASE_URL": database_url},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until(lambda: answers(url), 60, "the API")
            yield process, url, path
        finally:
            process.kill()
            process.communicate()


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/livez").is_success
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_open_streams_do_not_keep_a_server_that_is_told_to_end(
    server: tuple[subprocess.Popen[str], str, str], number: signal.Signals
) -> None:
    process, url, path = server
    with ExitStack() as opened:
        streams = [opened.enter_context(listening(url, path)) for _ in range(20)]
        for each in streams:
            each.until_event("job")
        begun = time.monotonic()
        process.send_signal(number)
        assert [list(each) for each in streams] == [[]] * 20  # whole, and no end: their clients come back
        written, _ = process.communicate(timeout=10)
        assert time.monotonic() - begun < 3
    assert "api stopped" in written
    assert "Traceback" not in written
    assert "[error" not in written
