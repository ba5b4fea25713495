"""Pausing, resuming and retrying jobs over HTTP, and their priority, on both databases."""

import httpx
import pytest
from sqlalchemy import update
from support.problems import only_error, problem_of
from support.progress import POINTS, ask, claim, finish, queue_job, running_job
from support.serving import wait_until

from models import actions
from models.database import Database
from models.queue import Doorbell
from models.settings import Settings
from models.status import JobStatus
from models.tables import Job

KEY = {"Idempotency-Key": "once"}


def state(client: httpx.Client, job_id: str) -> str:
    return str(client.get(f"/v1/jobs/{job_id}").json()["status"])


def ended(database: Database, status: JobStatus, **changes: object) -> str:
    """A job that a worker has ended."""
    job, lease = running_job(database, **changes)
    if status is JobStatus.CANCELLED:
        ask(database, job.id, actions.cancel)
    finish(database, lease, status)
    return job.id


class TestPause:
    def test_a_queued_job_is_paused_at_once(self, client: httpx.Client, database: Database) -> None:
        path = f"/v1/jobs/{queue_job(database)}/pause"
        first, again = client.post(path), client.post(path)
        assert (first.status_code, first.json()["status"]) == (202, "paused")
        assert first.json()["queue_position"] is None
        assert (again.status_code, again.json()) == (202, first.json())

    def test_a_running_job_waits_for_its_worker(self, client: httpx.Client, database: Database) -> None:
        job, lease = running_job(database)
        path = f"/v1/jobs/{job.id}/pause"
        first, again = client.post(path), client.post(path)
        assert (first.status_code, first.json()["status"]) == (202, "pausing")
        assert (again.status_code, again.json()) == (202, first.json())
        finish(database, lease, JobStatus.QUEUED)
        seen = client.get(f"/v1/jobs/{job.id}").json()
        assert (seen["status"], seen["worker_id"], seen["finished_at"]) == ("paused", None, None)
        assert client.post(path).json()["status"] == "paused"

    def test_a_job_that_ends_meanwhile_has_ended(self, client: httpx.Client, database: Database) -> None:
        job, lease = running_job(database)
        client.post(f"/v1/jobs/{job.id}/pause")
        finish(database, lease)
        (error,) = problem_of(client.post(f"/v1/jobs/{job.id}/pause"), 409, "job_finished")["errors"]
        assert error["limit"] == ["queued", "running"]

    def test_a_job_that_is_being_cancelled_cannot_be(self, client: httpx.Client, database: Database) -> None:
        job, _ = running_job(database)
        ask(database, job.id, actions.cancel)
        problem_of(client.post(f"/v1/jobs/{job.id}/pause"), 409, "wrong_state")

    def test_a_paused_job_is_passed_over_and_can_be_cancelled(self, client: httpx.Client, database: Database) -> None:
        paused, other = queue_job(database), queue_job(database)
        ask(database, paused, actions.pause)
        assert claim(database)[0].id == other
        cancelled = client.post(f"/v1/jobs/{paused}/cancel")
        assert (cancelled.status_code, cancelled.json()["status"]) == (202, "cancelled")
        assert cancelled.json()["finished_at"] is not None

    def test_a_job_that_is_pausing_can_be_cancelled(self, client: httpx.Client, database: Database) -> None:
        job, lease = running_job(database)
        ask(database, job.id, actions.pause)
        assert client.post(f"/v1/jobs/{job.id}/cancel").json()["status"] == "cancelling"
        finish(database, lease, JobStatus.QUEUED)
        assert state(client, job.id) == "cancelled"


class TestResume:
    def test_a_paused_job_waits_again_and_is_rung_for(
        self, client: httpx.Client, database: Database, settings: Settings
    ) -> None:
        paused, younger = queue_job(database), queue_job(database)
        ask(database, paused, actions.pause)
        assert client.get(f"/v1/jobs/{younger}").json()["queue_position"] == 1
        resumed = client.post(f"/v1/jobs/{paused}/resume")
        assert (resumed.status_code, resumed.json()["status"]) == (202, "queued")
        assert resumed.json()["queue_position"] == 1, "its old place"
        wait_until(lambda: Doorbell(settings).waiting() == 1, 10, "one ring")

    def test_what_is_not_paused_cannot_be(self, client: httpx.Client, database: Database, settings: Settings) -> None:
        running, _ = running_job(database)
        for job_id in (running.id, queue_job(database)):
            (error,) = problem_of(client.post(f"/v1/jobs/{job_id}/resume"), 409, "wrong_state")["errors"]
            assert (error["in"], error["field"], error["limit"]) == ("path", "job_id", ["paused"])
        assert Doorbell(settings).waiting() == 0


