"""The recorder: blocks that wait become one transaction, and none is lost or doubled."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import torch
from sqlalchemy.orm import Session
from support.progress import running_job
from support.runs import event_kinds, read
from support.scripted import assessment

from models import evaluations, events, metrics, reports, samples
from models.catalogue import METRIC_NAMES
from models.database import Database
from models.settings import Settings
from models.spec import JobSpec
from models.storage import open_storage
from models.verdicts import Verdict
from worker.gan.checkpoint import Snapshot
from worker.gan.data import load
from worker.gan.events import Best, CheckpointReady, Evaluated, MetricsBlock, SampleReady, Started
from worker.gan.readings import Reading
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


def recorder_of(
    settings: Settings, database: Database, names: tuple[str, ...] | None = None, **changes: object
) -> tuple[str, Recorder]:
    """The id of a running job, and its recorder."""
    job, lease = running_job(database, **changes)
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


def test_what_only_some_jobs_record_is_among_the_latest(settings: Settings, database: Database) -> None:
    job_id, recorder = recorder_of(settings, database, loss={"kind": "hinge"}, regularizers=[{"kind": "r1"}])
    names = JobSpec.model_validate(read(database, job_id).spec).metric_names
    recorder.put(started())
    recorder.put(block(1, 2, names))
    recorder.close()
    latest = read(database, job_id).latest_metrics
    assert latest is not None
    assert list(latest) == ["step", *METRIC_NAMES, "r1_penalty"]
    assert (latest["d_real"], latest["r1_penalty"]) == (None, pytest.approx(2 + names.index("r1_penalty") / 100))


def test_evaluations_are_stored_and_told(settings: Settings, database: Database) -> None:
    job_id, recorder = recorder_of(settings, database, evaluate_every=10)
    recorder.put(started())
    recorder.put(Evaluated(10, {"modes_covered": 7.0, "reverse_kl": float("nan")}))
    recorder.put(Evaluated(20, {"reverse_kl": float("inf"), "modes_covered": 8.0}))
    recorder.close()
    job = read(database, job_id)
    assert job.latest_evaluation == {"step": 20, "values": {"modes_covered": 8.0, "reverse_kl": "Infinity"}}
    with database.read() as session:
        found = {each.step: each.values for each in evaluations.list_evaluations(session, job)}
        lines = [line for line in events.list_log_lines(session, job.number) if line.message == "evaluated"]
    assert found == {
        10: {"modes_covered": 7.0, "reverse_kl": None},
        20: {"modes_covered": 8.0, "reverse_kl": "Infinity"},
    }
    assert list(found[20]) == ["modes_covered", "reverse_kl"]  # as in the catalogue, however they came
    assert [line.data["step"] for line in lines] == [10, 20]
    assert event_kinds(database, job).count("checkpoint.best") == 0


def test_the_best_checkpoint_is_kept_and_its_event_says_so(settings: Settings, database: Database) -> None:
    changes = {"evaluate_every": 10, "best_metric": "reverse_kl", "keep_checkpoints": 1}
    job_id, recorder = recorder_of(settings, database, **changes)
    recorder.put(started())
    best = {10: Best("reverse_kl", 0.5), 30: Best("reverse_kl", 0.25)}
    for step in range(10, 60, 10):
        recorder.put(CheckpointReady(step, Snapshot(step, {}, {"spec": {}}), best.get(step)))
    recorder.close()
    job = read(database, job_id)
    with database.read() as session:
        kept = samples.list_checkpoints(session, job.number, 0)
        told = [event for event in events.list_events(session, job.number) if event.kind == "checkpoint.best"]
    assert [(each.step, each.best_metric, each.best_value) for each in kept] == [
        (50, None, None),
        (30, "reverse_kl", 0.25),
    ]
    folders = settings.resolved_data_folder / "files/jobs" / job_id / "checkpoints"
    assert sorted(path.name for path in folders.iterdir()) == ["0-30-1", "0-50-1"]
    assert [event.data for event in told] == [
        {"step": 10, "metric": "reverse_kl", "value": 0.5},
        {"step": 30, "metric": "reverse_kl", "value": 0.25},
    ]
    assert told[-1].message == "checkpoint of step 30 is the best so far: reverse_kl 0.25"


def test_assessments_are_stored_with_the_rows_that_they_are_of(
    settings: Settings, database: Database, gate: threading.Event
) -> None:
    """Those of blocks that waited too, each with its reading; the job shows the newest, and each change is told."""
    job_id, recorder = recorder_of(settings, database)
    names = JobSpec.model_validate(read(database, job_id).spec).metric_names
    found = [
        assessment(10, Verdict.WARMING_UP, since=0),
        assessment(20, Verdict.BALANCED, since=10),
        assessment(30, Verdict.MODE_COLLAPSE, since=20),
        assessment(40, Verdict.MODE_COLLAPSE, since=20),
    ]
    recorder.put(started())
    for first, assessed in zip((1, 11, 21, 31), found, strict=True):
        recorder.put(replace(block(first, 10, names), assessments=(assessed,)))
    recorder.put(CheckpointReady(40, Snapshot(40, {}, {"spec": {}}), severity="alarm"))
    gate.set()
    recorder.close()
    job = read(database, job_id)
    assert (job.step, job.verdict, job.severity, job.writes) == (40, "mode_collapse", "alarm", 3)
    assert job.health == found[-1].report.model_dump(mode="json")
    with database.read() as session:
        stored = reports.list_reports(session, (job.number, 0))
        readings = reports.list_readings(session, (job.number, 0))
        changes = [each for each in events.list_events(session, job.number) if each.kind == "health.changed"]
        kept = samples.list_checkpoints(session, job.number, 0)
        assert [each.report for each in stored] == [each.report.model_dump(mode="json") for each in found]
        # NaN is not itself, but is written alike.
        assert [repr(Reading.from_json(each.reading)) for each in readings] == [repr(each.reading) for each in found]
        assert [(each.step, each.severity) for each in kept] == [(40, "alarm")]
    # That a job warms up at first is no news.
    assert [(each.level, each.data) for each in changes] == [
        ("info", change(20, "balanced", "ok", 10, "warming_up")),
        ("error", change(30, "mode_collapse", "alarm", 20, "balanced")),
    ]
    assert changes[-1].message == "mode_collapse since step 20: It is mode_collapse."


def change(step: int, verdict: str, severity: str, since_step: int, previous: str) -> dict[str, object]:
    found = {"step": step, "verdict": verdict, "severity": severity, "since_step": since_step}
    return found | {"confidence": 0.75, "previous": previous}
