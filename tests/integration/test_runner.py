"""One worker's run of one job, in this process, against both databases."""

import time
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from support.progress import queue_job
from support.runs import LONG, cancel, event_kinds, read, rows_of, run, when_it_has_steps

from models import events, metrics, samples
from models.database import Database
from models.settings import Settings
from models.spec import JobSpec
from models.storage import open_storage
from worker.gan import data as engine_data


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


def test_a_database_that_is_away_is_no_crash_of_the_task(quick: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OperationalError("UPDATE", {}, Exception("database or disk is full"))

    monkeypatch.setattr("models.leases.claim", full)
    assert run(quick) is None


def test_what_means_nothing_is_not_recorded(quick: Settings, database: Database) -> None:
    queue_job(database, loss={"kind": "saturating"}, steps=3)
    job = read(database, run(quick))
    assert [values[2] for _, values in rows_of(database, job)] == [None] * 3


WIDE = {"kind": "mlp", "hidden_sizes": [1024, 1024]}
# More checkpoints and pictures than can be stored as fast as they come.
MUCH_TO_STORE = {"steps": 10_000, "sample_every": 1, "checkpoint_every": 1, "generator": WIDE, "discriminator": WIDE}


@pytest.mark.parametrize("spec", [LONG, MUCH_TO_STORE], ids=["long", "much to store"])
def test_a_cancellation_takes_effect_within_a_second(quick: Settings, database: Database, spec: dict[str, Any]) -> None:
    job_id = queue_job(database, **spec)
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
    # A second, and some more for a busy machine.
    assert took < 4


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


def test_a_spec_in_the_database_is_the_spec_that_was_sent(quick: Settings, database: Database) -> None:
    job = read(database, queue_job(database))
    assert JobSpec.model_validate(job.spec).steps == 100
