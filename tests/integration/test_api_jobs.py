"""Creating, reading, listing, cancelling and deleting jobs over HTTP, on both databases."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select
from support.http import served
from support.problems import only_error, problem_of
from support.progress import POINTS, checkpoint, claim, draw, finish, log_lines, queue_job, record, running_job

from api.main import create_app
from models import leases
from models.database import Database
from models.queue import Doorbell
from models.settings import Settings
from models.spec import EXAMPLE, JobSpec
from models.status import JobStatus
from models.storage import open_storage
from models.tables import Base, Job

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def test_a_created_job_is_stored_and_rung_for(client: httpx.Client, settings: Settings, database: Database) -> None:
    response = client.post("/v1/jobs", json=EXAMPLE)
    assert response.status_code == 201
    job = response.json()
    assert response.headers["location"] == f"/v1/jobs/{job['id']}"
    assert job["object"] == "job"
    assert job["status"] == "queued"
    assert job["queue_position"] == 1
    assert job["spec"] == JobSpec.model_validate(EXAMPLE).model_dump(mode="json")
    assert (job["name"], job["metadata"]) == (EXAMPLE["name"], EXAMPLE["metadata"])
    assert (job["step"], job["steps"], job["progress"]) == (0, 2000, 0)
    assert job["equilibrium"] == pytest.approx({"d_loss": 1.386294, "g_loss": 0.693147, "total_loss": 2.079442})
    assert TIME.fullmatch(job["created_at"])
    for empty in ("error", "latest_metrics", "worker_id", "started_at", "finished_at", "estimated_seconds_left"):
        assert job[empty] is None
    with database.read() as session:
        assert session.scalar(select(Job.status).where(Job.id == job["id"])) == "queued"
    assert Doorbell(settings).waiting() == 1
    assert client.get(response.headers["location"]).json() == job


def test_a_saturating_job_has_no_total_loss(client: httpx.Client) -> None:
    job = client.post("/v1/jobs", json=POINTS | {"loss": {"kind": "saturating"}}).json()
    assert job["equilibrium"]["total_loss"] is None
    assert job["equilibrium"]["g_loss"] == pytest.approx(-0.693147, abs=1e-6)


def test_validation_gives_the_normalised_spec_and_creates_nothing(client: httpx.Client) -> None:
    body = client.post("/v1/jobs/validate", json=POINTS).json()
    assert (body["object"], body["valid"], body["logit_is_probability"]) == ("validation", True, True)
    assert body["spec"]["generator"]["latent_dim"] == 64
    assert "d_loss" in [metric["name"] for metric in body["metrics"]]
    assert client.get("/v1/jobs").json()["data"] == []


def test_validation_refuses_as_creation_does(client: httpx.Client) -> None:
    wrong = EXAMPLE | {"batch_size": 5000}
    asked, created = client.post("/v1/jobs/validate", json=wrong), client.post("/v1/jobs", json=wrong)
    assert only_error(asked) == only_error(created)
    assert only_error(created) == {
        "field": "batch_size",
        "in": "body",
        "code": "conflict",
        "limit": 1797,
        "message": "must be at most 1797, the number of examples in the data set `digits`",
    }


class TestIdempotency:
    headers = {"Idempotency-Key": "try 1"}  # noqa: RUF012

    def test_the_same_key_and_spec_give_the_same_job(self, client: httpx.Client, settings: Settings) -> None:
        first = client.post("/v1/jobs", json=POINTS, headers=self.headers)
        # The same job spelled out: defaults given, keys in another order.
        again = client.post("/v1/jobs", json=dict(reversed((POINTS | {"seed": 0}).items())), headers=self.headers)
        assert (first.status_code, again.status_code) == (201, 200)
        assert "idempotent-replayed" not in first.headers
        assert again.headers["idempotent-replayed"] == "true"
        assert again.headers["location"] == first.headers["location"]
        assert again.json() == first.json()
        assert Doorbell(settings).waiting() == 1

    def test_another_spec_is_refused(self, client: httpx.Client) -> None:
        client.post("/v1/jobs", json=POINTS, headers=self.headers)
        other = client.post("/v1/jobs", json=POINTS | {"seed": 9}, headers=self.headers)
        problem_of(other, 422, "idempotency_conflict")
        assert len(client.get("/v1/jobs").json()["data"]) == 1

    def test_sent_at_once_it_makes_one_job(self, settings: Settings) -> None:
        with served(create_app(settings)) as url, httpx.Client(base_url=url, timeout=60) as client:

            def create(_: int) -> httpx.Response:
                return client.post("/v1/jobs", json=POINTS, headers=self.headers)

            with ThreadPoolExecutor(12) as pool:
                responses = list(pool.map(create, range(12)))
            assert sorted(response.status_code for response in responses) == [200] * 11 + [201]
            assert len({response.json()["id"] for response in responses}) == 1
            assert len(client.get("/v1/jobs").json()["data"]) == 1

    @pytest.mark.parametrize("key", [b"", b"x" * 256, b"tab\there", b"\xe9"])
    def test_keys_have_bounds(self, client: httpx.Client, key: bytes) -> None:
        error = only_error(client.post("/v1/jobs", json=POINTS, headers=[(b"Idempotency-Key", key)]))
        assert (error["in"], error["field"]) == ("header", "Idempotency-Key")

    def test_two_keys_are_ambiguous(self, client: httpx.Client) -> None:
        headers = [("Idempotency-Key", "one"), ("Idempotency-Key", "two")]
        problem_of(client.post("/v1/jobs", json=POINTS, headers=headers), 400, "ambiguous_header")


class TestList:
    def test_pages_hold_every_job_once_newest_first(self, client: httpx.Client, database: Database) -> None:
        ids = [queue_job(database) for _ in range(7)]
        found: list[str] = []
        query: dict[str, str | int] = {"limit": 3}
        while True:
            page = client.get("/v1/jobs", params=query).json()
            found += [job["id"] for job in page["data"]]
            assert page["object"] == "list"
            assert (page["first_id"], page["last_id"]) == (page["data"][0]["id"], found[-1])
            if not page["has_more"]:
                break
            assert len(page["data"]) == 3
            query["after"] = page["last_id"]
            queue_job(database)  # what is created meanwhile does not shift the pages
        assert found == ids[::-1]

    def test_a_full_last_page_says_so(self, client: httpx.Client, database: Database) -> None:
        for _ in range(2):
            queue_job(database)
        assert client.get("/v1/jobs?limit=2").json()["has_more"] is False

    def test_an_empty_list_has_no_ends(self, client: httpx.Client) -> None:
        expected = {"object": "list", "data": [], "has_more": False, "first_id": None, "last_id": None}
        assert client.get("/v1/jobs").json() == expected

    def test_filters_narrow_together(self, client: httpx.Client, database: Database) -> None:
        plain = queue_job(database, name="a")
        thesis = queue_job(database, name="a", metadata={"project": "thesis", "run": "1"})
        other = queue_job(database, name="b", metadata={"project": "thesis", "run": "2"})
        claim(database)  # takes the oldest: plain

        def ids(query: str) -> list[str]:
            return [job["id"] for job in client.get(f"/v1/jobs?{query}").json()["data"]]

        assert ids("name=a") == [thesis, plain]
        assert ids("metadata[project]=thesis") == [other, thesis]
        assert ids("metadata[project]=thesis&metadata[run]=1") == [thesis]
        assert ids("status=running") == [plain]
        assert ids("status=queued&status=running&name=a") == [thesis, plain]
        assert ids("name=nobody") == []
        assert client.get("/v1/jobs").json()["data"][0]["queue_position"] is None

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("limit=99999999999999999999", "limit"),
            ("limit=x", "limit"),
            ("limit=1&limit=2", "limit"),
            ("after=job_000000000000000000000000", "after"),
            ("after=%00", "after"),
            ("status=sleeping", "status.0"),
            ("name=", "name"),
            ("name=a%00", "name"),
            ("order=asc", "order"),
            ("metadata=thesis", "metadata"),
            ("metadata[a%00]=1", "metadata.a\x00"),
            ("metadata[a]=%00", "metadata.a"),
            ("metadata[a]=1&metadata[a]=2", "metadata[a]"),
        ],
    )
    def test_refuses(self, client: httpx.Client, query: str, field: str) -> None:
        error = only_error(client.get(f"/v1/jobs?{query}"))
        assert (error["in"], error["field"]) == ("query", field)


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
        record(database, job, lease, 1, [[1.0, 2.0] + [None] * 7] * 24 + [[float("nan"), float("inf")] + [0.0] * 7])
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
        problem_of(client.post(f"/v1/jobs/{job.id}/cancel"), 409, "job_finished")
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
            left = {table.name: session.execute(select(table)).all() for table in Base.metadata.sorted_tables}
        assert {name: rows for name, rows in left.items() if rows} == {}
        assert [path for path in (tmp_path / "files").rglob("*") if path.is_file()] == []

    def test_an_unfinished_job_stays(self, client: httpx.Client, database: Database) -> None:
        running, _ = running_job(database)
        for job_id in (running.id, queue_job(database)):
            problem_of(client.delete(f"/v1/jobs/{job_id}"), 409, "job_not_finished")
            assert client.get(f"/v1/jobs/{job_id}").status_code == 200
