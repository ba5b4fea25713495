"""The ``ganjobs`` command against a running service."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import safetensors.numpy
import yaml
from PIL import Image
from support.commands import Run, run_command
from support.serving import RING, Serving, environment, wait_until

from ganjobs.reading import CAVEAT
from ganjobs.rest import Rest


@pytest.fixture
def spec(tmp_path: Path) -> str:
    path = tmp_path / "ring.yaml"
    path.write_text(yaml.safe_dump(RING))
    return str(path)


def process(serving: Serving, *arguments: str) -> Run:
    """The command as a user calls it."""
    command = [sys.executable, "-m", "ganjobs", *arguments]
    variables = environment() | {"GANJOBS_URL": serving.url}
    return subprocess.run(command, capture_output=True, text=True, timeout=90, env=variables)


def ganjobs(serving: Serving, *arguments: str) -> Run:
    """The same in this process, where it starts sooner."""
    return run_command(*arguments, variables=environment() | {"GANJOBS_URL": serving.url})


def data(result: Run) -> Any:
    assert (result.returncode, result.stderr) == (0, "")
    return json.loads(result.stdout)


def test_from_submission_to_deletion(serving: Serving, spec: str, tmp_path: Path) -> None:
    followed = process(serving, "submit", spec, "--follow", "--name", "by hand", "--set", "steps=40")
    assert (followed.returncode, followed.stderr) == (0, "")
    assert re.search(r"[^\x20-\x7e\n]", followed.stdout) is None
    job_id = followed.stdout.split()[1]
    *_, ended, health, caveat = followed.stdout.splitlines()
    assert ended == f"{job_id} succeeded at step 40 of 40"
    assert health.startswith("health     warming_up (ok): ")
    assert caveat.strip() == CAVEAT
    assert "D loss" in followed.stdout
    assert "warming_up  (ok; " in ganjobs(serving, "show", job_id).stdout

    shown = data(ganjobs(serving, "show", "latest", "--json"))
    assert (shown["id"], shown["name"], shown["spec"]["steps"]) == (job_id, "by hand", 40)
    listed = data(ganjobs(serving, "jobs", "--status", "succeeded", "--limit", "1", "--json"))
    assert [job["id"] for job in listed["data"]] == [job_id]
    assert job_id in ganjobs(serving, "jobs").stdout
    kinds = [event["kind"] for event in data(ganjobs(serving, "events", job_id[:20], "--json"))]
    assert (kinds[0], kinds[-1]) == ("job.queued", "job.succeeded")
    assert "(attempt 1, step 40)" in ganjobs(serving, "events", job_id).stdout
    assert data(ganjobs(serving, "logs", job_id, "--json"))
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d info ", ganjobs(serving, "logs", job_id).stdout)

    check_for_programs(serving, job_id)
    check_files(serving, job_id, tmp_path)
    assert data(ganjobs(serving, "delete", job_id, "--json")) == {"id": job_id, "deleted": True}
    gone = ganjobs(serving, "show", job_id)
    assert (gone.returncode, gone.stderr.count("\n")) == (8, 1)
    assert f"there is no job '{job_id}'" in gone.stderr


def check_for_programs(serving: Serving, job_id: str) -> None:
    """What scripts and shells are told of a job that has ended."""
    watched = json.loads(ganjobs(serving, "watch", job_id, "--json").stdout)
    assert (watched["status"], watched["step"], watched["verdict"]) == ("succeeded", 40, "warming_up")
    assert isinstance(watched["d_loss"], float)
    assert json.loads(ganjobs(serving, "watch", job_id, "--once", "--json").stdout) == watched
    lines = ganjobs(serving, "events", job_id, "--follow", "--json").stdout.splitlines()
    assert json.loads(lines[-1])["kind"] == "job.succeeded"
    asked = {"_GANJOBS_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": f"ganjobs show {job_id[:20]}"}
    program = "import sys; sys.argv = ['ganjobs']; from ganjobs.cli import main; main()"
    variables = environment() | asked | {"GANJOBS_URL": serving.url}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, env=variables)
    assert f'"{job_id}":"by hand succeeded"' in done.stdout


def check_files(serving: Serving, job_id: str, folder: Path) -> None:
    """The job's samples and checkpoints can be listed and saved."""
    assert [sample["step"] for sample in data(ganjobs(serving, "samples", job_id, "--json"))] == [0, 20, 40]
    assert len(ganjobs(serving, "samples", job_id).stdout.splitlines()) == 4
    saved = ganjobs(serving, "samples", job_id, "--save", str(folder / "png"))
    images = [Path(line) for line in saved.stdout.splitlines()]
    assert [image.name for image in images] == [f"{job_id}-step-{step:08}.png" for step in (0, 20, 40)]
    assert all(image.read_bytes().startswith(b"\x89PNG\r\n") for image in images)

    film = folder / "film.gif"
    assert ganjobs(serving, "samples", job_id, "--animation", str(film)).stdout == f"{film}\n"
    with Image.open(film) as animation:
        assert animation.n_frames == 3  # type: ignore[attr-defined]

    kept = [checkpoint["step"] for checkpoint in data(ganjobs(serving, "checkpoints", job_id, "--json"))]
    assert kept == [40, 30]
    assert "generator.safetensors" in ganjobs(serving, "checkpoints", job_id).stdout
    weights = Path(ganjobs(serving, "generator", job_id, "--save", str(folder / "weights")).stdout.rstrip("\n"))
    assert weights.name == f"{job_id}-step-00000040.safetensors"
    assert safetensors.numpy.load_file(weights)["layers.0.weight"].shape == (16, 2)


