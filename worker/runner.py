"""Claim a job, drive the engine through it, and finish it."""

import os
import traceback
from collections.abc import Callable
from functools import partial

import structlog
import torch
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from models import events, leases
from models.database import Database, database_now
from models.leases import Lease, LeaseLost
from models.settings import Settings
from models.spec import JobSpec, remedied
from models.storage import Storage, open_storage
from models.tables import Job
from worker.gan import checkpoint, memory
from worker.gan.checkpoint import Snapshot
from worker.gan.data import DataFolders, Dataset, load
from worker.gan.device import DeviceUnavailable, resolve
from worker.gan.loop import train
from worker.health_actions import left_undone
from worker.joblog import JobLog
from worker.lease_keeper import LeaseKeeper
from worker.loading import LoadingWatch, Stopped, tell_of_problems
from worker.outcome import DataChanged, DataUnavailable, Outcome, failure, is_out_of_memory, outcome_of, released
from worker.patience import patiently
from worker.recorder import RecordedJob, Recorder, RecorderFailed
from worker.resume import last_good_checkpoint, rewind, tell_of_changes
from worker.rollback import roll_back, stream_after
from worker.stretch import Stretch
from worker.writer import LeasedWriter

log = structlog.get_logger(__name__)


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
        try:
            resolve(self._settings.device)
        except DeviceUnavailable as error:  # other workers may have one
            log.error("no job taken up", reason=str(error))
            return None
        database = Database(self._settings.resolved_database_url)
        try:
            with database.write() as session:
                job = leases.claim(session, self._worker_id, self._settings.lease_seconds, os.getpid())
            if job is None:
                return None
            with structlog.contextvars.bound_contextvars(job_id=job.id, attempt=job.attempt):
                Attempt(self._settings, database, self._storage, job, self._shutting_down).run()
            return job.id
        except (
            SQLAlchemyError,
            OSError,
        ) as error:  # what was claimed is an expired lease soon; the reconciler rings for the others
            log.warning("no job taken up: the database is away", error=str(error).splitlines()[0])
            return None
        finally:
            database.dispose()
            memory.release_cached()


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
        # Patient no longer than a lease: then somebody else may have the job.
        self._writer = LeasedWriter(database, self._lease, self._joblog, settings.lease_seconds)

    def run(self) -> None:
        """Train and finish the job; a lost lease ends the attempt without another write."""
        try:
            with LeaseKeeper(self._database, self._lease, self._settings) as keeper:
                self._finish(self._outcome(keeper))
        except LeaseLost as lost:
            log.warning("attempt ended: the lease is lost", reason=str(lost))
        except SQLAlchemyError as error:
            # The lease expires and the job goes back to the queue.
            log.error("attempt ended: the database failed", error=str(error).splitlines()[0])

    def _outcome(self, keeper: LeaseKeeper) -> Outcome:
        try:
            return self._train(keeper)
        except LeaseLost:
            raise
        except Stopped as stopped:
            return stopped.outcome
        except RecorderFailed as failed:
            cause = failed.__cause__
            if isinstance(cause, Exception) and not isinstance(cause, LeaseLost):
                return outcome_of(cause)
            raise cause or failed from failed
        except Exception as error:  # noqa: BLE001 - every failure of a job becomes words, in one place
            return outcome_of(error)

    def _train(self, keeper: LeaseKeeper) -> Outcome:
        spec = JobSpec.model_validate(self._job.spec)
        torch.set_num_threads(self._settings.torch_threads)
        device = resolve(self._settings.device, slot_index())
        memory.check_fits(spec, device)
        try:
            return self._train_on(device, spec, keeper)
        except torch.AcceleratorError:
            # Its context is broken for good: this process ends, so that the next job gets a sound one. The parent ends
            # the lease, and a job that does this again and again is given up.
            log.exception("the device failed")
            os._exit(1)
        except Exception as error:
            if is_out_of_memory(error):
                traceback.clear_frames(error.__traceback__)
                memory.release_cached()
                raise memory.NotEnoughMemory(spec, device) from error
            raise

    def _train_on(self, device: torch.device, spec: JobSpec, keeper: LeaseKeeper) -> Outcome:
        folders = DataFolders(self._settings.resolved_dataset_root, self._settings.resolved_dataset_cache)
        watch = LoadingWatch(keeper, self._joblog, self._writer, lambda: self._reason_to_stop(keeper))
        try:
            data = load(spec, device, folders, watch)
        except OSError as error:
            raise DataUnavailable(f"the data set `{spec.dataset.kind}` cannot be read: {error}") from error
        if self._job.data_fingerprint not in (None, data.fingerprint):
            raise DataChanged(f"the data set `{spec.dataset.kind}` has changed since the job started")
        if self._job.data_fingerprint is None:  # a later attempt has nothing new to tell
            tell_of_problems(data, spec, self._writer)
        snapshot = last_good_checkpoint(self._job, self._writer, self._storage)
        if snapshot and (undone := left_undone(self._job, self._writer, snapshot.step)):
            return undone
        rewind(self._job, self._writer, self._storage, snapshot)
        if snapshot:
            trained_by = remedied(spec, self._job.rollbacks).spec
            tell_of_changes(snapshot, self._writer, checkpoint.environment(trained_by, device))
        return self._train_from(snapshot, device, spec, data, folders, keeper)

    def _train_from(
        self,
        snapshot: Snapshot | None,
        device: torch.device,
        spec: JobSpec,
        data: Dataset,
        folders: DataFolders,
        keeper: LeaseKeeper,
    ) -> Outcome:
        """Train to an end, going back from alarms as often as the spec asks for it."""
        rollbacks, seconds = self._job.rollbacks, self._job.training_seconds
        while True:
            trained_by = remedied(spec, rollbacks).spec
            stream = stream_after(self._job, spec, rollbacks)
            training = train(trained_by, data, device=device, resume_from=snapshot, folders=folders, stream=stream)
            recorder = self._recorder(spec, data, keeper, seconds, rollbacks)
            reason = partial(self._reason_to_stop, keeper, recorder)
            ended = Stretch(spec, rollbacks, recorder, keeper, reason).run(training)
            if isinstance(ended, Outcome):
                return ended
            memory.release_cached()
            snapshot = roll_back(self._job, spec, rollbacks, ended.report, self._writer, self._storage)
            rollbacks, seconds = rollbacks + 1, recorder.training_seconds

    def _reason_to_stop(self, keeper: LeaseKeeper, recorder: Recorder | None = None) -> Outcome | None:
        """Why this attempt should end, training with a checkpoint of the step it has reached."""
        if keeper.pausing:
            return released("paused by request")  # which becomes `paused` as it is stored
        if self._shutting_down():
            return released("its worker is shutting down")
        if keeper.orphaned:
            return released("its worker's main process is gone")
        limit = self._job.spec["max_duration"]
        if recorder is not None and limit is not None and recorder.training_seconds >= limit:
            return failure("max_duration_exceeded", f"stopped after max_duration, {limit} seconds of training")
        return None

    def _recorder(
        self, spec: JobSpec, data: Dataset, keeper: LeaseKeeper, training_seconds: float, rollbacks: int
    ) -> Recorder:
        newest = select(Job.verdict).where(Job.number == self._job.number)
        job = RecordedJob(
            id=self._job.id,
            number=self._job.number,
            segment=self._job.segment,
            attempt=self._lease.attempt,
            spec=spec,
            training_seconds=training_seconds,
            fingerprint=data.fingerprint,
            # Of the job's own spec: no remedy changes what its rows hold.
            metric_names=tuple(self._job.metric_names or spec.metric_names),
            verdict=self._writer.read(lambda session: session.scalar(newest)),
            rollbacks=rollbacks,
        )
        patience = self._settings.lease_seconds
        return Recorder(self._writer, self._storage, job, self._joblog, data, patience, lambda: keeper.lost)

    def _finish(self, outcome: Outcome) -> None:
        if outcome.error is not None:
            self._joblog.error(outcome.reason, kind=outcome.error["kind"], step=outcome.error["step"])
        lines = self._joblog.drain()
        held_back = database_now(outcome.delay_seconds) if outcome.delay_seconds else None

        def finish() -> Job:
            with self._database.write() as session:
                events.add_log_lines(session, self._job.number, self._lease.attempt, lines)
                values = {"error": outcome.error, "available_at": held_back}
                return leases.end(session, self._lease, outcome.status, outcome.reason, **values)

        job = patiently(self._settings.lease_seconds)(finish)
        log.info("attempt ended", status=job.status, reason=job.status_reason, step=job.step)


def slot_index() -> int:
    """Which of the worker's processes this is, from 0."""
    from billiard.process import current_process

    return int(getattr(current_process(), "index", 0) or 0)
