"""Many jobs at once, over HTTP on both databases: slim lists, what has changed in them, curves, and animations."""

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from PIL import Image
from sqlalchemy import update
from support.problems import only_error, problem_of
from support.progress import draw, finish, queue_job, record, running_job
from support.watched import SPIKE, finished_job, picture

from models import samples
from models.catalogue import METRIC_NAMES
from models.database import Database, database_now
from models.tables import Job

ROWS = [[1.0, 2.0, *[0.5] * 7]]


def listed(client: httpx.Client, query: str = "") -> dict[str, Any]:
    response = client.get(f"/v1/summaries{query}")
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


class TestSummaries:
    def test_a_summary_says_of_a_job_what_the_job_says(self, client: httpx.Client, database: Database) -> None:
        job, lease = running_job(database, name="ring", metadata={"project": "thesis"})
        record(database, job, lease, 1, ROWS * 4)
        draw(database, job, [0, 2, 4])
        (summary,) = listed(client)["data"]
        whole = client.get(f"/v1/jobs/{job.id}").json()
        shared = set(summary) & set(whole) - {"object"}
        assert len(shared) > 20
        assert {name: summary[name] for name in shared} == {name: whole[name] for name in shared}
        assert (summary["dataset"], summary["loss"], summary["newest_sample"]) == ("ring", "non_saturating", 4)
        assert (summary["d_loss"], summary["g_loss"]) == (1.0, 2.0)
        assert "spec" not in summary

    def test_a_job_without_rows_or_samples(self, client: httpx.Client, database: Database) -> None:
        queue_job(database)
        (summary,) = listed(client)["data"]
        assert (summary["d_loss"], summary["newest_sample"], summary["verdict"]) == (None, None, None)

    def test_pages_and_filters(self, client: httpx.Client, database: Database) -> None:
        ids = [queue_job(database, name=name) for name in ("a", "b", "a")]
        first = listed(client, "?limit=2")
        assert [each["id"] for each in first["data"]] == [ids[2], ids[1]]
        assert first["has_more"]
        rest = listed(client, f"?limit=2&after={ids[1]}")
        assert ([each["id"] for each in rest["data"]], rest["has_more"]) == ([ids[0]], False)
        assert [each["id"] for each in listed(client, "?name=a")["data"]] == [ids[2], ids[0]]
        assert listed(client, "?status=running")["data"] == []
        assert only_error(client.get("/v1/summaries?limit=1001"))["field"] == "limit"
        assert only_error(client.get("/v1/summaries?after=job_x"))["code"] == "unknown_job"

    def test_only_what_has_changed_since(self, client: httpx.Client, database: Database) -> None:
        old, new = queue_job(database), queue_job(database)
        with database.write() as session:  # as if nobody had touched them for a minute
            session.execute(update(Job).values(changed_at=database_now(-60)))
        now = listed(client)["now"]
        assert listed(client, f"?changed_since={now}")["data"] == []
        client.post(f"/v1/jobs/{new}/cancel")
        changed = listed(client, f"?changed_since={now}")
        assert [(each["id"], each["status"]) for each in changed["data"]] == [(new, "cancelled")]
        assert changed["now"] >= now
        assert {each["id"] for each in listed(client)["data"]} == {old, new}

    def test_every_kind_of_write_is_a_change(self, client: httpx.Client, database: Database) -> None:
        job, lease = running_job(database)

        def changes() -> int:
            with database.write() as session:
                session.execute(update(Job).values(changed_at=database_now(-60)))
            now = listed(client)["now"]
            record(database, job, lease, changes.step, ROWS)  # type: ignore[attr-defined]
            changes.step += 1  # type: ignore[attr-defined]
            return len(listed(client, f"?changed_since={now}")["data"])

        changes.step = 1  # type: ignore[attr-defined]
        assert changes() == 1
        finish(database, lease)
        now = datetime.now(UTC) - timedelta(seconds=5)
        assert len(listed(client, f"?changed_since={now.isoformat().replace('+00:00', 'Z')}")["data"]) == 1

    @pytest.mark.parametrize("moment", ["yesterday", "2026-11-01T12:00:00", "0001-01-01T00:00:00%2B14:00"])
    def test_a_time_must_be_one(self, client: httpx.Client, moment: str) -> None:
        assert only_error(client.get(f"/v1/summaries?changed_since={moment}"))["field"] == "changed_since"