def test_evaluations_and_the_best_generator(serving: Serving, spec: str, tmp_path: Path) -> None:
    asked = ("--set", "evaluate_every=20", "--set", "best_metric=jensen_shannon_divergence")
    followed = ganjobs(serving, "submit", spec, "--follow", *asked)
    assert (followed.returncode, followed.stderr) == (0, "")
    brief = r"^evaluation step 60: jensen_shannon_divergence [\d.e-]+$"
    assert re.search(brief, followed.stdout, re.MULTILINE), followed.stdout
    job_id = followed.stdout.split()[1]
    shown = ganjobs(serving, "show", job_id).stdout
    assert re.search(r"^evaluation +step 60: modes_covered \d", shown, re.MULTILINE)
    lines = ganjobs(serving, "evaluations", job_id).stdout.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["step 20", "step 40", "step 60"]
    assert [each["step"] for each in data(ganjobs(serving, "evaluations", job_id, "--json"))] == [20, 40, 60]
    (best,) = [each for each in data(ganjobs(serving, "checkpoints", job_id, "--json")) if each["best"]]
    assert f"jensen_shannon_divergence {best['best']['value']:.4g}" in ganjobs(serving, "checkpoints", job_id).stdout
    saved = ganjobs(serving, "generator", job_id, "--best", "--save", str(tmp_path / "weights")).stdout.rstrip("\n")
    assert Path(saved).name == f"{job_id}-step-{best['step']:08}.safetensors"

    plain = data(ganjobs(serving, "submit", spec, "--json"))["id"]
    assert ganjobs(serving, "watch", plain).returncode == 0
    none = ganjobs(serving, "generator", plain, "--best")
    assert (none.returncode, none.stderr.count("\n")) == (1, 1)
    assert "no best checkpoint" in none.stderr
    assert "evaluate_every" in ganjobs(serving, "evaluations", plain).stdout


def test_a_cancelled_job_ends_the_watching_with_3(serving: Serving, client: Rest, spec: str) -> None:
    submitted = data(ganjobs(serving, "submit", spec, "--set", "steps=90000", "--json"))
    wait_until(lambda: client.get(submitted["id"])["step"] > 0, 60, "the first steps")
    refused = ganjobs(serving, "delete", submitted["id"])
    assert (refused.returncode, refused.stderr.count("\n")) == (8, 1)
    assert ganjobs(serving, "cancel", submitted["id"]).stdout == f"{submitted['id']} is cancelling\n"
    watched = ganjobs(serving, "watch", submitted["id"])
    assert watched.returncode == 3
    assert "cancelled at step" in watched.stdout
    late = ganjobs(serving, "cancel", submitted["id"])
    assert (late.returncode, late.stdout) == (0, f"{submitted['id']} is cancelled\n")


