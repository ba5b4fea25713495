"""Mirroring to a real MLflow server: what arrives while a job trains, whoever dies or is away meanwhile."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from structlog.testing import capture_logs
from support.mlflow import MlflowServer
from support.progress import claim, finish, queue_job, record, running_job
from support.runs import QUICK, cancel, read
from support.runs import run as train
from support.serving import RING, wait_until
from support.workers import PATIENCE_SECONDS, ROOT

from models import metrics, samples
from models.database import Database
from models.settings import Settings
from models.tables import Job
from worker.mirror import Mirror
from worker.mirror_target import Target

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
LONG = RING | {"steps": 1_000_000, "sample_every": 500, "checkpoint_every": 100_000, "metadata": {"project": "thesis"}}


@pytest.fixture(scope="module")
def server() -> Iterator[MlflowServer]:
    started = MlflowServer()
    try:
        started.start()
        yield started
    finally:
        started.remove()


@pytest.fixture
def mirrored(settings: Settings, server: MlflowServer, request: pytest.FixtureRequest) -> Settings:
    """Settings with an experiment of the test's own."""
    there = {"mlflow_tracking_uri": server.url, "mlflow_experiment": request.node.name, "mlflow_seconds": 0.1}
    return settings.model_copy(update=QUICK | there)


@pytest.fixture
def target(mirrored: Settings) -> Target:
    return Target(str(mirrored.mlflow_tracking_uri), mirrored.mlflow_experiment)


