"""What is in the database, seen past all proxies, against what an undisturbed run records."""

import threading
import time
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from models.database import Database
from models.metrics import read_rows
from models.spec import JobSpec
from models.status import LEASED, JobStatus
from models.tables import Job
from worker.gan.data import load
from worker.gan.events import MetricsBlock
from worker.gan.loop import train

COMPARED = ("d_loss", "g_loss", "d_real", "d_fake", "d_grad_norm", "g_grad_norm")


@cache
def undisturbed(spec_json: str) -> npt.NDArray[np.float32]:
    """The compared columns (steps, metrics) of a run by the engine alone."""
    torch.set_num_threads(1)
    spec = JobSpec.model_validate_json(spec_json)
    device = torch.device("cpu")
    columns = [spec.metric_names.index(name) for name in COMPARED]
    blocks = [event for event in train(spec, load(spec, device), device=device) if isinstance(event, MetricsBlock)]
    return np.concatenate([block.values[:, columns] for block in blocks])


@dataclass
class Account:
    """What came of all jobs."""

    submitted: int = 0
    jobs: int = 0
    finished: int = 0
    attempts: int = 0
    rows_missing: int = 0
    rows_twice: int = 0
    differing: int = 0
    unfinished: list[str] = field(default_factory=list)


def settle(database: Database, submitted: int) -> Account:
    """Compare every job's rows with an undisturbed run's; ``submitted`` is how many the API has acknowledged."""
    account = Account(submitted)
    with database.read() as session:
        for job in session.scalars(select(Job).order_by(Job.number)):
            spec = JobSpec.model_validate(job.spec)
            rows = read_rows(session, job, COMPARED, limit=10_000_000)
            steps = rows.steps.tolist()
            account.jobs += 1
            account.attempts += job.attempt
            account.rows_missing += len(set(range(1, spec.steps + 1)) - set(steps))
            account.rows_twice += len(steps) - len(set(steps))
            if job.status == JobStatus.SUCCEEDED:
                account.finished += 1
            else:
                account.unfinished.append(f"{job.id} {job.status}: {job.status_reason}")
            if not np.array_equal(rows.values, undisturbed(spec.model_dump_json())):
                account.differing += 1
    return account


class RecoveryWatch:
    """Measures, from a thread, how long each job that was running when a fault began took to train on."""

    def __init__(self, database: Database) -> None:
        self.longest: dict[str, float] = {}
        self._database = database
        self._waiting: list[tuple[str, float, int, float]] = []
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recovery")
        self._thread.start()

    def begin(self, fault: str) -> None:
        now = time.monotonic()
        running = [(job.number, job.training_seconds) for job in self._jobs() if job.status in LEASED]
        self._waiting += [(fault, now, number, trained) for number, trained in running]

    def close(self) -> None:
        self._done.set()
        self._thread.join()

    def _jobs(self) -> list[Any]:
        columns = (Job.number, Job.status, Job.training_seconds)
        try:
            with self._database.read() as session:
                return list(session.execute(select(*columns)).all())
        except SQLAlchemyError:  # the database is what was killed
            return []

    def _run(self) -> None:
        while not self._done.wait(0.1):
            now = time.monotonic()
            trained = {job.number: (job.status, job.training_seconds) for job in self._jobs()}
            still = []
            for fault, begun, number, before in self._waiting[:]:
                status, seconds = trained.get(number, (JobStatus.RUNNING, before))
                if seconds > before or JobStatus(status).is_final:
                    self.longest[fault] = max(self.longest.get(fault, 0.0), now - begun)
                else:
                    still.append((fault, begun, number, before))
            self._waiting[:] = still
