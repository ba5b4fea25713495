"""One worker's run of one job, in this process, against both databases."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from support.progress import POINTS, claim, queue_job

from models import events, jobs, metrics, samples
from models.database import Database, database_now
from models.settings import Settings
from models.spec import JobSpec
from models.storage import open_storage
from models.tables import Event, Job
from worker.gan import data as engine_data
from worker.runner import Runner

QUICK = {"control_poll_seconds": 0.05, "heartbeat_seconds": 0.5, "lease_seconds": 30, "device": "cpu"}
LONG = {"steps": 1_000_000, "sample_every": 100_000, "checkpoint_every": 100_000}


@pytest.fixture
def quick(settings: Settings) -> Settings:
    return settings.model_copy(update=QUICK)


def run(settings: Settings, shutting_down: Callable[[], bool] = lambda: False) -> str | None:
    return Runner(settings, "worker-1", shutting_down).run_next()


def read(database: Database, job_id: str | None) -> Job:
    with database.read() as session:
        job = jobs.get(session, job_id or "")
    assert job is not None
    return job


def rows_of(database: Database, job: Job) -> list[tuple[int, list[float | None]]]:
    names = ["d_loss", "g_loss", "total_loss", "d_real", "d_grad_norm"]
    with database.read() as session:
        return metrics.read_rows(session, job.number, 0, names, limit=1_000_000)


def event_kinds(database: Database, job: Job) -> list[str]:
    with database.read() as session:
        return [event.kind for event in events.list_events(session, job.number)]


def when_it_has_steps(database: Database, job_id: str, act: Callable[[], Any]) -> threading.Thread:
    """Do something from beside once the job has recorded steps."""

    def wait() -> None:
        while read(database, job_id).step == 0:
            time.sleep(0.02)
        act()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def cancel(database: Database, job_id: str) -> None:
    with database.write() as session:
        job = jobs.get(session, job_id)
        assert job is not None
        jobs.cancel(session, job)


def test_a_job_is_trained_and_everything_is_kept(quick: Settings, database: Database) -> None:
    queue_job(database, sample_every=40, checkpoint_every=30, keep_checkpoints=2)
    job = read(database, run(quick))
    assert (job.status, job.status_reason, job.step) == ("succeeded", "every step was trained", 100)
    assert job.error is None
    assert job.training_seconds > 0
    assert [step for step, _ in rows_of(database, job)] == list(range(1, 101))
    assert all(value is not None for _, values in rows_of(database, job) for value in values)
    with database.read() as session:
        assert [sample.step for sample in samples.list_samples(session, job)] == [0, 40, 80, 100]
        stored = samples.list_checkpoints(session, job.number, 0)
        assert [checkpoint.step for checkpoint in stored] == [100, 90]
        lines = events.list_log_lines(session, job.number)
    storage = open_storage(quick.storage_url)
    for checkpoint in stored:
        assert set(storage.read_folder(checkpoint.folder, checkpoint.files)) >= {"generator.safetensors", "state.json"}
    folder = quick.resolved_data_folder / "files/jobs" / job.id / "checkpoints"
    folders = sorted(path.name for path in folder.iterdir())
    assert folders == ["0-100-1", "0-90-1"]
    assert event_kinds(database, job) == ["job.queued", "job.running", "job.training", "job.succeeded"]
    assert "checkpoint stored" in [line.message for line in lines]
    assert job.latest_metrics is not None
    assert job.latest_metrics["step"] == 100
    assert job.latest_metrics["d_loss"] == pytest.approx(rows_of(database, job)[-1][1][0])


def test_nothing_queued_is_nothing_done(quick: Settings) -> None:
    assert run(quick) is None


def test_what_means_nothing_is_not_recorded(quick: Settings, database: Database) -> None:
    queue_job(database, loss={"kind": "saturating"}, steps=3)
    job = read(database, run(quick))
    assert [values[2] for _, values in rows_of(database, job)] == [None] * 3


def test_a_cancellation_takes_effect_within_a_second(quick: Settings, database: Database) -> None:
    job_id = queue_job(database, **LONG)
    asked: list[float] = []

    def ask() -> None:
        cancel(database, job_id)
        asked.append(time.monotonic())

    thread = when_it_has_steps(database, job_id, ask)
    run(quick)
    took = time.monotonic() - asked[0]
    thread.join()
    job = read(database, job_id)
    assert (job.status, job.error) == ("cancelled", None)
    assert [step for step, _ in rows_of(database, job)] == list(range(1, job.step + 1))
    # A second, and as much again for a busy machine.
    assert took < 2


def test_a_worker_that_shuts_down_gives_the_job_back_and_another_goes_on_exactly(
    quick: Settings, database: Database
) -> None:
    spec = {"steps": 400, "sample_every": 150, "checkpoint_every": 1000, "generator": POINTS["generator"]}
    undisturbed = read(database, queue_job(database, **spec))
    run(quick)
    job_id = queue_job(database, **spec)
    stop_now = threading.Event()
    thread = when_it_has_steps(database, job_id, stop_now.set)
    run(quick, stop_now.is_set)
    thread.join()
    released = read(database, job_id)
    if released.status == "queued":  # a fast machine may have finished first
        assert released.crashes == 0
        assert run(quick) == job_id
    finished = read(database, job_id)
    assert finished.status == "succeeded"
    assert rows_of(database, finished) == rows_of(database, undisturbed)


def crash_after(job: Job, database: Database) -> None:
    """What the reconciler does for a worker that died."""
    from models import leases

    with database.write() as session:
        stored = session.get_one(Job, job.number)
        stored.lease_expires_at = database_now(-1)  # type: ignore[assignment]
        session.flush()
        session.refresh(stored)
        leases.take_back(session, stored, 5)


class Died(BaseException):
    """Stands in for the end of a process: nothing catches it, nothing is finished."""


def die_at(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Let the engine's data end the run in the middle of a step."""
    load = engine_data.load

    def deadly(*arguments: Any) -> Any:
        data = load(*arguments)
        batch = data.batch

        def last(at: int, sub_step: int) -> Any:
            if at == step:
                raise Died
            return batch(at, sub_step)

        data.batch = last  # type: ignore[method-assign]
        return data

    monkeypatch.setattr("worker.runner.load", deadly)