class TestPriority:
    def test_it_orders_the_queue_and_not_the_list(self, client: httpx.Client, database: Database) -> None:
        ids = [queue_job(database, priority=priority) for priority in (0, 5, -1, 5)]
        positions = [client.get(f"/v1/jobs/{job_id}").json()["queue_position"] for job_id in ids]
        assert positions == [3, 1, 4, 2]
        listed = client.get("/v1/jobs").json()["data"]
        assert [job["id"] for job in listed] == ids[::-1]
        assert [job["priority"] for job in listed] == [5, -1, 5, 0]
        assert [claim(database)[0].id for _ in ids] == [ids[1], ids[3], ids[0], ids[2]]


class TestRetry:
    @pytest.mark.parametrize("end", [JobStatus.FAILED, JobStatus.CANCELLED])
    def test_it_makes_a_job_of_the_same_spec(
        self, client: httpx.Client, database: Database, settings: Settings, end: JobStatus
    ) -> None:
        old = ended(database, end, metadata={"project": "thesis"}, priority=3)
        response = client.post(f"/v1/jobs/{old}/retry")
        new = response.json()
        assert (response.status_code, response.headers["location"]) == (201, f"/v1/jobs/{new['id']}")
        assert (new["status"], new["step"], new["start_step"], new["queue_position"]) == ("queued", 0, 0, 1)
        assert new["origin"] == {"kind": "retry", "job_id": old, "step": None}
        assert new["spec"] == client.get(f"/v1/jobs/{old}").json()["spec"]
        assert client.get("/v1/jobs?metadata[project]=thesis").json()["data"][0]["id"] == new["id"]
        assert state(client, old) == end
        wait_until(lambda: Doorbell(settings).waiting() == 1, 10, "one ring")

    def test_a_key_makes_it_safe_to_repeat(self, client: httpx.Client, database: Database, settings: Settings) -> None:
        old, other = ended(database, JobStatus.FAILED), ended(database, JobStatus.FAILED)
        first, again = (client.post(f"/v1/jobs/{old}/retry", headers=KEY) for _ in range(2))
        assert (first.status_code, again.status_code) == (201, 200)
        assert again.headers["idempotent-replayed"] == "true"
        assert again.json() == first.json()
        problem_of(client.post(f"/v1/jobs/{other}/retry", headers=KEY), 422, "idempotency_conflict")
        # Of the same spec, and yet another request.
        spec = client.get(f"/v1/jobs/{old}").json()["spec"]
        problem_of(client.post("/v1/jobs", json=spec, headers=KEY), 422, "idempotency_conflict")
        wait_until(lambda: Doorbell(settings).waiting() == 1, 10, "one ring")

    def test_what_has_not_failed_cannot_be(self, client: httpx.Client, database: Database) -> None:
        running, lease = running_job(database)
        for status in ("running", "succeeded"):
            problem = problem_of(client.post(f"/v1/jobs/{running.id}/retry"), 409, "wrong_state")
            (error,) = problem["errors"]
            assert (error["field"], error["limit"]) == ("job_id", ["cancelled", "failed"])
            assert error["message"].startswith(f"the job is {status};")
            if status == "running":
                finish(database, lease)

    def test_a_spec_that_is_no_longer_valid_is_no_fault_of_ours(self, client: httpx.Client, database: Database) -> None:
        old = ended(database, JobStatus.FAILED)
        with database.write() as session:
            session.execute(update(Job).values(spec=POINTS | {"steps": 0}))
        error = only_error(client.post(f"/v1/jobs/{old}/retry"))
        assert (error["in"], error["field"]) == ("path", "job_id")
        assert "steps: must be at least 1" in error["message"]
