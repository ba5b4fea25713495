"""Claim a job, drive the engine through it, and finish it."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
import torch
from sqlalchemy.exc import SQLAlchemyError

from models import events, leases, samples
from models.database import Database
from models.leases import Lease, LeaseLost
from models.settings import Settings
from models.spec import JobSpec
from models.status import JobStatus
from models.storage import DamagedFile, Storage, open_storage
from models.tables import Checkpoint, Job
from worker.gan import checkpoint
from worker.gan.checkpoint import CheckpointError, Snapshot
from worker.gan.data import Dataset, load
from worker.gan.device import DeviceUnavailable, resolve
from worker.gan.events import Command, Event, Finished
from worker.gan.loop import NonFiniteLoss, train
from worker.joblog import JobLog
from worker.lease_keeper import LeaseKeeper
from worker.patience import OUTAGE, patiently
from worker.recorder import RecordedJob, Recorder, RecorderFailed

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended."""

    status: JobStatus
    reason: str
    error: dict[str, Any] | None = None


def failure(kind: str, message: str, step: int | None = None) -> Outcome:
    return Outcome(JobStatus.FAILED, message, {"kind": kind, "message": message, "step": step})


class DataChanged(Exception):
    """The data set is not the one that the job was started on."""


class Runner:
    """Runs jobs for one worker. ``shutting_down`` tells whether the worker was asked to stop."""

    def __init__(self, settings: Settings, worker_id: str, shutting_down: Callable[[], bool]) -> None:
        self._settings = settings
        self._worker_id = worker_id
        self._shutting_down = shutting_down
        self._storage: Storage = open_storage(settings.storage_url)

    def run_next(self) -> str | None:
        """Claim the best queued job and run it to its end; returns its id, ``None`` where there was none."""
        if self._shutting_down():
            return None
        database = Database(self._settings.resolved_database_url)
        try:
            with database.write() as session:
                job = leases.claim(session, self._worker_id, self._settings.lease_seconds)
            if job is None:
                return None
            with structlog.contextvars.bound_contextvars(job_id=job.id, attempt=job.attempt):
                Attempt(self._settings, database, self._storage, job, self._shutting_down).run()
            return job.id
        finally:
            database.dispose()


