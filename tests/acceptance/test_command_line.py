"""The ``ganjobs`` command against a running service."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.serving import RING, Serving, environment, wait_until

from ganjobs.client import Client

Run = subprocess.CompletedProcess[str]


@pytest.fixture
def spec(tmp_path: Path) -> str:
    path = tmp_path / "ring.yaml"
    path.write_text(yaml.safe_dump(RING))
    return str(path)


def ganjobs(serving: Serving, *arguments: str) -> Run:
    command = [sys.executable, "-m", "ganjobs", *arguments]
    variables = environment() | {"GANJOBS_URL": serving.url}
    return subprocess.run(command, capture_output=True, text=True, timeout=90, env=variables)


def data(result: Run) -> Any:
    assert (result.returncode, result.stderr) == (0, "")
    return json.loads(result.stdout)


def test_from_submission_to_deletion(serving: Serving, spec: str, tmp_path: Path) -> None:
    followed = ganjobs(serving, "submit", spec, "--follow", "--name", "by hand", "--set", "steps=40")
    assert (followed.returncode, followed.stderr) == (0, "")
    assert re.search(r"[^\x20-\x7e\n]", followed.stdout) is None
    job_id = followed.stdout.split()[1]
    assert followed.stdout.splitlines()[-1] == f"{job_id} succeeded at step 40 of 40"
    assert "D loss" in followed.stdout

    shown = data(ganjobs(serving, "show", "latest", "--json"))
    assert (shown["id"], shown["name"], shown["spec"]["steps"]) == (job_id, "by hand", 40)
    listed = data(ganjobs(serving, "jobs", "--status", "succeeded", "--limit", "1", "--json"))
    assert [job["id"] for job in listed["data"]] == [job_id]
    assert job_id in ganjobs(serving, "jobs").stdout
    kinds = [event["kind"] for event in data(ganjobs(serving, "events", job_id[:20], "--json"))]
    assert (kinds[0], kinds[-1]) == ("job.queued", "job.succeeded")
    assert data(ganjobs(serving, "logs", job_id, "--json"))

    saved = ganjobs(serving, "samples", job_id, "--save", str(tmp_path / "png"))
    images = [Path(line) for line in saved.stdout.splitlines()]
    assert [image.name for image in images] == [f"{job_id}-step-{step:08}.png" for step in (0, 20, 40)]
    assert all(image.read_bytes().startswith(b"\x89PNG\r\n") for image in images)

    assert ganjobs(serving, "delete", job_id).stdout == f"deleted {job_id}\n"
    gone = ganjobs(serving, "show", job_id)
    assert (gone.returncode, gone.stderr.count("\n")) == (1, 1)
    assert f"there is no job '{job_id}'" in gone.stderr


def test_a_cancelled_job_ends_the_watching_with_3(serving: Serving, client: Client, spec: str) -> None:
    submitted = data(ganjobs(serving, "submit", spec, "--set", "steps=90000", "--json"))
    wait_until(lambda: client.get(submitted["id"])["step"] > 0, 60, "the first steps")
    refused = ganjobs(serving, "delete", submitted["id"])
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert ganjobs(serving, "cancel", submitted["id"]).stdout == f"{submitted['id']} is cancelling\n"
    watched = ganjobs(serving, "watch", submitted["id"])
    assert watched.returncode == 3
    assert "cancelled at step" in watched.stdout
    late = ganjobs(serving, "cancel", submitted["id"])
    assert (late.returncode, late.stdout) == (0, f"{submitted['id']} is cancelled\n")


def test_workers_are_listed(serving: Serving) -> None:
    (worker,) = [worker for worker in data(ganjobs(serving, "workers", "--json")) if worker["status"] != "stopped"][-1:]
    assert worker["slots"] == 1
    assert worker["id"] in ganjobs(serving, "workers").stdout


def test_an_invalid_query_is_one_line(serving: Serving) -> None:
    refused = ganjobs(serving, "jobs", "--status", "sleeping")
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (1, "", 1)
    assert "status" in refused.stderr
    assert "queued" in refused.stderr
