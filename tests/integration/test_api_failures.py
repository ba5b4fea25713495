"""The API while Redis, the database or the workers are away."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError
from support.databases import PostgresDatabases
from support.http import client_of
from support.problems import problem_of
from support.progress import POINTS, add_worker, queue_job
from support.servers import Postgres, Valkey
from support.serving import wait_until

from api.dependencies import Services
from api.main import create_app
from api.routes import health
from models.database import Database
from models.metadata import METADATA
from models.queue import Doorbell
from models.settings import Settings


def ready_worker(database: Database, status: str = "ready") -> None:
    add_worker(database)
    with database.write() as session:
        session.execute(text("UPDATE workers SET status = :status"), {"status": status})


class TestReadiness:
    def test_ready_with_all_three(self, client: httpx.Client, database: Database) -> None:
        ready_worker(database)
        response = client.get("/readyz")
        assert response.status_code == 200, response.text
        assert response.json()["status"] == "ready"
        assert {check["status"] for check in response.json()["checks"].values()} == {"ok"}

    @pytest.mark.parametrize("status", ["draining", "stopped"])
    def test_not_ready_without_a_worker_that_takes_jobs(
        self, client: httpx.Client, database: Database, status: str
    ) -> None:
        ready_worker(database, status)
        response = client.get("/readyz")
        assert (response.status_code, response.json()["status"]) == (503, "not_ready")
        checks = {name: check["status"] for name, check in response.json()["checks"].items()}
        assert checks == {"database": "ok", "queue": "ok", "worker": "unavailable"}

    def test_a_probe_that_hangs_is_given_up(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch, database: Database
    ) -> None:
        ready_worker(database)
        app = create_app(settings)
        release = threading.Event()
        held: Services = app.state.services
        monkeypatch.setattr(health, "PATIENCE", 0.3)
        monkeypatch.setattr(held.doorbell, "waiting", lambda: release.wait(30))
        try:
            with client_of(app) as client:
                # More often than there are threads for probes: those of the other checks are their own.
                for _ in range(health.PROBES_AT_ONCE + 2):
                    started = time.monotonic()
                    checks = client.get("/readyz").json()["checks"]
                    assert time.monotonic() - started < 5
                    assert checks["queue"] == {"status": "unavailable", "detail": "no answer within 0.3 seconds"}
                    assert checks["database"]["status"] == checks["worker"]["status"] == "ok"
                assert client.get("/v1/jobs").status_code == 200
        finally:
            release.set()

    def test_alive_whatever_happens(self, settings: Settings) -> None:
        gone = {"database_url": "postgresql://nobody@127.0.0.1:1/none", "redis_url": "redis://127.0.0.1:1/0"}
        with client_of(create_app(settings.model_copy(update=gone))) as client:
            assert client.get("/livez").json() == {"status": "alive"}


class TestRedisAway:
    def test_a_job_is_created_all_the_same(self, settings: Settings, private_redis: Valkey) -> None:
        mine = settings.model_copy(update={"redis_url": private_redis.url})
        with client_of(create_app(mine)) as client:
            private_redis.kill()
            started = time.monotonic()
            created = client.post("/v1/jobs", json=POINTS)
            assert created.status_code == 201
            assert time.monotonic() - started < 5
            assert client.get(created.headers["location"]).json()["status"] == "queued"
            assert client.get("/readyz").json()["checks"]["queue"]["status"] == "unavailable"
            private_redis.start()
            assert client.get("/readyz").json()["checks"]["queue"]["status"] == "ok"
            assert client.post("/v1/jobs", json=POINTS).status_code == 201
            wait_until(lambda: Doorbell(mine).waiting() == 1, 10, "one ring")


REQUESTS: list[Callable[[httpx.Client], httpx.Response]] = [
    lambda client: client.post("/v1/jobs", json=POINTS),
    lambda client: client.get("/v1/jobs"),
    lambda client: client.get("/v1/jobs/job_000000000000000000000000"),
    lambda client: client.post("/v1/jobs/job_000000000000000000000000/cancel"),
    lambda client: client.post("/v1/jobs/job_000000000000000000000000/resume"),
    lambda client: client.post("/v1/jobs/job_000000000000000000000000/fork", json={}),
    lambda client: client.delete("/v1/jobs/job_000000000000000000000000"),
    lambda client: client.get("/v1/jobs/job_000000000000000000000000/metrics"),
    lambda client: client.get("/v1/workers"),
]


class TestDatabaseAway:
    def assert_unavailable(self, client: httpx.Client) -> None:
        for request in REQUESTS:
            response = request(client)
            problem = problem_of(response, 503, "unavailable")
            assert response.headers["retry-after"] == "5"
            assert "Traceback" not in str(problem)
        ready = client.get("/readyz")
        assert ready.status_code == 503
        assert ready.json()["checks"]["database"]["status"] == "unavailable"
        # What needs no database works on.
        assert client.post("/v1/jobs/validate", json=POINTS).status_code == 200

    def test_a_postgres_that_dies_and_comes_back(self, redis_url: str, tmp_path: Path) -> None:
        server = Postgres()
        try:
            server.start()
            databases = PostgresDatabases(server.url("postgres"))
            with databases.fresh() as url:
                settings = Settings(data_folder=tmp_path, database_url=url, redis_url=redis_url)
                with client_of(create_app(settings)) as client:
                    before = client.post("/v1/jobs", json=POINTS).json()
                    server.kill()
                    self.assert_unavailable(client)
                    server.start()
                    assert client.get(f"/v1/jobs/{before['id']}").json() == before
            databases.close()
        finally:
            server.remove()

    def test_a_server_that_was_never_there(self, settings: Settings) -> None:
        nowhere = settings.model_copy(update={"database_url": "postgresql://nobody@127.0.0.1:1/none"})
        with client_of(create_app(nowhere)) as client:
            self.assert_unavailable(client)

    def test_a_database_without_tables(self, client: httpx.Client, database: Database) -> None:
        METADATA.drop_all(database.engine)
        self.assert_unavailable(client)


def test_a_commit_that_fails_is_told_and_rings_for_nothing(settings: Settings, database: Database) -> None:
    app = create_app(settings)
    held: Services = app.state.services

    def fail(_: object) -> None:
        raise OperationalError("COMMIT", {}, Exception("the disk is full"))

    event.listen(held.database.engine, "commit", fail)
    with client_of(app) as client:
        problem_of(client.post("/v1/jobs", json=POINTS), 503, "unavailable")
        event.remove(held.database.engine, "commit", fail)
        assert client.get("/v1/jobs").json()["data"] == []
    assert Doorbell(settings).waiting() == 0


def test_a_refused_request_leaves_nothing_behind(client: httpx.Client, database: Database) -> None:
    path = f"/v1/jobs/{queue_job(database)}"
    before = client.get(path)
    assert client.delete(path).status_code == 409
    assert client.post(f"{path}/cancel?now=1").status_code == 422
    assert client.get(path).headers["etag"] == before.headers["etag"]


def test_an_unexpected_error_leaks_nothing(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    app = create_app(settings)

    def fail(*_: object) -> None:
        raise RuntimeError("the secret is 42")

    monkeypatch.setattr("models.jobs.list_jobs", fail)
    with client_of(app) as client:
        problem = problem_of(client.get("/v1/jobs"), 500, "internal_error")
    assert "42" not in str(problem)
