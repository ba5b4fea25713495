"""The recorder: blocks that wait become one transaction, and none is lost or doubled."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from sqlalchemy.orm import Session
from support.progress import running_job
from support.runs import event_kinds, read

from models import metrics
from models.database import Database
from models.settings import Settings
from models.spec import JobSpec
from models.storage import open_storage
from worker.gan.data import load
from worker.gan.events import MetricsBlock, SampleReady, Started
from worker.joblog import JobLog
from worker.recorder import RecordedJob, Recorder
from worker.writer import LeasedWriter

CPU = torch.device("cpu")


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Transactions of the recorder wait until it is set."""
    opened = threading.Event()
    write = Database.write

    @contextmanager
    def held_up(self: Database) -> Iterator[Session]:
        if threading.current_thread().name == "recorder":
            opened.wait(30)
        with write(self) as session:
            yield session

    monkeypatch.setattr(Database, "write", held_up)
    return opened


def recorder_of(settings: Settings, database: Database, names: tuple[str, ...] | None = None) -> tuple[str, Recorder]:
    """The id of a running job, and its recorder."""
    job, lease = running_job(database)
    spec = JobSpec.model_validate(job.spec)
    recorded = RecordedJob(job.id, job.number, 0, lease.attempt, spec, 0.0, "data", names or spec.metric_names)
    joblog = JobLog(job.id, lease.attempt)
    writer = LeasedWriter(database, lease, joblog, 30)
    storage = open_storage(settings.storage_url)
    return job.id, Recorder(writer, storage, recorded, joblog, load(spec, CPU), 30, lambda: False)


def block(first_step: int, count: int, names: tuple[str, ...]) -> MetricsBlock:
    steps = np.arange(first_step, first_step + count, dtype=np.float32)
    return MetricsBlock(first_step, names, steps[:, None] + np.arange(len(names), dtype=np.float32) / 100)


def started() -> Started:
    return Started(
        step=0, device="cpu", execution="eager", environment={}, generator_parameters=1, discriminator_parameters=1
    )


def test_blocks_that_wait_are_written_together(settings: Settings, database: Database, gate: threading.Event) -> None:
    job_id, recorder = recorder_of(settings, database)
    names = JobSpec.model_validate(read(database, job_id).spec).metric_names
    recorder.put(started())
    for first in range(1, 81, 10):
        recorder.put(block(first, 10, names))
        if first == 41:
            recorder.put(SampleReady(50, np.zeros((64, 2), np.float32)))
    gate.set()
    recorder.close()
    job = read(database, job_id)
    # The start, the blocks before the sample, the sample, the blocks after it.
    assert (job.step, job.writes) == (80, 4)
    assert event_kinds(database, job).count("job.training") == 1
    with database.read() as session:
        rows = metrics.read_rows(session, job, names)
        curve = metrics.read_buckets(session, job, names, 3).summaries
    assert rows.steps.tolist() == rows.values[:, 0].tolist() == list(range(1, 81))
    assert (curve.count.tolist(), curve.last[-1, 0]) == ([32, 32, 16], 80)


def test_rows_keep_the_columns_that_the_job_began_with(settings: Settings, database: Database) -> None:
    earlier = ("d_loss", "g_loss", "d_grad_norm", "no_longer_recorded")
    job_id, recorder = recorder_of(settings, database, earlier)
    recorder.put(started())
    recorder.put(block(1, 3, ("d_loss", "g_loss", "d_real", "d_grad_norm")))
    recorder.close()
    job = read(database, job_id)
    assert job.metric_names == list(earlier)
    with database.read() as session:
        values = metrics.read_rows(session, job, earlier).values
    np.testing.assert_allclose(values[:, :3], [[s, s + 0.01, s + 0.03] for s in (1, 2, 3)], rtol=1e-6)
    assert np.isnan(values[:, 3]).all()
    assert job.latest_metrics is not None
    assert (job.latest_metrics["d_loss"], job.latest_metrics["d_real"]) == (3, None)
