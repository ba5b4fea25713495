"""What the loop tells, one event at a time, as rows, images and files; each in a transaction that checks the lease."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from models import evaluations, events, metrics, reports, samples
from models.events import Level
from models.spec import JobSpec
from models.storage import Storage, job_folder
from models.summaries import Values
from models.verdicts import Report
from worker.gan import checkpoint, render
from worker.gan.data import Dataset
from worker.gan.events import CheckpointReady, Evaluated, Event, Finished, MetricsBlock, SampleReady, Started
from worker.joblog import JobLog
from worker.patience import patiently
from worker.rate import StepRate
from worker.writer import LeasedWriter

PROGRESS_LINE_SECONDS = 10.0


@dataclass(frozen=True)
class RecordedJob:
    """What the recorder must know of the job it writes for; ``verdict`` is the newest that is recorded of it, and
    ``rollbacks`` says how often it has gone back."""

    id: str
    number: int
    segment: int
    attempt: int
    spec: JobSpec
    training_seconds: float
    fingerprint: str
    metric_names: tuple[str, ...]
    verdict: str | None = None
    rollbacks: int = 0


@dataclass(frozen=True)
class Note:
    """What the worker itself has to say in a job's history, in its place among what the loop tells."""

    kind: str
    message: str
    level: Level = "info"
    data: dict[str, Any] = field(default_factory=dict)


class Recording:
    """Stores one event or note after the other, and is patient for ``patience_seconds`` where the database or the
    storage is away.

    Raises (from ``store``): ``LeaseLost``, or the outage that outlasted the patience.
    """

    def __init__(
        self,
        writer: LeasedWriter,
        storage: Storage,
        job: RecordedJob,
        joblog: JobLog,
        data: Dataset,
        patience_seconds: float,
    ) -> None:
        self.rate = StepRate(job.training_seconds)
        # When the training thread handed over what is to be stored next (seconds of the monotonic clock).
        self.handed_over_at = 0.0
        self._writer = writer
        self._storage = storage
        self._job = job
        self._key = (job.number, job.segment)
        self._joblog = joblog
        self._data = data
        self._retry = patiently(patience_seconds)
        self._next_progress_line = 0.0
        self._verdict = job.verdict
        self._lag_seconds: float | None = None

    def store(self, event: Event | Note) -> None:
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
            case Note():
                self._writer.add_event(event.kind, event.message, event.level, **event.data)
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
        """Rows, and what was assessed within them: the job's verdict is never one of steps that are not there yet."""
        names = self._job.metric_names
        values = _in_order(block, names)
        last_step = block.first_step + len(values) - 1
        # The shortest digits that mean this float32, as rows are served with.
        shown = (metrics.jsonable(float(str(value))) for value in values[-1])
        newest = dict(zip(names, shown, strict=True))
        latest = {name: newest.get(name) for name in metrics.shown(names)}
        self._progress_line(last_step, latest)
        assessed = [_report_row(each.report, each.reading.to_json()) for each in block.assessments]
        changes = self._changes([each.report for each in block.assessments])

        def record(session: Session) -> None:
            metrics.write_block(session, self._key, block.first_step, values)
            reports.add_many(session, self._key, assessed)
            for change in changes:
                events.add(session, self._job.number, change.kind, change.message, change.level, **change.data)

        self._writer.write(
            record,
            step=last_step,
            latest_metrics={"step": last_step, **latest},
            steps_per_second=self.rate.steps_per_second,
            training_seconds=self.rate.training_seconds,
            recorder_lag_seconds=self._lag_seconds,
            **(reports.standing(assessed[-1]["report"]) if assessed else {}),
        )
        # No write can say when it will be committed: the next one says when this was.
        self._lag_seconds = time.monotonic() - self.handed_over_at

    def _changes(self, found: Sequence[Report]) -> list[Note]:
        """What to say of reports that are of another verdict than the one before."""
        changes = []
        for report in found:
            data = reports.change(report.model_dump(mode="json"), self._verdict)
            if data is not None:
                message = f"{report.verdict} since step {report.since_step}: {report.sentence}"
                changes.append(Note(reports.CHANGED, message, reports.LEVELS[report.severity], data))
            self._verdict = report.verdict.value
        return changes

    def _progress_line(self, step: int, latest: dict[str, Any]) -> None:
        now = time.monotonic()
        if now >= self._next_progress_line:
            self._next_progress_line = now + PROGRESS_LINE_SECONDS
            self._joblog.info("progress", step=step, d_loss=latest["d_loss"], g_loss=latest["g_loss"])

    def _sample(self, sample: SampleReady) -> None:
        picture = render.render(sample, self._data)
        size = (picture.width, picture.height)
        self._writer.write(lambda session: samples.add_sample(session, self._key, sample.step, picture.png, size))

    def _evaluation(self, evaluated: Evaluated) -> None:
        step = evaluated.step
        values = evaluations.storable(evaluated.values)
        self._joblog.info("evaluated", step=step, **values)
        self._writer.write(
            lambda session: evaluations.add(session, self._key, step, values),
            latest_evaluation=evaluations.latest(step, values),
        )

    def _checkpoint(self, ready: CheckpointReady) -> None:
        job, attempt = self._job, self._job.attempt
        # The attempt is part of the name: one that lost its lease can never touch its successor's files. So is the
        # number of rollbacks: the checkpoint of the same step that the job has gone back from may have been kept.
        folder = f"{job_folder(job.id)}/checkpoints/{job.rollbacks}-{ready.step}-{attempt}"
        content = checkpoint.to_files(ready.snapshot)
        files = dict(self._retry(self._storage.write_folder, folder, content))
        best = (ready.best.metric, ready.best.value) if ready.best else None
        superseded: list[str] = []

        def record(session: Session) -> None:
            samples.add_checkpoint(
                session, self._key, ready.step, attempt, folder, files, best, severity=ready.severity
            )
            superseded[:] = samples.drop_old_checkpoints(session, self._key, job.spec.keep_checkpoints)
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


def _report_row(report: Report, reading: dict[str, Any]) -> reports.ReportRow:
    return {
        "step": report.step,
        "verdict": report.verdict.value,
        "severity": report.severity,
        "report": report.model_dump(mode="json"),
        "reading": reading,
    }


def _in_order(block: MetricsBlock, names: tuple[str, ...]) -> Values:
    """The block's values in the columns that the job's rows have had from its first one on. An engine that has been
    upgraded since may record more, or no more of something, which is then NaN."""
    if block.names == names:
        return block.values
    unknown = np.full((len(block.values), 1), np.nan, np.float32)
    columns = [block.names.index(name) if name in block.names else len(block.names) for name in names]
    return np.hstack([block.values, unknown])[:, columns]
