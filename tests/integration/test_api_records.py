"""A job's images, history and files, read over HTTP on both databases, and what the service says of itself."""

from pathlib import Path

import httpx
import pytest
from support.problems import only_error, problem_of
from support.progress import (
    PNG,
    add_worker,
    checkpoint,
    draw,
    finish,
    log_lines,
    queue_job,
    running_job,
    sha256,
)

from models.catalogue import ALL_METRIC_NAMES, DATASETS, LOSSES, METRIC_NAMES
from models.database import Database
from models.settings import Settings
from models.storage import Storage, open_storage


@pytest.fixture
def storage(settings: Settings) -> Storage:
    return open_storage(settings.storage_url)


class TestSamples:
    def test_listed_page_by_page(self, client: httpx.Client, database: Database) -> None:
        job, _ = running_job(database)
        draw(database, job, [0, 10, 20])
        path = f"/v1/jobs/{job.id}/samples"
        first = client.get(f"{path}?limit=2").json()
        second = client.get(f"{path}?limit=2&after=10").json()
        assert [sample["step"] for sample in first["data"]] == [0, 10]
        assert [sample["step"] for sample in second["data"]] == [20]
        assert (first["has_more"], second["has_more"]) == (True, False)
        sample = second["data"][0]
        png = PNG + b"20"
        assert (sample["width"], sample["height"], sample["size"]) == (8, 16, len(png))
        assert sample["sha256"] == sha256(png)
        assert client.get(sample["url"]).content == png
        assert [each["step"] for each in client.get(f"{path}?after=0").json()["data"]] == [10, 20]

    def test_images_are_asked_for_again_only_once_they_change(self, client: httpx.Client, database: Database) -> None:
        job, _ = running_job(database)
        draw(database, job, [0, 10])
        path = f"/v1/jobs/{job.id}/samples"
        step, latest = client.get(f"{path}/0"), client.get(f"{path}/latest")
        assert (step.content, latest.content) == (PNG + b"0", PNG + b"10")
        assert (step.headers["sample-step"], latest.headers["sample-step"]) == ("0", "10")
        assert step.headers["content-type"] == latest.headers["content-type"] == "image/png"
        assert "no-cache" in step.headers["cache-control"] == latest.headers["cache-control"]
        assert step.headers["etag"] == f'"{sha256(PNG + b"0")}"'
        held = {"If-None-Match": latest.headers["etag"]}
        unchanged = client.get(f"{path}/latest", headers=held)
        assert (unchanged.status_code, unchanged.content) == (304, b"")
        draw(database, job, [20])
        assert client.get(f"{path}/latest", headers=held).headers["sample-step"] == "20"

    @pytest.mark.parametrize(("step", "field"), [("latest", "job_id"), ("7", "step")])
    def test_missing(self, client: httpx.Client, database: Database, step: str, field: str) -> None:
        path = f"/v1/jobs/{queue_job(database)}/samples"
        (error,) = problem_of(client.get(f"{path}/{step}"), 404, "sample_not_found")["errors"]
        assert (error["in"], error["field"], "limit" in error) == ("path", field, False)
        assert client.get(path).json() == {"object": "list", "data": [], "has_more": False}

    def test_a_missing_step_is_answered_with_the_newest(self, client: httpx.Client, database: Database) -> None:
        job, _ = running_job(database)
        draw(database, job, [0, 10])
        problem = problem_of(client.get(f"/v1/jobs/{job.id}/samples/7"), 404, "sample_not_found")
        (error,) = problem["errors"]
        assert (error["in"], error["field"], error["limit"]) == ("path", "step", 10)

    @pytest.mark.parametrize("step", ["-1", "x", "9223372036854775808", "1" * 5000])
    def test_what_is_no_step(self, client: httpx.Client, database: Database, step: str) -> None:
        error = only_error(client.get(f"/v1/jobs/{queue_job(database)}/samples/{step}"))
        assert (error["in"], error["field"]) == ("path", "step")


class TestHistory:
    def test_events_tell_every_state_in_order(self, client: httpx.Client, database: Database) -> None:
        job, lease = running_job(database)
        queue_job(database)  # its events are its own
        finish(database, lease)
        path = f"/v1/jobs/{job.id}/events"
        events = client.get(path).json()["data"]
        assert [event["kind"] for event in events] == ["job.queued", "job.running", "job.succeeded"]
        assert events[1]["data"]["worker_id"] == "worker-1"
        assert events[0]["created_at"] <= events[1]["created_at"] <= events[2]["created_at"]
        page = client.get(f"{path}?limit=1&after={events[0]['id']}").json()
        assert (page["data"], page["has_more"]) == ([events[1]], True)

    def test_log_lines_are_paged_in_order(self, client: httpx.Client, database: Database) -> None:
        job, _ = running_job(database)
        log_lines(database, job, [f"line {number}" for number in range(5)])
        path = f"/v1/jobs/{job.id}/logs"
        seen: list[str] = []
        after = 0
        while True:
            page = client.get(f"{path}?limit=2&after={after}").json()
            seen += [line["message"] for line in page["data"]]
            if not page["has_more"]:
                break
            after = page["data"][-1]["id"]
        assert seen == [f"line {number}" for number in range(5)]

    @pytest.mark.parametrize("part", ["events", "logs"])
    @pytest.mark.parametrize("after", ["-1", "9223372036854775808", "x"])
    def test_cursors_have_bounds(self, client: httpx.Client, database: Database, part: str, after: str) -> None:
        error = only_error(client.get(f"/v1/jobs/{queue_job(database)}/{part}?after={after}"))
        assert (error["in"], error["field"]) == ("query", "after")


