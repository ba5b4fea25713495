"""A Ganjobs job as a contender: through the worker's own code, with a real database that holds every step."""

import logging
import time
from pathlib import Path
from typing import ClassVar

import structlog
import torch
from sqlalchemy import func, select

from migrations.run import upgrade
from models import jobs
from models.database import Database
from models.settings import Settings
from models.spec import JobSpec
from models.tables import Metrics
from worker import runner
from worker.gan.events import Event, MetricsBlock, SampleReady
from worker.recorder import Note, Recorder

# So much of a job is not timed, at its beginning, and more where the picture of step 0 is still being drawn beside it.
SETTLING_SHARE = 0.25


class Failed(Exception):
    """A job did not end as it should."""


class WatchedRecorder(Recorder):
    """Notes which step was reached when: as training begins, and with each block that is handed over; and when the
    newest picture was stored."""

    reached: ClassVar[list[tuple[int, float]]] = []
    drawn: ClassVar[list[float]] = []

    def put(self, event: Event | Note) -> None:
        if isinstance(event, MetricsBlock):
            self.reached.append((event.first_step + len(event.values) - 1, time.perf_counter()))
        super().put(event)
        if isinstance(event, SampleReady) and event.step == 0:
            self.reached.append((0, time.perf_counter()))

    def _store(self, event: Event | Note) -> None:
        super()._store(event)
        if isinstance(event, SampleReady):
            self.drawn.append(time.perf_counter())


class JobWindow:
    """Calling it with a number of steps runs one job of a few more, and gives the steps and seconds from the first of
    its blocks after those to the last; where it has one block only, all steps."""

    def __init__(self, spec: JobSpec, device: torch.device, folder: Path) -> None:
        self._spec = spec
        settings = Settings(data_folder=folder, device=device.type)
        upgrade(settings.resolved_database_url)
        self._database = Database(settings.resolved_database_url)
        self._runner = runner.Runner(settings, "benchmark", lambda: False)
        runner.Recorder = WatchedRecorder  # type: ignore[attr-defined]
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))

    def __call__(self, steps: int) -> tuple[int, float]:
        settling = max(1, round(steps * SETTLING_SHARE))
        total = steps + settling
        spec = self._spec.model_copy(update={"steps": total, "sample_every": total, "checkpoint_every": total})
        with self._database.write() as session:
            job_id = jobs.create(session, spec)[0].id
        WatchedRecorder.reached.clear()
        WatchedRecorder.drawn.clear()
        if self._runner.run_next() != job_id:
            raise Failed("the worker did not take up the job")
        self._check(job_id, total)
        first, *between, (last_step, ended) = WatchedRecorder.reached
        settled = (mark for mark in between if mark[0] >= settling and mark[1] >= WatchedRecorder.drawn[0])
        step, begun = next(settled, first)
        return last_step - step, ended - begun

    def _check(self, job_id: str, steps: int) -> None:
        with self._database.read() as session:
            job = jobs.get(session, job_id)
            if job is None or job.status != "succeeded":
                raise Failed(f"the job ended as {job and job.status}: {job and job.status_reason}")
            recorded = session.scalar(select(func.count()).where(Metrics.job_number == job.number))
        if recorded != steps:
            raise Failed(f"{recorded} of {steps} steps are in the database")
