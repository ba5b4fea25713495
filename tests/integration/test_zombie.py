"""A worker stopped past its lease and woken: it writes nothing, and another has finished its job."""

import os
import signal
import time
from pathlib import Path

from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError
from support.progress import queue_job
from support.runs import read, rows_of
from support.workers import children_of, eventually, quick_settings, worker

from models.database import Database
from models.queue import Doorbell
from models.settings import Settings
from models.tables import Checkpoint, Event, LogLine, Sample
from worker.reconciler import Reconciler

SPEC = {"steps": 1500, "checkpoint_every": 100, "sample_every": 250, "generator": {"kind": "mlp", "hidden_sizes": [64]}}


def traces(database: Database, number: int) -> dict[str, int]:
    """How much is stored of a job, by kind."""
    with database.read() as session:
        return {
            table.__tablename__: session.scalar(
                select(func.count()).select_from(table).where(table.job_number == number)
            )
            or 0
            for table in (Event, LogLine, Sample, Checkpoint)
        }


def stop_between_writes(settings: Settings, pids: list[int]) -> None:
    """Stop processes, on SQLite not in the middle of a transaction: nobody writes there until such a one is woken."""
    impatient = Database(settings.resolved_database_url, pooled=False, busy_seconds=0.2)
    while True:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            with impatient.write() as session:
                session.execute(text("SELECT 1"))
            return
        except OperationalError:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
            time.sleep(0.05)


def test_a_worker_woken_after_its_lease_writes_nothing(settings: Settings, database: Database) -> None:
    quick = quick_settings(settings)
    undisturbed = queue_job(database, **SPEC)
    doorbell = Doorbell(quick)
    reconciler = Reconciler(database, doorbell, quick)

    def finished(job_id: str) -> bool:
        reconciler.run_once()
        return read(database, job_id).status == "succeeded"

    with worker(quick, "first") as first:
        doorbell.ring()
        eventually(quick, lambda: finished(undisturbed))
        job_id = queue_job(database, **SPEC)
        doorbell.ring()
        eventually(quick, lambda: read(database, job_id).step >= 300)
        frozen = [first.pid, *children_of(first.pid)]
        stop_between_writes(quick, frozen)
        with worker(quick, "second"):
            eventually(quick, lambda: finished(job_id))
            job = read(database, job_id)
            assert job.attempt == 2
            before = traces(database, job.number)
            for pid in frozen:
                os.kill(pid, signal.SIGCONT)
            log = Path(quick.data_folder / "first.log")
            eventually(quick, lambda: "the lease is lost" in log.read_text())
    after = read(database, job_id)
    assert (after.revision, after.attempt, after.status) == (job.revision, 2, "succeeded")
    assert traces(database, job.number) == before
    assert rows_of(database, after) == rows_of(database, read(database, undisturbed))
    doorbell.close()
