"""What Prometheus scrapes, of both databases."""

import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from sqlalchemy import event, insert, text, update
from support.health import assess
from support.http import client_of
from support.progress import POINTS, add_worker, ask, claim, finish, queue_job, record, running_job
from support.scrape import samples, value, values

from api.main import create_app
from models import actions, jobs, leases, monitoring, workers
from models.database import Database, database_now
from models.settings import Settings
from models.spec import JobSpec
from models.status import JobStatus
from models.tables import Job, Worker

WAIT = "ganjobs_queue_wait_seconds"
GPU = {"kind": "cuda", "index": 1, "name": "NVIDIA H200", "memory_bytes": 1000, "memory_used_bytes": 250}


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each scrape reads the database, and counts what has only just happened: nothing else is being committed."""
    monkeypatch.setattr("api.monitoring.KEPT_SECONDS", 0.0)
    monkeypatch.setattr("models.monitoring.SETTLED_SECONDS", 0.0)


def rewrite(database: Database, job_id: str, **values: object) -> None:
    with database.write() as session:
        session.execute(update(Job).where(Job.id == job_id).values(**values))


class TestJobs:
    def test_by_state_and_by_verdict(self, client: httpx.Client, database: Database) -> None:
        for step, verdict in ((3, "mode_collapse"), (5, "mode_collapse"), (7, "balanced"), (None, None)):
            job, lease = running_job(database)
            if step is not None:
                assess(database, job, lease, (step, str(verdict)))
        job, lease = running_job(database)
        assess(database, job, lease, (3, "stalled"))
        finish(database, lease, JobStatus.FAILED)  # what its verdict was no longer matters
        queue_job(database)
        ask(database, queue_job(database), actions.pause)
        states = {each.labels["status"]: each.value for each in samples(client) if each.name == "ganjobs_jobs"}
        nothing = dict.fromkeys(JobStatus, 0)
        assert states == nothing | {"running": 4, "failed": 1, "queued": 1, "paused": 1}
        found = [each for each in samples(client) if each.name == "ganjobs_jobs_by_verdict"]
        by_verdict = {(each.labels["verdict"], each.labels["severity"]): each.value for each in found}
        assert by_verdict == {("mode_collapse", "alarm"): 2, ("balanced", "ok"): 1, ("none", "none"): 1}

    def test_the_queue_and_who_has_waited_longest(self, client: httpx.Client, database: Database) -> None:
        assert value(client, "ganjobs_queue_length") == value(client, "ganjobs_queue_oldest_seconds") == 0
        old, long_there = queue_job(database), queue_job(database)
        rewrite(database, long_there, changed_at=database_now(-300))
        # Created long ago and resumed just now: it waits since then.
        rewrite(database, old, created_at=database_now(-90_000))
        assert value(client, "ganjobs_queue_length") == 2
        assert 300 <= value(client, "ganjobs_queue_oldest_seconds") < 330


class TestWaits:
    def test_each_claim_is_counted_once_by_the_time_since_it_was_last_queued(
        self, client: httpx.Client, database: Database
    ) -> None:
        running_job(database)  # claimed before anybody scraped
        assert value(client, f"{WAIT}_count") == 0
        first = queue_job(database)
        time.sleep(0.3)
        _, lease = claim(database)
        claimed = value(client, f"{WAIT}_count"), value(client, f"{WAIT}_bucket", le="0.25")
        assert claimed == (1, 0)
        assert 0.3 <= value(client, f"{WAIT}_sum") < 3
        ask(database, first, actions.pause)
        with database.write() as session:
            leases.end(session, lease, JobStatus.QUEUED, "asked to pause")
        time.sleep(0.5)  # paused, it does not wait
        before = value(client, f"{WAIT}_sum")
        ask(database, first, actions.resume)
        claim(database)
        assert value(client, f"{WAIT}_count") == 2
        assert value(client, f"{WAIT}_sum") - before < 0.5

    def test_it_never_falls_though_jobs_are_deleted(self, client: httpx.Client, database: Database) -> None:
        value(client, f"{WAIT}_count")
        for _ in range(3):
            job, lease = running_job(database)
            finish(database, lease)
        assert value(client, f"{WAIT}_count") == 3
        with database.write() as session:
            found = jobs.get(session, job.id)
            assert found is not None
            jobs.delete_job(session, found)
        assert value(client, f"{WAIT}_count") == 3
        running_job(database)
        assert value(client, f"{WAIT}_count") == 4

    def test_many_events_are_read_in_parts(
        self, client: httpx.Client, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("models.monitoring.EVENTS_AT_ONCE", 2)
        value(client, f"{WAIT}_count")
        for _ in range(3):
            running_job(database)  # two events
        assert [value(client, f"{WAIT}_count") for _ in range(4)] == [1, 2, 3, 3]
        for number in range(3):  # a window without an event is skipped
            job, lease = running_job(database)
            finish(database, lease)
            if number < 2:
                with database.write() as session:
                    jobs.delete_job(session, session.get_one(Job, job.number))
        assert [value(client, f"{WAIT}_count") for _ in range(4)][-1] == 4


class TestWorkers:
    def test_what_a_worker_trains_and_on_what(self, client: httpx.Client, database: Database) -> None:
        add_worker(database, "worker-1")
        add_worker(database, "worker-2")
        with database.write() as session:
            session.get_one(Worker, "worker-2").devices = [GPU | {"utilization_percent": 63.0}, {"kind": "cuda"}]
        for lag in (0.25, 4.0):
            job, lease = running_job(database)
            record(database, job, lease, 1, [[1.0] * 9] * 5)
            rewrite(database, job.id, recorder_lag_seconds=lag)
        # One that has not recorded anything in this attempt: its lag is another attempt's.
        rewrite(database, running_job(database)[0].id, recorder_lag_seconds=99.0)
        one, two = ({"worker": each, "hostname": "host"} for each in ("worker-1", "worker-2"))
        assert (value(client, "ganjobs_worker_up", **one), value(client, "ganjobs_worker_ready", **one)) == (1, 1)
        assert value(client, "ganjobs_worker_slots", **one) == 1
        assert [value(client, "ganjobs_worker_slots_busy", **each) for each in (one, two)] == [3, 0]
        assert [value(client, "ganjobs_worker_steps_per_second", **each) for each in (one, two)] == [40, 0]
        assert [values(client, "ganjobs_worker_recorder_lag_seconds", **each) for each in (one, two)] == [[4], []]
        device = two | {"device": "cuda:1", "name": "NVIDIA H200"}
        assert value(client, "ganjobs_device_memory_bytes", **device) == 1000
        assert value(client, "ganjobs_device_memory_used_bytes", **device) == 250
        assert value(client, "ganjobs_device_utilization_ratio", **device) == 0.63
        assert values(client, "ganjobs_device_memory_bytes", device="cuda") == []  # which the driver does not tell

    def test_one_that_falls_silent_is_told_of_for_an_hour(
        self, client: httpx.Client, database: Database, settings: Settings
    ) -> None:
        for worker_id in ("silent", "forgotten", "stopped", "draining"):
            add_worker(database, worker_id)
        with database.write() as session:
            session.execute(update(Worker).where(Worker.id == "silent").values(seen_at=database_now(-60)))
            session.execute(update(Worker).where(Worker.id == "forgotten").values(seen_at=database_now(-3700)))
            session.execute(update(Worker).where(Worker.id == "stopped").values(status="stopped"))
            session.execute(update(Worker).where(Worker.id == "draining").values(status="draining"))
        up = {each.labels["worker"]: each.value for each in samples(client) if each.name == "ganjobs_worker_up"}
        assert up == {"silent": 0, "draining": 1}
        assert values(client, "ganjobs_worker_ready") == [0]
        assert values(client, "ganjobs_worker_slots", worker="silent") == []

    def test_the_same_over_http(self, client: httpx.Client, database: Database) -> None:
        add_worker(database)
        with database.write() as session:
            session.get_one(Worker, "worker-1").devices = [GPU]
        (idle,) = client.get("/v1/workers").json()["data"]
        assert (idle["jobs"], idle["steps_per_second"]) == ([], None)
        unknown = {"cores": None, "load": None, "utilization_percent": None}
        assert idle["devices"] == [GPU | unknown]
        held = [running_job(database) for _ in range(2)]
        for job, lease in held:
            record(database, job, lease, 1, [[1.0] * 9] * 5)
        (busy,) = client.get("/v1/workers").json()["data"]
        assert (busy["jobs"], busy["steps_per_second"]) == ([job.id for job, _ in held], 40)


class TestScrape:
    def test_formats(self, client: httpx.Client) -> None:
        text = client.get("/metrics", headers={"Accept": "text/plain;version=nonsense, */*"})
        assert text.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        prometheus = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3"
        opened = client.get("/metrics", headers={"Accept": prometheus})
        assert opened.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
        assert opened.headers["cache-control"] == "no-store"
        names = {family.name for family in text_string_to_metric_families(opened.text)}
        assert {"ganjobs_jobs", "ganjobs_build", "ganjobs_http_request_duration_seconds"} <= names

    def test_a_database_that_is_away(self, client: httpx.Client, database: Database) -> None:
        assert value(client, "ganjobs_database_up") == 1
        with database.engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE jobs RENAME TO elsewhere")
        assert value(client, "ganjobs_database_up") == 0
        assert values(client, "ganjobs_jobs") == values(client, "ganjobs_queue_length") == []
        assert values(client, "ganjobs_build_info") == [1]
        with database.engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO jobs")
        assert value(client, "ganjobs_database_up") == 1

    def test_however_often_it_is_scraped(
        self, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("api.monitoring.KEPT_SECONDS", 60.0)
        app = create_app(settings)
        asked: list[str] = []
        event.listen(app.state.services.database.engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
        with client_of(app) as client:
            value(client, "ganjobs_queue_length")
            first = len(asked)
            for _ in range(3):
                value(client, "ganjobs_queue_length")
        assert 4 <= first <= 12
        assert len(asked) == first

    def test_no_question_looks_through_all_jobs(self, database: Database) -> None:
        """Of a state's number the index alone is counted. (PostgreSQL reads so few jobs as they lie.)"""
        spec = JobSpec.model_validate(POINTS).model_dump(mode="json")
        states = [*[JobStatus.SUCCEEDED] * 1000, *[JobStatus.RUNNING] * 4, *[JobStatus.QUEUED] * 1000]
        ids = [jobs.new_job_id(number) for number in range(1, len(states) + 1)]
        rows = [
            {"id": each, "spec": spec, "status": state, "steps": 1} for each, state in zip(ids, states, strict=True)
        ]
        with database.write() as session:
            session.execute(insert(Job), rows)
            leased = Job.status == JobStatus.RUNNING
            session.execute(update(Job).where(leased).values(lease_expires_at=database_now(60), worker_id="worker-1"))
            session.execute(text("ANALYZE"))
        asked: list[tuple[str, Any]] = []
        event.listen(database.engine, "before_cursor_execute", lambda *a: asked.append((a[2], a[3])))
        with database.read() as session:
            reading = monitoring.read(session, 10)
            held = workers.jobs_held(session, ["worker-1"])
        assert (reading.jobs[JobStatus.SUCCEEDED], len(reading.in_training)) == (1000, 4)
        assert held["worker-1"].jobs == ids[1000:1004]
        if database.engine.dialect.name == "sqlite":
            with database.engine.connect() as connection:
                plans = [
                    step[3]
                    for statement, parameters in asked
                    if statement.startswith("SELECT")
                    for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                ]
            assert [step for step in plans if step.startswith("SCAN jobs")] == [
                "SCAN jobs USING COVERING INDEX jobs_status"
            ]