class Attempt:
    """One lease's worth of training a job."""

    def __init__(
        self, settings: Settings, database: Database, storage: Storage, job: Job, shutting_down: Callable[[], bool]
    ) -> None:
        self._settings = settings
        self._database = database
        self._storage = storage
        self._job = job
        self._lease = Lease(job.number, job.attempt)
        self._shutting_down = shutting_down
        self._joblog = JobLog(job.id, job.attempt)
        # No longer than a lease: then somebody else may have the job.
        self._retry = patiently(settings.lease_seconds)

    def run(self) -> None:
        """Train and finish the job; a lost lease ends the attempt without another write."""
        try:
            with LeaseKeeper(self._database, self._lease, self._settings) as keeper:
                outcome = self._outcome(keeper)
                self._finish(outcome)
        except LeaseLost as lost:
            log.warning("attempt ended: the lease is lost", reason=str(lost))
        except SQLAlchemyError as error:
            # The lease expires and the job goes back to the queue.
            log.error("attempt ended: the database failed", error=str(error).splitlines()[0])

    def _outcome(self, keeper: LeaseKeeper) -> Outcome:
        """What training came to. Every failure of a job is turned into words here, and nowhere else."""
        try:
            return self._train(keeper)
        except RecorderFailed as failed:
            if isinstance(failed.__cause__, LeaseLost):
                raise failed.__cause__ from failed
            if isinstance(failed.__cause__, OUTAGE):
                return Outcome(JobStatus.QUEUED, "the database was away for too long; waiting for a worker")
            return failure("storage_failed", f"what was recorded could not be stored: {failed}")
        except (LeaseLost, SQLAlchemyError):
            raise
        except NonFiniteLoss as error:
            return failure("non_finite_loss", str(error), error.step)
        except DataChanged as error:
            return failure("data_changed", str(error))
        except DeviceUnavailable as error:
            return failure("device_unavailable", str(error))
        except torch.OutOfMemoryError as error:
            return failure("out_of_memory", str(error).splitlines()[0])
        except Exception as error:
            log.exception("training failed")
            return failure("internal_error", f"{type(error).__name__}: {error}")

    def _train(self, keeper: LeaseKeeper) -> Outcome:
        spec = JobSpec.model_validate(self._job.spec)
        torch.set_num_threads(self._settings.torch_threads)
        device = resolve(self._settings.device, slot_index())
        data = load(spec, device)
        if self._job.data_fingerprint not in (None, data.fingerprint):
            raise DataChanged(f"the data set `{spec.dataset.kind}` has changed since the job started")
        snapshot = self._last_good_checkpoint()
        self._rewind(snapshot.step if snapshot else 0)
        recorder = self._recorder(spec, data)
        training = train(spec, data, device=device, resume_from=snapshot)
        try:
            outcome = self._drive(training, recorder, keeper)
        except BaseException:
            training.close()
            self._keep_what_was_recorded(recorder)
            raise
        recorder.close(rows_only=outcome.status is JobStatus.CANCELLED)
        return outcome

    def _drive(
        self, training: Generator[Event, Command | None, None], recorder: Recorder, keeper: LeaseKeeper
    ) -> Outcome:
        """Pass the loop's events to the recorder, and what the world wants back to the loop."""
        stop: Outcome | None = None
        limit = self._job.spec["max_duration"]
        event = next(training)
        while True:
            recorder.put(event)
            if isinstance(event, Finished):
                trained = Outcome(JobStatus.SUCCEEDED, "every step was trained")
                return trained if stop is None or event.reason == "completed" else stop
            if keeper.lost:
                raise LeaseLost(f"attempt {self._lease.attempt} no longer holds its job")
            if keeper.cancelling:
                training.close()
                return Outcome(JobStatus.CANCELLED, "cancelled by request")
            if stop is None:
                if self._shutting_down():
                    stop = Outcome(JobStatus.QUEUED, "its worker is shutting down; waiting for another")
                elif limit is not None and recorder.training_seconds >= limit:
                    stop = failure("max_duration_exceeded", f"stopped after max_duration, {limit} seconds of training")
            event = training.send(Command.STOP_WITH_CHECKPOINT if stop else None)

    def _keep_what_was_recorded(self, recorder: Recorder) -> None:
        """Store what waits in the recorder; a failure of its own here must not hide the one that ended training."""
        try:
            recorder.close()
        except RecorderFailed as failed:
            log.warning("not everything recorded could be stored", reason=str(failed))

    def _recorder(self, spec: JobSpec, data: Dataset) -> Recorder:
        job = RecordedJob(
            id=self._job.id,
            number=self._job.number,
            segment=self._job.segment,
            lease=self._lease,
            spec=spec,
            training_seconds=self._job.training_seconds,
            fingerprint=data.fingerprint,
        )
        return Recorder(self._database, self._storage, job, self._joblog, data, self._settings.lease_seconds)

    def _last_good_checkpoint(self) -> Snapshot | None:
        """The newest checkpoint whose files are what was written; damaged ones are passed over with an event."""
        for candidate in self._retry(self._stored_checkpoints):
            try:
                return checkpoint.from_files(self._storage.read_folder(candidate.folder, candidate.files))
            except (DamagedFile, CheckpointError) as error:
                message = f"checkpoint of step {candidate.step} is damaged and was passed over: {error}"
                self._joblog.warning(message)
                self._retry(self._add_event, "checkpoint.damaged", message, "warning", step=candidate.step)
        return None

    def _stored_checkpoints(self) -> Sequence[Checkpoint]:
        with self._database.read() as session:
            return samples.list_checkpoints(session, self._job.number, self._job.segment)

    def _add_event(self, kind: str, message: str, level: events.Level, **data: Any) -> None:
        with self._database.write() as session:
            leases.hold(session, self._lease)
            events.add(session, self._job.number, kind, message, level, **data)

    def _rewind(self, step: int) -> None:
        def rewind() -> list[str]:
            with self._database.write() as session:
                return leases.rewind(session, self._lease, self._job.segment, step)

        for folder in self._retry(rewind):
            self._storage.delete(folder)
        if step:
            self._retry(
                self._add_event, "job.resumed", f"resumed from the checkpoint of step {step}", "info", step=step
            )

    def _finish(self, outcome: Outcome) -> None:
        if outcome.error is not None:
            self._joblog.error(outcome.reason, kind=outcome.error["kind"], step=outcome.error["step"])
        lines = self._joblog.drain()

        def finish() -> Job:
            with self._database.write() as session:
                events.add_log_lines(session, self._job.number, self._lease.attempt, lines)
                return leases.end(session, self._lease, outcome.status, outcome.reason, error=outcome.error)

        job = self._retry(finish)
        log.info("attempt ended", status=job.status, reason=job.status_reason, step=job.step)


def slot_index() -> int:
    """Which of the worker's processes this is, from 0."""
    from billiard.process import current_process

    return int(getattr(current_process(), "index", 0) or 0)
