"""How far the recorder is behind the loop, as it says itself."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from sqlalchemy.orm import Session
from support.progress import running_job
from support.runs import read

from models.database import Database
from models.settings import Settings
from models.spec import JobSpec
from models.storage import open_storage
from worker.gan.data import load
from worker.gan.events import MetricsBlock, SampleReady
from worker.joblog import JobLog
from worker.recorder import RecordedJob, Recorder
from worker.writer import LeasedWriter

SLOW = 0.2


@pytest.fixture
def recorder(settings: Settings, database: Database) -> tuple[str, Recorder]:
    """The id of a running job, and its recorder."""
    job, lease = running_job(database)
    spec = JobSpec.model_validate(job.spec)
    recorded = RecordedJob(job.id, job.number, 0, lease.attempt, spec, 0.0, "data", spec.metric_names)
    joblog = JobLog(job.id, lease.attempt)
    writer = LeasedWriter(database, lease, joblog, 30)
    data = load(spec, torch.device("cpu"))
    return job.id, Recorder(writer, open_storage(settings.storage_url), recorded, joblog, data, 30, lambda: False)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of the recorder's transactions takes a while, to its commit."""
    write = Database.write

    @contextmanager
    def taking_long(self: Database) -> Iterator[Session]:
        with write(self) as session:
            yield session
            if threading.current_thread().name == "recorder":
                time.sleep(SLOW)

    monkeypatch.setattr(Database, "write", taking_long)


def block(database: Database, job_id: str, first_step: int) -> MetricsBlock:
    names = JobSpec.model_validate(read(database, job_id).spec).metric_names
    return MetricsBlock(first_step, names, np.ones((5, len(names)), np.float32))


def lag(database: Database, job_id: str) -> float | None:
    return read(database, job_id).recorder_lag_seconds


def when_it_has(database: Database, job_id: str, step: int) -> float | None:
    """The lag once the job has come to ``step``."""
    while read(database, job_id).step < step:
        time.sleep(0.01)
    return lag(database, job_id)


@pytest.mark.usefixtures("slow")
def test_a_block_is_written_with_the_lag_of_the_block_before(
    database: Database, recorder: tuple[str, Recorder]
) -> None:
    job_id, recording = recorder
    recording.put(block(database, job_id, 1))
    assert when_it_has(database, job_id, 5) is None  # it cannot say how long its own commit will take
    recording.put(block(database, job_id, 6))
    first = when_it_has(database, job_id, 10)
    assert first is not None
    assert SLOW <= first < SLOW + 5
    recording.close()


@pytest.mark.usefixtures("slow")
def test_what_waited_behind_something_else_counts_from_its_own_last_step(
    database: Database, recorder: tuple[str, Recorder]
) -> None:
    job_id, recording = recorder
    *together, last = (block(database, job_id, first_step) for first_step in (1, 6, 11))
    recording.put(SampleReady(0, np.zeros((64, 2), np.float32)))
    for waiting in together:
        recording.put(waiting)
        time.sleep(SLOW / 4)
    when_it_has(database, job_id, 10)
    recording.put(last)
    recording.close()
    behind = lag(database, job_id)
    assert behind is not None
    assert behind > SLOW * 1.2  # a transaction, and most of the one before