def test_a_paused_job_ends_the_watching_with_4(serving: Serving, client: Rest, spec: str) -> None:
    job_id = data(ganjobs(serving, "submit", spec, "--set", "steps=90000", "--priority", "3", "--json"))["id"]
    wait_until(lambda: client.get(job_id)["step"] > 0, 60, "the first steps")
    assert ganjobs(serving, "pause", job_id).stdout == f"{job_id} is pausing\n"
    watched = ganjobs(serving, "watch", job_id)
    assert (watched.returncode, watched.stderr) == (4, "")
    assert f"go on with `ganjobs resume {job_id}`" in watched.stdout
    assert job_id in ganjobs(serving, "jobs", "--status", "paused").stdout
    assert ganjobs(serving, "cancel", job_id).stdout == f"{job_id} is cancelled\n"

    step = client.get(job_id)["step"]
    forked = ganjobs(serving, "fork", job_id, "--set", f"steps={step + 20}", "--follow")
    assert (forked.returncode, forked.stderr) == (0, "")
    assert f"fork of {job_id} after step {step}\n" in forked.stdout
    shown = ganjobs(serving, "show", "latest").stdout
    assert re.search(rf"^origin +fork of {job_id} after step {step} *$", shown, re.MULTILINE)
    assert re.search(r"^priority +3 *$", shown, re.MULTILINE)
    too_few = ganjobs(serving, "fork", job_id, "--set", "steps=1")
    assert (too_few.returncode, too_few.stderr.count("\n")) == (2, 1)
    assert "steps: must be more than" in too_few.stderr


def test_a_list_goes_on_where_its_page_ended(serving: Serving, client: Rest) -> None:
    created = [client.create(RING | {"name": "pages"})["id"] for _ in range(3)]
    first = ganjobs(serving, "jobs", "--name", "pages", "--limit", "2").stdout
    assert [line.split()[0] for line in first.splitlines()[1:3]] == [created[2], created[1]]
    *_, option, after = first.split()
    assert (option, after) == ("--after", created[1])
    rest = ganjobs(serving, "jobs", "--name", "pages", "--after", after).stdout
    assert [line.split()[0] for line in rest.splitlines()[1:]] == [created[0]]


def test_a_service_on_this_machine_is_found_without_its_url(serving: Serving) -> None:
    command = [sys.executable, "-m", "ganjobs", "workers", "--json"]
    variables = environment() | {"GANJOBS_DATA_FOLDER": str(serving.folder)}
    assert data(subprocess.run(command, capture_output=True, text=True, timeout=90, env=variables))


def test_workers_are_listed(serving: Serving) -> None:
    (worker,) = [worker for worker in data(ganjobs(serving, "workers", "--json")) if worker["status"] != "stopped"][-1:]
    assert worker["slots"] == 1
    assert worker["id"] in ganjobs(serving, "workers").stdout


def test_many_jobs_are_watched_and_compared(serving: Serving, client: Rest) -> None:
    changed = {"name": "another", "seed": 7, "loss": {"kind": "saturating"}}
    ids = [client.create(RING | changes)["id"] for changes in ({}, changed)]
    watched = ganjobs(serving, "watch", *ids)
    assert (watched.returncode, watched.stderr) == (0, "")
    ends = [line for line in watched.stdout.splitlines() if "succeeded  step 60/60 (100 %)" in line]
    assert [line.split()[0] for line in ends] == ids
    assert "D loss" in ends[0]
    states = [json.loads(line) for line in ganjobs(serving, "watch", *ids, "--json").stdout.splitlines()]
    assert [(state["id"], state["step"]) for state in states] == [(job_id, 60) for job_id in ids]

    compared = ganjobs(serving, "compare", *ids).stdout
    assert re.search(r"^loss\.kind +non_saturating +saturating *$", compared, re.MULTILINE), compared
    assert re.search(r"^D loss, curve +[▁-█ ]+$", compared, re.MULTILINE)
    told = json.loads(ganjobs(serving, "compare", *ids, "--json").stdout)
    assert told["spec"]["seed"] == [client.get(ids[0])["spec"]["seed"], 7]
    assert all(job["curves"]["d_loss"] for job in told["jobs"])


def test_the_doctor_finds_a_service_well(serving: Serving) -> None:
    found = ganjobs(serving, "doctor", "--json")
    states = {each["name"]: each["state"] for each in json.loads(found.stdout)}
    assert {states[name] for name in ("address", "api", "clock", "version", "database", "queue", "worker")} == {"ok"}


def test_a_restart_of_the_api_does_not_end_the_watching(serving: Serving, client: Rest) -> None:
    job_id = client.create(RING | {"steps": 90000})["id"]
    wait_until(lambda: client.get(job_id)["step"] > 0, 60, "the first steps")
    command = [sys.executable, "-m", "ganjobs", "watch", job_id]
    variables = environment() | {"GANJOBS_URL": serving.url, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=variables
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("running")
        (api,) = serving.find("uvicorn")
        os.kill(api, signal.SIGKILL)
        told = iter(process.stdout.readline, "")
        assert any("connection lost, trying again" in line for line in told)
        assert any("connected again" in line for line in told)
        client.cancel(job_id)
        assert "cancelled at step" in process.stdout.read()
    assert process.returncode == 3
