"""Storing what the loop tells on a thread of its own, so that training does not wait for it."""

import contextlib
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from models.leases import LeaseLost
from models.storage import Storage
from worker.gan.data import Dataset
from worker.gan.events import CheckpointReady, Event, MetricsBlock, SampleReady
from worker.joblog import JobLog
from worker.patience import in_context
from worker.recording import Note, RecordedJob, Recording
from worker.writer import LeasedWriter

__all__ = ["Note", "RecordedJob", "Recorder", "RecorderFailed"]

# Events that may wait for the database before training waits for it, and how many of them may be large.
WAITING_EVENTS = 16
WAITING_LARGE_EVENTS = 2
LARGE = (CheckpointReady, SampleReady)
Waiting = tuple[Event | Note, float]


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
        self._is_lost = is_lost
        self._attempt = job.attempt
        self._recording = Recording(writer, storage, job, joblog, data, patience_seconds)
        self._rate = self._recording.rate
        # With the time (seconds of a monotonic clock) at which each was handed over; nothing where there is an end.
        self._queue: queue.Queue[Waiting | None] = queue.Queue(maxsize=WAITING_EVENTS)
        self._put_back: list[Waiting | None] = []
        self._failure: BaseException | None = None
        self._large = threading.Semaphore(WAITING_LARGE_EVENTS)
        self._rows_only = False
        self._abandoned = False
        self._thread = threading.Thread(target=in_context(self._run), name="recorder", daemon=True)
        self._thread.start()

    @property
    def training_seconds(self) -> float:
        """Training time of the job so far, earlier attempts included."""
        return self._rate.training_seconds

    def put(self, event: Event | Note) -> None:
        """Hand over an event or a note; waits where ``WAITING_EVENTS`` are waiting already, or too many large ones."""
        if not isinstance(event, Note):
            self._rate.observe(event)
        begun = time.monotonic()
        while isinstance(event, LARGE) and not self._large.acquire(timeout=0.5):
            self._raise_failure()
        while True:
            self._raise_failure()
            try:
                self._queue.put((event, begun), timeout=0.5)
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
            raise LeaseLost(f"attempt {self._attempt} no longer holds its job")
        if self._failure is not None:
            raise RecorderFailed(str(self._failure)) from self._failure

    def _run(self) -> None:
        try:
            while not self._abandoned and (waiting := self._next()) is not None:
                event, self._recording.handed_over_at = waiting
                if not (self._rows_only and isinstance(event, LARGE)):
                    self._store(event)
                if isinstance(event, LARGE):
                    self._large.release()
        except BaseException as error:  # noqa: BLE001 - handed to the training thread, which raises it
            self._failure = error

    def _store(self, event: Event | Note) -> None:
        self._recording.store(event)

    def _next(self) -> Waiting | None:
        """The next event; blocks that have queued up behind one another come as one, and cost one transaction. They
        have waited for as long as the first of them."""
        waiting = self._put_back.pop() if self._put_back else self._queue.get()
        match waiting:
            case (MetricsBlock() as first, since):
                return self._with_those_behind(first), since
            case _:
                return waiting

    def _with_those_behind(self, first: MetricsBlock) -> MetricsBlock:
        blocks = [first]
        with contextlib.suppress(queue.Empty):
            while (following := self._queue.get_nowait()) is not None and isinstance(following[0], MetricsBlock):
                blocks.append(following[0])
            self._put_back.append(following)
        return replace(
            first,
            values=np.concatenate([block.values for block in blocks]),
            assessments=tuple(assessment for block in blocks for assessment in block.assessments),
        )
