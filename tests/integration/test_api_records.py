"""What a job recorded, read over HTTP on both databases."""

import math
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
    record,
    running_job,
    sha256,
)

from models.catalogue import METRIC_NAMES
from models.database import Database
from models.settings import Settings
from models.storage import Storage, open_storage


@pytest.fixture
def storage(settings: Settings) -> Storage:
    return open_storage(settings.storage_url)


class TestMetrics:
    @pytest.fixture
    def path(self, database: Database) -> str:
        """A job of 40 steps whose d_loss is the step and whose g_loss is minus that."""
        job, lease = running_job(database)
        record(database, job, lease, 1, [[float(step), -float(step), *[None] * 7] for step in range(1, 41)])
        return f"/v1/jobs/{job.id}/metrics"

    def test_all_columns_come_by_step(self, client: httpx.Client, path: str) -> None:
        body = client.get(path).json()
        assert (body["object"], body["segment"], body["has_more"], body["next_step"]) == ("metrics", 0, False, 41)
        assert list(body["columns"]) == ["step", *METRIC_NAMES]
        assert body["columns"]["step"] == list(range(1, 41))
        assert body["columns"]["d_loss"] == [float(step) for step in range(1, 41)]
        assert body["columns"]["d_real"] == [None] * 40

    def test_only_the_columns_asked_for(self, client: httpx.Client, path: str) -> None:
        columns = client.get(path, params={"keys": "g_loss,d_loss,g_loss", "limit": 1}).json()["columns"]
        assert columns == {"step": [1], "g_loss": [-1.0], "d_loss": [1.0]}

    def test_following_next_step_gives_every_row_once(self, client: httpx.Client, path: str) -> None:
        seen: list[int] = []
        query: dict[str, int | str] = {"from_step": 3, "to_step": 38, "limit": 7, "keys": "d_loss"}
        while True:
            body = client.get(path, params=query).json()
            seen += body["columns"]["step"]
            if not body["has_more"]:
                break
            query["from_step"] = body["next_step"]
        assert seen == list(range(3, 39))

    def test_the_newest_rows(self, client: httpx.Client, path: str) -> None:
        body = client.get(f"{path}?last=3&keys=d_loss").json()
        assert body["columns"] == {"step": [38, 39, 40], "d_loss": [38.0, 39.0, 40.0]}
        assert (body["has_more"], body["next_step"]) == (False, 41)

    def test_nothing_yet(self, client: httpx.Client, path: str) -> None:
        body = client.get(f"{path}?from_step=41&keys=d_loss").json()
        assert (body["columns"], body["next_step"]) == ({"step": [], "d_loss": []}, 41)

    def test_values_that_are_not_finite_arrive(self, client: httpx.Client, database: Database) -> None:
        job, lease = running_job(database)
        record(database, job, lease, 1, [[math.nan, math.inf, -math.inf, *[0.5] * 6]])
        columns = client.get(f"/v1/jobs/{job.id}/metrics").json()["columns"]
        found = [columns[name] for name in METRIC_NAMES[:4]]
        assert found == [["NaN"], ["Infinity"], ["-Infinity"], [0.5]]

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("keys=d_loss,nonsense", "keys"),
            ("keys=", "keys"),
            ("keys=step", "keys"),
            ("limit=0", "limit"),
            ("limit=10001", "limit"),
            ("last=0", "last"),
            ("from_step=-1", "from_step"),
            ("from_step=9223372036854775808", "from_step"),
            ("from_step=5&to_step=4", "to_step"),
            ("last=1&limit=1", "limit"),
            ("last=1&from_step=1", "from_step"),
            ("last=1&to_step=1", "to_step"),
            ("every=2", "every"),
        ],
    )
    def test_refuses(self, client: httpx.Client, path: str, query: str, field: str) -> None:
        error = only_error(client.get(f"{path}?{query}"))
        assert (error["in"], error["field"]) == ("query", field)

    def test_an_unknown_metric_is_answered_with_those_there_are(self, client: httpx.Client, path: str) -> None:
        assert only_error(client.get(f"{path}?keys=loss"))["limit"] == list(METRIC_NAMES)


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

    def test_a_step_never_changes_and_the_latest_does(self, client: httpx.Client, database: Database) -> None:
        job, _ = running_job(database)
        draw(database, job, [0, 10])
        path = f"/v1/jobs/{job.id}/samples"
        step, latest = client.get(f"{path}/0"), client.get(f"{path}/latest")
        assert (step.content, latest.content) == (PNG + b"0", PNG + b"10")
        assert (step.headers["sample-step"], latest.headers["sample-step"]) == ("0", "10")
        assert step.headers["content-type"] == latest.headers["content-type"] == "image/png"
        assert "immutable" in step.headers["cache-control"]
        assert "no-cache" in latest.headers["cache-control"]
        assert step.headers["etag"] == f'"{sha256(PNG + b"0")}"'
        held = {"If-None-Match": latest.headers["etag"]}
        unchanged = client.get(f"{path}/latest", headers=held)
        assert (unchanged.status_code, unchanged.content) == (304, b"")
        draw(database, job, [20])
        assert client.get(f"{path}/latest", headers=held).headers["sample-step"] == "20"

    @pytest.mark.parametrize("step", ["latest", "7"])
    def test_missing(self, client: httpx.Client, database: Database, step: str) -> None:
        path = f"/v1/jobs/{queue_job(database)}/samples"
        problem_of(client.get(f"{path}/{step}"), 404, "sample_not_found")
        assert client.get(path).json() == {"object": "list", "data": [], "has_more": False}

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

    def test_a_step_without_checkpoint(self, client: httpx.Client, database: Database) -> None:
        path = f"/v1/jobs/{queue_job(database)}/checkpoints/10/files/generator.safetensors"
        problem_of(client.get(path), 404, "checkpoint_not_found")

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
        assert workers["worker-1"]["devices"] == [{"kind": "cpu"}]

    def test_the_catalogue_names_what_a_spec_can(self, client: httpx.Client) -> None:
        catalogue = client.get("/v1/catalogue").json()
        assert {"non_saturating", "saturating"} <= set(catalogue["losses"])
        assert catalogue["datasets"]["digits"]["size"] == 1797
        assert [metric["name"] for metric in catalogue["metrics"]] == list(METRIC_NAMES)

    def test_the_schema_of_a_spec(self, client: httpx.Client) -> None:
        schema = client.get("/v1/spec/schema").json()
        assert schema["properties"]["steps"]["maximum"] == 10_000_000
        assert schema["properties"]["steps"]["unit"] == "steps"
        assert schema["additionalProperties"] is False