class TestCurves:
    def test_each_is_what_the_job_itself_answers(self, client: httpx.Client, database: Database) -> None:
        ids = [finished_job(database, name, 500, spike_at=77) for name in ("a", "b")]
        curves = client.get("/v1/curves", params={"job": ids, "keys": "d_loss,g_loss", "max_points": 20}).json()["data"]
        for job_id, curve in zip(ids, curves, strict=True):
            query = {"keys": "d_loss,g_loss", "max_points": 20}
            assert curve == client.get(f"/v1/jobs/{job_id}/metrics", params=query).json()
            assert max(curve["columns"]["d_loss"]["max"]) == SPIKE

    def test_a_range_and_jobs_that_are_gone(self, client: httpx.Client, database: Database) -> None:
        job_id = finished_job(database, "a", 300)
        query = {"job": ["job_" + 24 * "f", job_id, job_id], "from_step": 101, "to_step": 200, "max_points": 100}
        (curve,) = client.get("/v1/curves", params=query).json()["data"]
        assert (curve["first_step"][0], curve["last_step"][-1], curve["bucket_steps"]) == (101, 200, 1)

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ({"job": ["job_1"]}, "job"),
            ({}, "job"),
            ({"job": ["job_" + 24 * "0"], "keys": "loss"}, "keys"),
            ({"job": [f"job_{number:024x}" for number in range(64)], "max_points": 300}, "max_points"),
            ({"job": ["job_" + 24 * "0"], "from_step": 5, "to_step": 4}, "to_step"),
        ],
    )
    def test_what_cannot_be_asked(self, client: httpx.Client, query: dict[str, Any], field: str) -> None:
        assert only_error(client.get("/v1/curves", params=query))["field"] == field


class TestTimelines:
    @pytest.fixture
    def path(self, database: Database) -> str:
        job, _ = running_job(database)
        with database.write() as session:
            for step in range(0, 100, 10):
                samples.add_sample(session, (job.number, 0), step, picture(step), (128, 128))
        return f"/v1/jobs/{job.id}/samples"

    def test_all_steps_at_once(self, client: httpx.Client, path: str) -> None:
        found = client.get(f"{path}/steps").json()
        assert (found["steps"], found["width"], found["height"]) == ([*range(0, 100, 10)], 128, 128)

    @pytest.mark.parametrize(("form", "media_type"), [("gif", "gif"), ("webp", "webp"), ("apng", "apng")])
    def test_an_animation_holds_the_frames_asked_for(
        self, client: httpx.Client, path: str, form: str, media_type: str
    ) -> None:
        query = {"format": form, "from_step": 15, "frames": 4, "frames_per_second": 5, "side": 64}
        response = client.get(f"{path}/animation", params=query)
        assert response.headers["content-type"] == f"image/{media_type}"
        with Image.open(io.BytesIO(response.content)) as image:
            assert getattr(image, "n_frames", 1) == 4
            assert max(image.size) <= 64 + 18
        again = client.get(f"{path}/animation", params=query, headers={"If-None-Match": response.headers["etag"]})
        assert again.status_code == 304

    def test_frames_are_spread_evenly_over_a_range(self, client: httpx.Client, path: str) -> None:
        whole = client.get(f"{path}/animation")
        with Image.open(io.BytesIO(whole.content)) as image:
            assert getattr(image, "n_frames", 1) == 10

    def test_a_thumbnail_is_smaller_and_has_a_tag_of_its_own(self, client: httpx.Client, path: str) -> None:
        whole, small = client.get(f"{path}/90"), client.get(f"{path}/latest?side=32")
        with Image.open(io.BytesIO(small.content)) as image:
            assert image.size == (32, 32)
        assert small.headers["etag"] != whole.headers["etag"]
        assert small.headers["sample-step"] == "90"
        with Image.open(io.BytesIO(client.get(f"{path}/90?side=1024").content)) as image:
            assert image.size == (128, 128)
        again = client.get(f"{path}/latest?side=32", headers={"If-None-Match": small.headers["etag"]})
        assert again.status_code == 304

    def test_what_cannot_be_animated(self, client: httpx.Client, path: str, database: Database) -> None:
        problem_of(client.get(f"{path}/animation?from_step=95"), 404, "sample_not_found")
        assert only_error(client.get(f"{path}/animation?frames=1"))["field"] == "frames"
        too_large = only_error(client.get(f"{path}/animation?frames=200&side=1024"))
        assert (too_large["field"], too_large["limit"]) == ("frames", 15)
        assert only_error(client.get(f"{path}/animation?from_step=5&to_step=1"))["field"] == "to_step"
        job_id = path.split("/")[3]
        with database.write() as session:
            job = session.query(Job).filter_by(id=job_id).one()
            samples.add_sample(session, (job.number, 0), 100, b"no image", (8, 8))
        problem_of(client.get(f"{path}/animation"), 410, "file_gone")


def test_a_long_job_made_by_hand_is_read_like_one_that_was_trained(client: httpx.Client, database: Database) -> None:
    job_id = finished_job(database, "long", 120_000, spike_at=60_001)
    curve = client.get(f"/v1/jobs/{job_id}/metrics?max_points=100").json()
    assert sum(curve["count"]) == 120_000
    assert set(curve["columns"]) == set(METRIC_NAMES)
    near = client.get(f"/v1/jobs/{job_id}/metrics?keys=d_loss&from_step=59501&to_step=60500&max_points=1000").json()
    assert (near["bucket_steps"], near["columns"]["d_loss"]["max"][500]) == (1, SPIKE)
