"""A real Celery worker process with a real Redis, on both databases."""

import os
import signal
import time
from collections.abc import Iterator

import pytest
from support.progress import queue_job
from support.runs import read
from support.servers import Valkey
from support.workers import children_of, eventually, quick_settings, worker

from models import metrics, workers
from models.database import Database
from models.queue import Doorbell, QueueUnavailable
from models.settings import Settings
from models.tables import Job
from worker.reconciler import Reconciler

LONG = {"steps": 1_000_000, "sample_every": 100_000, "checkpoint_every": 100_000}


@pytest.fixture
def quick(settings: Settings) -> Settings:
    return quick_settings(settings)


@pytest.fixture
def doorbell(quick: Settings) -> Iterator[Doorbell]:
    opened = Doorbell(quick)
    yield opened
    opened.close()


def steps_recorded(database: Database, job: Job) -> list[int]:
    with database.read() as session:
        return metrics.read_rows(session, job, ["d_loss"], limit=1_000_000).steps.tolist()


def test_a_worker_trains_what_is_queued_shows_itself_and_leaves(
    quick: Settings, database: Database, doorbell: Doorbell
) -> None:
    submitted = [queue_job(database, steps=20, seed=number) for number in range(3)]
    doorbell.ring(times=3)
    with worker(quick) as process:
        eventually(quick, lambda: all(read(database, job_id).status == "succeeded" for job_id in submitted))
        for job_id in submitted:
            assert steps_recorded(database, read(database, job_id)) == list(range(1, 21))
        with database.read() as session:
            (alive,) = workers.list_live(session, quick.heartbeat_seconds)
        assert (alive.pid, alive.slots, alive.status) == (process.pid, 1, "ready")
        assert alive.devices[0]["kind"] == "cpu"
        assert alive.versions["torch"].startswith("2.13.0")
        started = [read(database, job_id).started_at for job_id in submitted]
        assert started == sorted(started)  # type: ignore[type-var]

        long = queue_job(database, **LONG)
        doorbell.ring()
        eventually(quick, lambda: read(database, long).step > 0)
        process.terminate()
        assert process.wait(10) == 0
    released = read(database, long)
    assert released.status == "queued"
    assert "shutting down" in (released.status_reason or "")
    assert steps_recorded(database, released) == list(range(1, released.step + 1))
    with database.read() as session:
        assert workers.list_live(session, quick.heartbeat_seconds) == []


def test_a_job_survives_the_death_of_the_process_that_trains_it(
    quick: Settings, database: Database, doorbell: Doorbell
) -> None:
    job_id = queue_job(database, steps=900, checkpoint_every=100, generator={"kind": "mlp"})
    doorbell.ring()
    reconciler = Reconciler(database, doorbell, quick)
    with worker(quick) as process:
        eventually(quick, lambda: read(database, job_id).step >= 150)
        for child in children_of(process.pid):
            os.kill(child, signal.SIGKILL)

        def finished() -> bool:
            reconciler.run_once()
            return read(database, job_id).status == "succeeded"

        eventually(quick, finished)
    job = read(database, job_id)
    assert job.attempt == 2
    assert steps_recorded(database, job) == list(range(1, 901))


def test_the_second_sigterm_ends_a_worker_at_once_and_its_job_goes_back(
    quick: Settings, database: Database, doorbell: Doorbell
) -> None:
    job_id = queue_job(database, **LONG)
    doorbell.ring()
    with worker(quick) as process:
        eventually(quick, lambda: read(database, job_id).step > 0)
        process.terminate()
        time.sleep(0.05)
        process.terminate()
        assert process.wait(2) == 128 + signal.SIGTERM
        eventually(quick, lambda: read(database, job_id).status == "queued")
    job = read(database, job_id)
    assert job.crashes == 0
    assert steps_recorded(database, job) == list(range(1, job.step + 1))


def test_a_sigterm_to_a_training_process_alone_gives_its_job_back_and_costs_no_slot(
    quick: Settings, database: Database, doorbell: Doorbell
) -> None:
    job_id = queue_job(database, **LONG)
    doorbell.ring()
    reconciler = Reconciler(database, doorbell, quick)
    with worker(quick) as process:
        eventually(quick, lambda: read(database, job_id).step > 0)
        for child in children_of(process.pid):
            os.kill(child, signal.SIGTERM)

        def taken_up_again() -> bool:
            reconciler.run_once()
            return read(database, job_id).attempt == 2

        eventually(quick, taken_up_again)
    assert read(database, job_id).crashes == 0


def test_a_dead_training_process_is_noticed_long_before_its_lease_runs_out(
    quick: Settings, database: Database, doorbell: Doorbell
) -> None:
    patient = quick.model_copy(update={"lease_seconds": 600.0})
    job_id = queue_job(database, **LONG | {"checkpoint_every": 200})
    doorbell.ring()
    reconciler = Reconciler(database, doorbell, patient)
    with worker(patient) as process:
        eventually(patient, lambda: read(database, job_id).step >= 200)
        for child in children_of(process.pid):
            os.kill(child, signal.SIGKILL)

        def taken_up_again() -> bool:
            reconciler.run_once()
            return read(database, job_id).attempt == 2

        eventually(patient, taken_up_again)
    assert read(database, job_id).crashes <= 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_lost_messages_are_sent_again_and_no_more_than_those(
    quick: Settings, database: Database, private_redis: Valkey
) -> None:
    settings = quick.model_copy(update={"redis_url": private_redis.url})
    doorbell = Doorbell(settings)
    reconciler = Reconciler(database, doorbell, settings)
    for _ in range(5):
        queue_job(database)
    assert reconciler.ring_for_lost_messages() == 5
    assert reconciler.ring_for_lost_messages() == 0
    assert doorbell.waiting() == 5
    private_redis.kill()
    with pytest.raises(QueueUnavailable):
        doorbell.ring()
    reconciler.run_once()  # an outage is left to the next pass
    private_redis.start()
    reconciler.run_once()
    assert doorbell.waiting() == 5
    doorbell.close()