class TestCheckpoints:
    def test_listed_and_downloaded(self, client: httpx.Client, database: Database, storage: Storage) -> None:
        job, lease = running_job(database)
        checkpoint(database, storage, job, lease, 10)
        files = checkpoint(database, storage, job, lease, 20)
        page = client.get(f"/v1/jobs/{job.id}/checkpoints").json()
        assert [(each["step"], each["attempt"]) for each in page["data"]] == [(20, 1), (10, 1)]
        listed = page["data"][0]["files"]
        assert [file["name"] for file in listed] == sorted(files)
        for file in listed:
            content = files[file["name"]]
            assert (file["size"], file["sha256"]) == (len(content), sha256(content))
            got = client.get(file["url"])
            assert (got.status_code, got.content) == (200, content)
            assert got.headers["etag"] == f'"{file["sha256"]}"'
            held = client.get(file["url"], headers={"If-None-Match": got.headers["etag"]})
            assert (held.status_code, held.content) == (304, b"")

    def test_a_range_of_a_file(self, client: httpx.Client, database: Database, storage: Storage) -> None:
        job, lease = running_job(database)
        checkpoint(database, storage, job, lease, 10)
        path = f"/v1/jobs/{job.id}/checkpoints/10/files/generator.safetensors"
        part = client.get(path, headers={"Range": "bytes=0-6"})
        assert (part.status_code, part.content) == (206, b"weights")
        problem_of(client.get(path, headers={"Range": "lines=1"}), 400, "malformed_range")
        refused = client.get(path, headers={"Range": "bytes=5000-"})
        problem_of(refused, 416, "range_not_satisfiable")
        assert refused.headers["content-range"] == "bytes */13"

    @pytest.mark.parametrize(
        "name", ["secret", "..%2Fsecret", "%2e%2e%2f%2e%2e%2fsecret", "%00", "generator.safetensors%00", "x" * 5000]
    )
    def test_only_recorded_names_are_read(
        self, client: httpx.Client, database: Database, storage: Storage, name: str
    ) -> None:
        job, lease = running_job(database)
        checkpoint(database, storage, job, lease, 10)
        storage.path(f"jobs/{job.id}/checkpoints/0-10-1", "secret").write_text("not to be seen")
        response = client.get(f"/v1/jobs/{job.id}/checkpoints/10/files/{name}")
        assert response.status_code == 404
        assert response.headers["content-type"] == "application/problem+json"

    @pytest.mark.parametrize(
        ("rest", "field", "limit"),
        [
            ("15/files/generator.safetensors", "step", [20, 10]),
            ("10/files/none", "name", ["generator.safetensors", "state.json"]),
        ],
    )
    def test_what_is_missing_is_answered_with_what_is_there(
        self, client: httpx.Client, database: Database, storage: Storage, rest: str, field: str, limit: object
    ) -> None:
        job, lease = running_job(database)
        for step in (10, 20):
            checkpoint(database, storage, job, lease, step)
        problem = problem_of(client.get(f"/v1/jobs/{job.id}/checkpoints/{rest}"), 404, "checkpoint_not_found")
        (error,) = problem["errors"]
        assert (error["in"], error["field"], error["limit"]) == ("path", field, limit)

    def test_a_file_lost_or_damaged_on_disk(
        self, client: httpx.Client, database: Database, storage: Storage, tmp_path: Path
    ) -> None:
        job, lease = running_job(database)
        checkpoint(database, storage, job, lease, 10)
        path = f"/v1/jobs/{job.id}/checkpoints/10/files/generator.safetensors"
        (on_disk,) = (tmp_path / "files").rglob("generator.safetensors")
        on_disk.write_bytes(b"cut")
        problem_of(client.get(path), 410, "file_gone")
        on_disk.unlink()
        problem_of(client.get(path), 410, "file_gone")


class TestService:
    def test_live_workers_with_their_jobs(self, client: httpx.Client, database: Database) -> None:
        add_worker(database, "worker-1")
        add_worker(database, "worker-2")
        job, _ = running_job(database)
        workers = {worker["id"]: worker for worker in client.get("/v1/workers").json()["data"]}
        assert workers["worker-1"]["jobs"] == [job.id]
        assert workers["worker-2"]["jobs"] == []
        assert [device["kind"] for device in workers["worker-1"]["devices"]] == ["cpu"]

    def test_the_catalogue_names_what_a_spec_can(self, client: httpx.Client) -> None:
        catalogue = client.get("/v1/catalogue").json()
        assert set(catalogue["losses"]) == set(LOSSES)
        assert catalogue["losses"]["least_squares"]["logit_boundary"] == 0.5
        assert catalogue["losses"]["relativistic"]["logit_boundary"] is None
        assert set(catalogue["datasets"]) == set(DATASETS)
        digits, folder = catalogue["datasets"]["digits"], catalogue["datasets"]["image_folder"]
        assert (digits["size"], digits["shape"], digits["is_image"]) == (1797, [1, 8, 8], True)
        assert (folder["size"], folder["shape"], folder["is_image"]) == (None, None, True)
        assert not catalogue["datasets"]["mixture"]["is_image"]
        assert [metric["name"] for metric in catalogue["metrics"]] == list(ALL_METRIC_NAMES)
        always = [metric["name"] for metric in catalogue["metrics"] if metric["always_shown"]]
        assert always == list(METRIC_NAMES)
        evaluations = {each["name"]: each for each in catalogue["evaluations"]}
        assert evaluations["reverse_kl"]["better"] == "lower"
        assert evaluations["validation_gap"]["better"] is None

    def test_the_schema_of_a_spec(self, client: httpx.Client) -> None:
        schema = client.get("/v1/spec/schema").json()
        assert schema["properties"]["steps"]["maximum"] == 10_000_000
        assert schema["properties"]["steps"]["unit"] == "steps"
        assert schema["additionalProperties"] is False