def test_an_attempt_after_a_crash_resumes_from_the_checkpoint_with_the_same_numbers(
    quick: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = {"sample_every": 25, "checkpoint_every": 20}
    undisturbed = read(database, queue_job(database, **spec))
    run(quick)
    job_id = queue_job(database, **spec)
    with monkeypatch.context() as patched:
        die_at(patched, step=57)
        with pytest.raises(Died):
            run(quick)
    crash_after(read(database, job_id), database)
    assert run(quick) == job_id
    job = read(database, job_id)
    assert (job.status, job.attempt) == ("succeeded", 2)
    assert rows_of(database, job) == rows_of(database, undisturbed)
    with database.read() as session:
        message = session.scalar(select(Event.message).where(Event.kind == "job.resumed"))
        assert message == "resumed from the checkpoint of step 40"
        assert [sample.step for sample in samples.list_samples(session, job)] == [0, 25, 50, 75, 100]


def test_a_damaged_checkpoint_is_passed_over(
    quick: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = queue_job(database, checkpoint_every=20)
    with monkeypatch.context() as patched:
        die_at(patched, step=57)
        with pytest.raises(Died):
            run(quick)
    crash_after(read(database, job_id), database)
    (newest,) = (quick.resolved_data_folder / "files/jobs" / job_id / "checkpoints").glob("0-40-*")
    (newest / "training.safetensors").write_bytes(b"garbage")
    run(quick)
    job = read(database, job_id)
    assert job.status == "succeeded"
    assert "checkpoint.damaged" in event_kinds(database, job)
    assert [step for step, _ in rows_of(database, job)] == list(range(1, 101))


def test_a_non_finite_loss_fails_the_job_and_keeps_what_was_recorded(
    quick: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = engine_data.load

    def poisoned(*arguments: Any) -> Any:
        data = load(*arguments)
        batch = data.batch
        data.batch = lambda step, sub: batch(step, sub) * (float("nan") if step == 29 else 1)  # type: ignore[method-assign]
        return data

    monkeypatch.setattr("worker.runner.load", poisoned)
    queue_job(database, checkpoint_every=10)
    job = read(database, run(quick))
    assert job.status == "failed"
    assert job.error == {
        "kind": "non_finite_loss",
        "message": "d_loss and g_loss became non-finite at step 30",
        "step": 30,
    }
    stored = rows_of(database, job)
    assert [step for step, _ in stored] == list(range(1, 31))
    assert metrics.jsonable(stored[-1][1][0]) == "NaN"
    with database.read() as session:
        assert [found.step for found in samples.list_checkpoints(session, job.number, 0)] == [20, 10]


def test_max_duration_ends_the_job_with_a_checkpoint(quick: Settings, database: Database) -> None:
    job_id = queue_job(database, **LONG, max_duration=1)
    run(quick)
    job = read(database, job_id)
    assert job.status == "failed"
    assert job.error is not None
    assert job.error["kind"] == "max_duration_exceeded"
    assert 1 <= job.training_seconds < 5
    with database.read() as session:
        assert [found.step for found in samples.list_checkpoints(session, job.number, 0)] == [job.step]


def test_changed_data_are_refused(quick: Settings, database: Database) -> None:
    job_id = queue_job(database)
    with database.write() as session:
        session.get_one(Job, read(database, job_id).number).data_fingerprint = "0" * 64
    run(quick)
    job = read(database, job_id)
    assert job.error is not None
    assert job.error["kind"] == "data_changed"


def test_an_unforeseen_error_fails_the_job_in_words(
    quick: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("the disk of data is gone")

    monkeypatch.setattr("worker.runner.load", broken)
    queue_job(database)
    job = read(database, run(quick))
    assert job.error == {
        "kind": "internal_error",
        "message": "RuntimeError: the disk of data is gone",
        "step": None,
    }


def test_a_worker_whose_job_was_taken_away_stops_and_writes_nothing_more(quick: Settings, database: Database) -> None:
    job_id = queue_job(database, **LONG)
    taken: list[Job] = []

    def take_away() -> None:
        crash_after(read(database, job_id), database)
        taken.append(claim(database, "worker-2")[0])

    thread = when_it_has_steps(database, job_id, take_away)
    run(quick)
    thread.join()
    job = read(database, job_id)
    assert (job.status, job.attempt, job.worker_id) == ("running", 2, "worker-2")
    assert len(rows_of(database, job)) == taken[0].step
    assert job.step == taken[0].step


def test_a_spec_in_the_database_is_the_spec_that_was_sent(quick: Settings, database: Database) -> None:
    job = read(database, queue_job(database))
    assert JobSpec.model_validate(job.spec).steps == 100
