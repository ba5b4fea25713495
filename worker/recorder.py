"""From the loop's events to rows, images and files, on a thread of its own so that training does not wait for it."""

import contextlib
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from models import evaluations, events, metrics, samples
from models.leases import LeaseLost
from models.spec import JobSpec
from models.storage import Storage, job_folder
from models.summaries import Values
from worker.gan import checkpoint, render
from worker.gan.data import Dataset
from worker.gan.events import CheckpointReady, Evaluated, Event, Finished, MetricsBlock, SampleReady, Started
from worker.joblog import JobLog
from worker.patience import in_context, patiently
from worker.rate import StepRate
from worker.writer import LeasedWriter

# Events that may wait for the database before training waits for it, and how many of them may be large.
WAITING_EVENTS = 16
WAITING_LARGE_EVENTS = 2
LARGE = (CheckpointReady, SampleReady)
PROGRESS_LINE_SECONDS = 10.0


@dataclass(frozen=True)
class RecordedJob:
    """What the recorder must know of the job it writes for."""

    id: str
    number: int
    segment: int
    attempt: int
    spec: JobSpec
    training_seconds: float
    fingerprint: str
    metric_names: tuple[str, ...]


class RecorderFailed(Exception):
    """What was recorded could not be stored; the cause says why. What was stored before stays."""