@contextmanager
def mirroring(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """A mirror as the service starts it, killed at the end."""
    values = settings.model_dump(exclude_none=True).items()
    environment = os.environ | {f"GANJOBS_{name.upper()}": str(value) for name, value in values}
    with (settings.data_folder / "mirror.log").open("ab") as log:
        command = [sys.executable, "-m", "worker.mirror"]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def training(settings: Settings, database: Database, job_id: str) -> Iterator[None]:
    """A worker trains the job meanwhile, which is cancelled at the end."""
    thread = threading.Thread(target=train, args=(settings,))
    thread.start()
    try:
        yield
    finally:
        cancel(database, job_id)
        thread.join()


def runs_of(settings: Settings) -> list[Run]:
    client = MlflowClient(settings.mlflow_tracking_uri)
    experiment = client.get_experiment_by_name(settings.mlflow_experiment)
    return list(client.search_runs([experiment.experiment_id])) if experiment else []


def run_of(settings: Settings) -> Run:
    (run,) = runs_of(settings)
    return run


def curve(settings: Settings, run: Run, key: str = "d_loss") -> list[tuple[int, float]]:
    """All points of a metric that MLflow has, by step."""
    history = MlflowClient(settings.mlflow_tracking_uri).get_metric_history(run.info.run_id, key)
    return sorted((each.step, each.value) for each in history)


def artifacts(settings: Settings, run: Run, folder: str) -> list[str]:
    listed = MlflowClient(settings.mlflow_tracking_uri).list_artifacts(run.info.run_id, folder)
    return [Path(each.path).name for each in listed]


def recorded_means(database: Database, job: Job, width: int) -> list[tuple[int, float]]:
    """What a curve is to be: from the rows themselves."""
    with database.read() as session:
        rows = metrics.read_rows(session, job, ["d_loss"], limit=1_000_000)
    values = rows.values[:, 0].astype(float)
    ends = [*range(width, len(values), width), len(values)]
    return [(end, float(values[(end - 1) // width * width : end].mean())) for end in ends]


@ON_SQLITE
def test_a_job_is_seen_while_it_trains_and_a_killed_mirror_leaves_no_gap(
    mirrored: Settings, database: Database, target: Target
) -> None:
    job_id = queue_job(database, **LONG)

    def points() -> int:
        time.sleep(0.2)  # asking costs the server more than being told
        found = runs_of(mirrored)
        return len(curve(mirrored, found[0])) if found else 0

    with training(mirrored, database, job_id):
        with mirroring(mirrored) as first:
            wait_until(lambda: points() > 2, PATIENCE_SECONDS, "the first points")
            run = run_of(mirrored)
            assert (run.info.status, run.data.tags["ganjobs.status"]) == ("RUNNING", "running")
            assert read(database, job_id).finished_at is None
            first.send_signal(signal.SIGKILL)
            first.wait()
        before = points()
        following = Mirror(database, mirrored, target)  # another process would only take longer to load
        wait_until(
            lambda: (following.run_once(), points())[1] > before, PATIENCE_SECONDS, "points after the mirror has died"
        )
        cancel(database, job_id)
        wait_until(
            lambda: (following.run_once(), run_of(mirrored).info.status)[1] == "KILLED", PATIENCE_SECONDS, "the end"
        )
    run, job = run_of(mirrored), read(database, job_id)
    width = int(run.data.tags["ganjobs.steps_per_point"])
    assert width == 512
    expected = recorded_means(database, job, width)
    found = curve(mirrored, run)
    assert [step for step, _ in found] == [step for step, _ in expected], "no gap, nothing twice"
    assert [value for _, value in found] == pytest.approx([value for _, value in expected], rel=1e-5)
    assert run.data.tags | {"project": "thesis", "ganjobs.job_id": job_id, "ganjobs.status": "cancelled"} == (
        run.data.tags
    )
    assert run.data.params["generator.kind"] == "mlp"
    drawn = {int(name.split("+")[2]) for name in artifacts(mirrored, run, "images") if name.endswith(".png")}
    with database.read() as session:
        assert drawn == {step for step, _, _ in samples.sample_steps(session, job)}


@ON_SQLITE
def test_what_was_sent_and_not_written_down_is_one_when_sent_again(
    mirrored: Settings, database: Database, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, lease = running_job(database, steps=10)
    record(database, job, lease, 1, ROWS[:4])
    monkeypatch.setattr("worker.mirror.OPENING_SECONDS", 0.0)
    monkeypatch.setattr("worker.mirror.LEASE_SECONDS", 0.0)
    for unwritten in ("name_run", "advance"):
        with monkeypatch.context() as dying:
            dying.setattr(f"models.mirrors.{unwritten}", die)
            with pytest.raises(Died):
                Mirror(database, mirrored, target).run_once()
    assert [step for step, _ in curve(mirrored, run_of(mirrored))] == [1, 2, 3, 4]
    record(database, job, lease, 5, ROWS[4:])
    finish(database, lease)
    Mirror(database, mirrored, target).run_once()
    run = run_of(mirrored)
    assert curve(mirrored, run) == [(step, float(step)) for step in range(1, 11)]
    assert run.info.status == "FINISHED"


@ON_SQLITE
def test_while_mlflow_is_away_jobs_go_on_and_are_mirrored_when_it_is_back(
    mirrored: Settings, database: Database, target: Target, server: MlflowServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.mirror.FIRST_WAIT_SECONDS", 0.0)
    mirror = Mirror(database, mirrored, target)
    job, lease = running_job(database, steps=10)
    record(database, job, lease, 1, ROWS[:4])
    mirror.run_once()
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    server.signal(signal.SIGSTOP)
    with capture_logs() as told:
        record(database, job, lease, 5, ROWS[4:])
        mirror.run_once()
        finish(database, lease)
        mirror.run_once()
        server.signal(signal.SIGCONT)  # it now takes what nobody waits for any more
        wait_until(server.answers, 20, "MLflow")
        mirror.run_once()
    assert [(line["log_level"], line["event"]) for line in told] == [
        ("warning", "MLflow is away; jobs go on, and are mirrored when it is back"),
        ("info", "MLflow is back"),
    ]
    assert curve(mirrored, run_of(mirrored)) == [(step, float(step)) for step in range(1, 11)]
    assert run_of(mirrored).info.status == "FINISHED"


def test_two_mirrors_make_one_run(mirrored: Settings, database: Database, target: Target) -> None:
    Mirror(database, mirrored, target).run_once()  # jobs that have ended before are left alone
    for _ in range(3):
        queue_job(database, steps=10)
    for _ in range(3):
        job, lease = claim(database)
        record(database, job, lease, 1, ROWS)
        finish(database, lease)
    threads = [threading.Thread(target=lambda: Mirror(database, mirrored, target).run_once()) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    Mirror(database, mirrored, target).run_once()
    found = runs_of(mirrored)
    assert len({run.data.tags["ganjobs.job_id"] for run in found}) == len(found) == 3
    for run in found:
        assert curve(mirrored, run) == [(step, float(step)) for step in range(1, 11)]
        assert run.info.status == "FINISHED"


ROWS = [[float(step)] * 9 for step in range(1, 11)]


class Died(BaseException):
    """Stands in for the end of the process: nothing catches it, nothing is finished."""


def die(*_: Any) -> bool:
    raise Died
