"""What a worker does to a job, done by hand: tests of readers need no training."""

import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

import numpy as np
from PIL import Image
from sqlalchemy.orm import Session

from models import evaluations, events, jobs, leases, metrics, samples, workers
from models.catalogue import METRIC_NAMES
from models.database import Database
from models.leases import Lease
from models.spec import JobSpec
from models.status import JobStatus
from models.storage import Storage, job_folder
from models.summaries import Values
from models.tables import Job, Worker

Row = Sequence[float | None]

POINTS = {
    "dataset": {"kind": "ring"},
    "generator": {"kind": "mlp", "hidden_sizes": [8]},
    "discriminator": {"kind": "mlp", "hidden_sizes": [8]},
    "steps": 100,
    "batch_size": 16,
}


def _png() -> bytes:
    out = io.BytesIO()
    Image.new("L", (8, 16), 128).save(out, "PNG")
    return out.getvalue()


PNG = _png()


def queue_job(database: Database, **changes: object) -> str:
    """The id of a new queued job."""
    with database.write() as session:
        job, _ = jobs.create(session, JobSpec.model_validate(POINTS | changes))
        return job.id


def claim(database: Database, worker_id: str = "worker-1", seconds: float = 600) -> tuple[Job, Lease]:
    """Claim the next queued job."""
    with database.write() as session:
        job = leases.claim(session, worker_id, seconds)
        assert job is not None
        return job, Lease(job.number, job.attempt)


def running_job(database: Database, **changes: object) -> tuple[Job, Lease]:
    """A job that a worker has just claimed; nothing else may be queued."""
    queue_job(database, **changes)
    return claim(database)


def block(rows: Sequence[Row]) -> Values:
    """Rows of values, ``None`` where the job does not record the metric, as a block is written."""
    return np.array([[value for value in row if value is not None] for row in rows], np.float32)


def record(
    database: Database,
    job: Job,
    lease: Lease,
    first_step: int,
    rows: Sequence[Row],
    columns: Sequence[str] = METRIC_NAMES,
) -> None:
    """Record rows as a worker does: with the lease, and the job's progress in the same transaction."""
    last = first_step + len(rows) - 1
    latest = {"d_loss": metrics.jsonable(rows[-1][0]), "g_loss": metrics.jsonable(rows[-1][1])}
    names = [name for name, value in zip(columns, rows[0], strict=True) if value is not None]
    progress = {"step": last, "steps_per_second": 20.0, "latest_metrics": {"step": last, **latest}}
    with database.write() as session:
        leases.hold(session, lease, metric_names=names, **progress)
        metrics.write_block(session, (job.number, job.segment), first_step, block(rows))


def draw(database: Database, job: Job, steps: Sequence[int]) -> None:
    """Store a sample per step, each with other bytes (what comes after a PNG's end is none of the image)."""
    with database.write() as session:
        for step in steps:
            samples.add_sample(session, (job.number, job.segment), step, PNG + str(step).encode(), (8, 16))


def evaluate(database: Database, job: Job, lease: Lease, step: int, **values: float) -> None:
    """Store an evaluation as a worker does."""
    storable: Mapping[str, object] = evaluations.storable(values)
    with database.write() as session:
        leases.hold(session, lease, latest_evaluation=evaluations.latest(step, storable))
        evaluations.add(session, (job.number, job.segment), step, storable)


def checkpoint(
    database: Database,
    storage: Storage,
    job: Job,
    lease: Lease,
    step: int,
    best: tuple[str, float] | None = None,
) -> dict[str, bytes]:
    """Write a checkpoint's files and record them; returns the files."""
    files = {"generator.safetensors": b"weights of %d" % step, "state.json": b"{}"}
    folder = f"{job_folder(job.id)}/checkpoints/{job.segment}-{step}-{lease.attempt}"
    stored = storage.write_folder(folder, files)
    with database.write() as session:
        samples.add_checkpoint(session, (job.number, job.segment), step, lease.attempt, folder, dict(stored), best)
    return files


def ask(database: Database, job_id: str, request: Callable[[Session, Job], object]) -> None:
    """Ask something of a job (``models.actions``)."""
    with database.write() as session:
        job = jobs.get(session, job_id)
        assert job is not None
        request(session, job)


def finish(database: Database, lease: Lease, target: JobStatus = JobStatus.SUCCEEDED, **values: object) -> None:
    with database.write() as session:
        leases.end(session, lease, target, "all steps trained", **values)


def log_lines(database: Database, job: Job, messages: Sequence[str]) -> None:
    now = datetime.now(UTC).replace(tzinfo=None)
    lines: list[events.LogRecord] = [
        {"level": "info", "message": message, "data": {}, "created_at": now} for message in messages
    ]
    with database.write() as session:
        events.add_log_lines(session, job.number, 1, lines)


def add_worker(database: Database, worker_id: str = "worker-1") -> None:
    """A worker that has just given a sign of life."""
    with database.write() as session:
        devices = [{"kind": "cpu"}]
        worker = Worker(id=worker_id, hostname="host", pid=1, slots=1, status="ready", devices=devices, versions={})
        workers.announce(session, worker)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