class TestRequests:
    NAME = "ganjobs_http_request_duration_seconds_count"

    @pytest.fixture
    def requests(self, client: httpx.Client, database: Database) -> httpx.Client:
        job_id = queue_job(database)
        client.get(f"/v1/jobs/{job_id}")
        client.head(f"/v1/jobs/{job_id}")
        client.get("/v1/jobs/job_0123456789abcdef01234567")
        client.post("/v1/jobs", content=b"x" * 2_000_000)
        client.request("DELETE", "/v1/jobs")
        client.request("BREW", "/v1/jobs")
        client.get("/nothing/here")
        return client

    def test_by_the_template_of_their_route(self, requests: httpx.Client) -> None:
        found = [each for each in samples(requests) if each.name == self.NAME]
        counted = {(each.labels["method"], each.labels["route"], each.labels["status"]): each.value for each in found}
        assert counted == {
            ("GET", "/v1/jobs/{job_id}", "2xx"): 1,
            ("HEAD", "/v1/jobs/{job_id}", "2xx"): 1,
            ("GET", "/v1/jobs/{job_id}", "4xx"): 1,
            ("POST", "/v1/jobs", "4xx"): 1,
            ("DELETE", "/v1/jobs", "4xx"): 1,
            ("other", "/v1/jobs", "4xx"): 1,
            ("GET", "none", "4xx"): 1,
        }
        assert value(requests, "ganjobs_http_requests_in_progress") == 1  # this one
        assert value(requests, "ganjobs_http_streams_open") == 0
