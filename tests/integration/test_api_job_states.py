"""Following, cancelling and deleting jobs over HTTP, on both databases."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select
from support.http import served
from support.problems import problem_of
from support.progress import checkpoint, claim, draw, finish, log_lines, queue_job, record, running_job

from api.main import create_app
from models import leases
from models.database import Database
from models.metadata import METADATA
from models.settings import Settings
from models.status import JobStatus
from models.storage import open_storage
from models.tables import Job

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


class TestPolling:
    def test_an_unchanged_job_is_not_sent_again(self, client: httpx.Client, database: Database) -> None:
        job, lease = running_job(database)
        path = f"/v1/jobs/{job.id}"
        etag = client.get(path).headers["etag"]
        for header in (etag, f"W/{etag}", f'"other", {etag}', "*"):
            unchanged = client.get(path, headers={"If-None-Match": header})
            assert (unchanged.status_code, unchanged.content) == (304, b"")
            assert unchanged.headers["etag"] == etag
        record(database, job, lease, 1, [[1.0] * 9])
        changed = client.get(path, headers={"If-None-Match": etag})
        assert changed.status_code == 200
        assert changed.headers["etag"] != etag

    def test_moving_up_the_queue_is_a_change(self, client: httpx.Client, database: Database) -> None:
        queue_job(database)
        second = f"/v1/jobs/{queue_job(database)}"
        before = client.get(second)
        claim(database)
        after = client.get(second, headers={"If-None-Match": before.headers["etag"]})
        assert (before.json()["queue_position"], after.json()["queue_position"]) == (2, 1)

    def test_progress_shows(self, client: httpx.Client, database: Database) -> None:
        job, lease = running_job(database)
        record(database, job, lease, 1, [[1.0, 2.0] + [None] * 7] * 24 + [[float("nan"), float("inf")] + [None] * 7])
        seen = client.get(f"/v1/jobs/{job.id}").json()
        assert (seen["status"], seen["attempt"], seen["worker_id"]) == ("running", 1, "worker-1")
        assert (seen["step"], seen["progress"]) == (25, 0.25)
        assert (seen["steps_per_second"], seen["estimated_seconds_left"]) == (20.0, 3.75)
        assert seen["latest_metrics"] == {"step": 25, "d_loss": "NaN", "g_loss": "Infinity"}
        assert TIME.fullmatch(seen["started_at"])
        assert seen["queue_position"] is None

    def test_a_failure_is_told(self, client: httpx.Client, database: Database) -> None:
        job, lease = running_job(database)
        error = {"kind": "diverged", "message": "the loss is not finite", "step": 3}
        finish(database, lease, JobStatus.FAILED, error=error)
        seen = client.get(f"/v1/jobs/{job.id}").json()
        assert (seen["status"], seen["error"]) == ("failed", error)
        assert TIME.fullmatch(seen["finished_at"])


class TestCancel:
    def test_a_queued_job_is_cancelled_at_once(self, client: httpx.Client, database: Database) -> None:
        path = f"/v1/jobs/{queue_job(database)}/cancel"
        first, again = client.post(path), client.post(path)
        assert (first.status_code, first.json()["status"]) == (202, "cancelled")
        assert (again.status_code, again.json()) == (202, first.json())

    def test_a_running_job_waits_for_its_worker(self, client: httpx.Client, database: Database) -> None:
        job, lease = running_job(database)
        path = f"/v1/jobs/{job.id}/cancel"
        assert [client.post(path).json()["status"] for _ in range(2)] == ["cancelling"] * 2
        finish(database, lease)  # the worker was done in the same moment: the request to stop wins
        assert client.post(path).json()["status"] == "cancelled"

    @pytest.mark.parametrize("end", [JobStatus.SUCCEEDED, JobStatus.FAILED])
    def test_a_finished_job_cannot_be(self, client: httpx.Client, database: Database, end: JobStatus) -> None:
        job, lease = running_job(database)
        finish(database, lease, end)
        problem = problem_of(client.post(f"/v1/jobs/{job.id}/cancel"), 409, "job_finished")
        (error,) = problem["errors"]
        cancellable = ["queued", "running", "pausing", "paused"]
        assert (error["in"], error["field"], error["limit"]) == ("path", "job_id", cancellable)
        assert client.get(f"/v1/jobs/{job.id}").json()["status"] == end

    def test_racing_a_claim_never_loses_the_request(self, settings: Settings, database: Database) -> None:
        with served(create_app(settings)) as url, httpx.Client(base_url=url, timeout=60) as client:
            for _ in range(6):
                job_id = queue_job(database)
                with ThreadPoolExecutor(2) as pool:
                    cancelled = pool.submit(client.post, f"/v1/jobs/{job_id}/cancel")
                    claimed = pool.submit(self._claim_or_none, database)
                was_claimed = claimed.result() is not None
                assert cancelled.result().status_code == 202
                status = client.get(f"/v1/jobs/{job_id}").json()["status"]
                assert status == ("cancelling" if was_claimed else "cancelled")

    @staticmethod
    def _claim_or_none(database: Database) -> Job | None:
        with database.write() as session:
            return leases.claim(session, "worker-1", 600)


class TestDelete:
    def test_a_finished_job_goes_with_all_it_recorded(
        self, client: httpx.Client, database: Database, settings: Settings, tmp_path: Path
    ) -> None:
        job, lease = running_job(database, metadata={"a": "b"})
        record(database, job, lease, 1, [[1.0] * 9])
        draw(database, job, [0])
        log_lines(database, job, ["hello"])
        checkpoint(database, open_storage(settings.storage_url), job, lease, 1)
        finish(database, lease)
        deleted = client.delete(f"/v1/jobs/{job.id}")
        assert deleted.json() == {"id": job.id, "object": "job", "deleted": True}
        problem_of(client.get(f"/v1/jobs/{job.id}"), 404, "job_not_found")
        problem_of(client.delete(f"/v1/jobs/{job.id}"), 404, "job_not_found")
        with database.read() as session:
            left = {table.name: session.execute(select(table)).all() for table in METADATA.sorted_tables}
        assert {name: rows for name, rows in left.items() if rows} == {}
        assert [path for path in (tmp_path / "files").rglob("*") if path.is_file()] == []

    def test_an_unfinished_job_stays(self, client: httpx.Client, database: Database) -> None:
        running, _ = running_job(database)
        for job_id in (running.id, queue_job(database)):
            (error,) = problem_of(client.delete(f"/v1/jobs/{job_id}"), 409, "job_not_finished")["errors"]
            assert (error["field"], error["limit"]) == ("job_id", ["cancelled", "succeeded", "failed"])
            assert client.get(f"/v1/jobs/{job_id}").status_code == 200
