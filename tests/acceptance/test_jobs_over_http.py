"""Jobs through the whole service: API, Redis, worker, reconciler and database as the processes a user starts."""

import hashlib
import math
import os
import signal
import time
from collections.abc import Iterator

import httpx
import pytest
from support.serving import RING, Serving, wait_for_end, wait_until

from ganjobs.errors import ApiError
from ganjobs.rest import Rest
from models.catalogue import METRIC_NAMES

# Long enough to be met in the middle on any machine.
LONG = RING | {"steps": 5_000_000, "sample_every": 1_000_000, "checkpoint_every": 1000}


@pytest.fixture
def long_job(client: Rest) -> Iterator[str]:
    """A job that has trained some steps and will not end by itself."""
    job_id = client.create(LONG)["id"]
    try:
        wait_until(lambda: client.get(job_id)["step"] > 0, 60, "the first steps")
        yield job_id
    finally:
        if client.get(job_id)["finished_at"] is None:
            client.cancel(job_id)
            wait_for_end(client, job_id)


def test_a_job_leaves_a_row_per_step_samples_and_checkpoints(client: Rest) -> None:
    job = wait_for_end(client, client.create(RING)["id"])
    assert (job["status"], job["step"], job["attempt"], job["error"]) == ("succeeded", 60, 1, None)
    rows = client.metrics(job["id"])
    assert rows.steps == list(range(1, 61))
    assert set(rows.columns) == set(METRIC_NAMES)
    assert all(len(rows.finite(name)) == 60 for name in METRIC_NAMES)
    assert len(set(rows.columns["d_loss"])) > 30, "values are measured, not repeated"
    assert job["latest_metrics"]["d_loss"] == rows.columns["d_loss"][-1]
    for total, d_loss, g_loss in zip(*(rows.finite(name) for name in ("total_loss", "d_loss", "g_loss")), strict=True):
        assert math.isclose(total, d_loss + g_loss, rel_tol=1e-5)
    samples = client.samples(job["id"])
    assert [sample["step"] for sample in samples] == [0, 20, 40, 60]
    images = {sample["step"]: client.sample(job["id"], sample["step"]) for sample in samples}
    assert all(image.startswith(b"\x89PNG\r\n") for image in images.values())
    assert len(set(images.values())) == 4
    assert client.sample(job["id"]) == images[60]


def test_a_checkpoint_can_be_downloaded_whole(client: Rest) -> None:
    job = wait_for_end(client, client.create(RING)["id"])
    newest = client.checkpoints(job["id"])[0]
    assert newest["step"] == 60
    files = {file["name"]: file for file in newest["files"]}
    for file in files.values():
        content = httpx.get(client.url + file["url"]).raise_for_status().content
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file["size"], file["sha256"])
    assert "generator.safetensors" in files


def test_a_job_is_evaluated_and_keeps_its_best(client: Rest) -> None:
    asked = {"evaluate_every": 7, "best_metric": "jensen_shannon_divergence", "keep_checkpoints": 1}
    conditional = {"conditional": {"kind": "projection"}, "regularizers": [{"kind": "r1"}]}
    job = wait_for_end(client, client.create(RING | asked | conditional)["id"])
    assert job["status"] == "succeeded", job["error"]
    found = list(client.evaluations(job["id"]))
    assert [each["step"] for each in found] == [*range(7, 60, 7), 60]
    assert job["latest_evaluation"] == {"step": 60, "values": found[-1]["values"]}
    measured = {each["step"]: each["values"]["jensen_shannon_divergence"] for each in found}
    kept = {each["step"]: each["best"] for each in client.checkpoints(job["id"])}
    best = min(measured, key=measured.__getitem__)
    assert kept == dict.fromkeys([60, best]) | {best: {"metric": "jensen_shannon_divergence", "value": measured[best]}}
    told = [event["data"] for event in client.events(job["id"]) if event["kind"] == "checkpoint.best"]
    assert (told[-1]["step"], told[-1]["value"]) == (best, measured[best])
    path = f"/v1/jobs/{job['id']}/checkpoints/best/files/generator.safetensors"
    weights = httpx.get(client.url + path).raise_for_status()
    assert weights.headers["checkpoint-step"] == str(best)
    rows = client.metrics(job["id"])
    assert set(rows.columns) == {*METRIC_NAMES, "r1_penalty"}
    assert len(rows.finite("r1_penalty")) == 60