class Recorder:
    """Writes events in order, each in one transaction that checks the lease, and holds them for ``patience_seconds``
    while the database or the storage is away.

    Raises (from ``put`` and ``close``): ``RecorderFailed``, caused by what the thread met, or ``LeaseLost``.
    """

    def __init__(
        self,
        writer: LeasedWriter,
        storage: Storage,
        job: RecordedJob,
        joblog: JobLog,
        data: Dataset,
        patience_seconds: float,
        is_lost: Callable[[], bool],
    ) -> None:
        self._writer = writer
        self._is_lost = is_lost
        self._storage = storage
        self._job = job
        self._joblog = joblog
        self._data = data
        self._rate = StepRate(job.training_seconds)
        self._next_progress_line = 0.0
        self._queue: queue.Queue[Event | None] = queue.Queue(maxsize=WAITING_EVENTS)
        self._put_back: list[Event | None] = []
        self._failure: BaseException | None = None
        self._large = threading.Semaphore(WAITING_LARGE_EVENTS)
        self._rows_only = False
        self._abandoned = False
        self._retry = patiently(patience_seconds)
        self._thread = threading.Thread(target=in_context(self._run), name="recorder", daemon=True)
        self._thread.start()

    @property
    def training_seconds(self) -> float:
        """Training time of the job so far, earlier attempts included."""
        return self._rate.training_seconds

    def put(self, event: Event) -> None:
        """Hand over an event; waits where ``WAITING_EVENTS`` are waiting already, or too many large ones."""
        self._rate.observe(event)
        begun = time.monotonic()
        while isinstance(event, LARGE) and not self._large.acquire(timeout=0.5):
            self._raise_failure()
        while True:
            self._raise_failure()
            try:
                self._queue.put(event, timeout=0.5)
                break
            except queue.Full:
                continue
        self._rate.pause(time.monotonic() - begun)

    def close(self, rows_only: bool = False) -> None:
        """Wait until everything handed over is stored; with ``rows_only``, samples and checkpoints that still wait are
        dropped, for a job whose end is asked for now."""
        self._rows_only = rows_only
        asked = False
        while self._thread.is_alive():
            self._raise_failure()
            if not asked:
                with contextlib.suppress(queue.Full):
                    self._queue.put(None, timeout=0.5)
                    asked = True
            self._thread.join(timeout=0.5)
        self._raise_failure()

    def abandon(self) -> None:
        """Let go of what is not stored yet: the lease is lost, and nothing more can be."""
        self._abandoned = True
        with contextlib.suppress(queue.Full):  # then it is not waiting for more
            self._queue.put_nowait(None)

    def _raise_failure(self) -> None:
        if self._is_lost():
            raise LeaseLost(f"attempt {self._job.attempt} no longer holds its job")
        if self._failure is not None:
            raise RecorderFailed(str(self._failure)) from self._failure

    def _run(self) -> None:
        try:
            while not self._abandoned and (event := self._next()) is not None:
                if not (self._rows_only and isinstance(event, LARGE)):
                    self._store(event)
                if isinstance(event, LARGE):
                    self._large.release()
        except BaseException as error:  # noqa: BLE001 - handed to the training thread, which raises it
            self._failure = error

    def _next(self) -> Event | None:
        """The next event; blocks that have queued up behind one another come as one, and cost one transaction."""
        event = self._put_back.pop() if self._put_back else self._queue.get()
        if not isinstance(event, MetricsBlock):
            return event
        blocks = [event]
        with contextlib.suppress(queue.Empty):
            while isinstance(following := self._queue.get_nowait(), MetricsBlock):
                blocks.append(following)
            self._put_back.append(following)
        return replace(event, values=np.concatenate([block.values for block in blocks]))

    def _store(self, event: Event) -> None:
        match event:
            case Started():
                self._started(event)
            case MetricsBlock():
                self._block(event)
            case SampleReady():
                self._sample(event)
            case Evaluated():
                self._evaluation(event)
            case CheckpointReady():
                self._checkpoint(event)
            case Finished():
                self._joblog.info("training ended", step=event.step, reason=event.reason)

    def _started(self, event: Started) -> None:
        message = f"training on {event.device} from step {event.step}"
        data: dict[str, Any] = {
            "step": event.step,
            "device": event.device,
            "execution": event.execution,
            "environment": event.environment,
            "generator_parameters": event.generator_parameters,
            "discriminator_parameters": event.discriminator_parameters,
        }
        self._joblog.info(message, **data)
        self._writer.write(
            lambda session: events.add(session, self._job.number, "job.training", message, **data),
            data_fingerprint=self._job.fingerprint,
            environment=event.environment,
            metric_names=list(self._job.metric_names),
        )

    def _block(self, block: MetricsBlock) -> None:
        job = self._job
        values = _in_order(block, job.metric_names)
        last_step = block.first_step + len(values) - 1
        # The shortest digits that mean this float32, as rows are served with.
        shown = (metrics.jsonable(float(str(value))) for value in values[-1])
        newest = dict(zip(job.metric_names, shown, strict=True))
        latest = {name: newest.get(name) for name in metrics.shown(job.metric_names)}
        self._progress_line(last_step, latest)
        self._writer.write(
            lambda session: metrics.write_block(session, (job.number, job.segment), block.first_step, values),
            step=last_step,
            latest_metrics={"step": last_step, **latest},
            steps_per_second=self._rate.steps_per_second,
            training_seconds=self._rate.training_seconds,
        )

    def _progress_line(self, step: int, latest: dict[str, Any]) -> None:
        now = time.monotonic()
        if now >= self._next_progress_line:
            self._next_progress_line = now + PROGRESS_LINE_SECONDS
            self._joblog.info("progress", step=step, d_loss=latest["d_loss"], g_loss=latest["g_loss"])

    def _sample(self, sample: SampleReady) -> None:
        job = self._job
        picture = render.render(sample, self._data)
        size = (picture.width, picture.height)
        self._writer.write(
            lambda session: samples.add_sample(session, (job.number, job.segment), sample.step, picture.png, size)
        )

    def _evaluation(self, evaluated: Evaluated) -> None:
        job, step = self._job, evaluated.step
        values = evaluations.storable(evaluated.values)
        self._joblog.info("evaluated", step=step, **values)
        self._writer.write(
            lambda session: evaluations.add(session, (job.number, job.segment), step, values),
            latest_evaluation=evaluations.latest(step, values),
        )

    def _checkpoint(self, ready: CheckpointReady) -> None:
        job, attempt = self._job, self._job.attempt
        # The attempt is part of the name: one that lost its lease can never touch its successor's files.
        folder = f"{job_folder(job.id)}/checkpoints/{job.segment}-{ready.step}-{attempt}"
        content = checkpoint.to_files(ready.snapshot)
        files = self._retry(self._storage.write_folder, folder, content)
        superseded: list[str] = []

        def record(session: Session) -> None:
            key = (job.number, job.segment)
            best = (ready.best.metric, ready.best.value) if ready.best else None
            samples.add_checkpoint(session, key, ready.step, attempt, folder, dict(files), best)
            superseded[:] = samples.drop_old_checkpoints(session, key, job.spec.keep_checkpoints)
            if ready.best:
                good = f"{ready.best.metric} {ready.best.value:.6g}"
                message = f"checkpoint of step {ready.step} is the best so far: {good}"
                value = metrics.jsonable(ready.best.value)
                told: dict[str, Any] = {"step": ready.step, "metric": ready.best.metric, "value": value}
                events.add(session, job.number, "checkpoint.best", message, **told)

        self._joblog.info("checkpoint stored", step=ready.step, bytes=sum(file["size"] for file in files.values()))
        self._writer.write(record, crashes=0)
        for old in superseded:
            self._storage.delete(old)


def _in_order(block: MetricsBlock, names: tuple[str, ...]) -> Values:
    """The block's values in the columns that the job's rows have had from its first one on. An engine that has been
    upgraded since may record more, or no more of something, which is then NaN."""
    if block.names == names:
        return block.values
    unknown = np.full((len(block.values), 1), np.nan, np.float32)
    columns = [block.names.index(name) if name in block.names else len(block.names) for name in names]
    return np.hstack([block.values, unknown])[:, columns]