def test_a_running_job_is_cancelled_at_once(client: Rest, long_job: str) -> None:
    assert client.cancel(long_job)["status"] == "cancelling"
    took = wait_until(lambda: client.get(long_job)["status"] == "cancelled", 20, "the cancellation")
    assert took < 2
    job = client.get(long_job)
    assert client.metrics(long_job, ["d_loss"], last=1).steps == [job["step"]]
    assert job["step"] < LONG["steps"]
    time.sleep(0.5)
    assert client.get(long_job)["step"] == job["step"], "nothing is written after the end"


def test_ten_jobs_at_once_all_succeed_in_order(client: Rest) -> None:
    created = [client.create(RING | {"name": f"number {number}", "seed": number})["id"] for number in range(10)]
    jobs = [wait_for_end(client, job_id, 120) for job_id in created]
    assert {job["status"] for job in jobs} == {"succeeded"}
    assert {job["attempt"] for job in jobs} == {1}
    by_start = sorted(jobs, key=lambda job: job["started_at"])
    assert [job["id"] for job in by_start] == created
    for job in jobs:
        assert client.metrics(job["id"], ["d_loss"]).steps == list(range(1, job["steps"] + 1))


def test_a_job_outlives_its_worker(serving: Serving, client: Rest, long_job: str) -> None:
    wait_until(lambda: client.checkpoints(long_job), 60, "a checkpoint")
    # The oldest is Celery's main process: those that train are its children.
    os.kill(serving.find("-m worker ")[0], signal.SIGKILL)
    wait_until(lambda: "worker ended (signal 9); starting it again" in serving.output, 20, "the restart of the worker")
    notice = next(line for line in serving.lines if line.startswith("worker ended (signal 9)"))
    assert notice.endswith(" s"), "its log's last line is not why it was killed"
    assert len(serving.find("-m worker ")) <= 2, "what trained for the dead worker is gone too"
    wait_until(lambda: client.get(long_job)["attempt"] == 2, 60, "the second attempt")
    again_at = client.get(long_job)["step"]
    wait_until(lambda: client.get(long_job)["step"] > again_at, 60, "more steps")
    rows = client.metrics(long_job, ["d_loss"])
    assert rows.steps == list(range(1, len(rows.steps) + 1))
    kinds = [event["kind"] for event in client.events(long_job)]
    assert kinds.count("job.running") == 2


def test_a_dead_api_and_a_dead_redis_are_replaced(serving: Serving, client: Rest) -> None:
    for name, words in (("api", "uvicorn"), ("redis", "valkey-server")):
        (process,) = serving.find(words)
        os.kill(process, signal.SIGKILL)
        wait_until(lambda name=name: f"{name} ended (signal 9)" in serving.output, 20, f"notice of the dead {name}")
    wait_until(lambda: serving.find("uvicorn") and serving.find("valkey-server"), 20, "both restarted")
    wait_until(lambda: httpx.get(f"{serving.url}/readyz").is_success if _answers(serving) else False, 60, "readiness")
    assert wait_for_end(client, client.create(RING)["id"])["status"] == "succeeded"


def _answers(serving: Serving) -> bool:
    try:
        httpx.get(f"{serving.url}/livez")
    except httpx.TransportError:
        return False
    return True


def test_a_bad_spec_is_refused_with_field_and_limit(client: Rest) -> None:
    with pytest.raises(ApiError, match=r"generator\.latent_dim: .*4096") as caught:
        client.create(RING | {"generator": {"kind": "mlp", "latent_dim": 5000}})
    assert caught.value.status == 422
    assert "\n" not in str(caught.value)
