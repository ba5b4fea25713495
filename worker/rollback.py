"""The way back from an alarm: to a checkpoint before it, with a remedy; what was recorded since is put aside."""

from typing import Any

import structlog
from sqlalchemy.orm import Session

import models.rollbacks
from models.rollbacks import Rollback
from models.spec import JobSpec, remedied, remedies_applied
from models.spec.remedies import told
from models.storage import Storage
from models.tables import Job
from models.verdicts import Report
from worker.gan.checkpoint import Snapshot
from worker.resume import checkpoints_of, first_sound, lost_start
from worker.writer import LeasedWriter

log = structlog.get_logger(__name__)


def roll_back(
    job: Job, spec: JobSpec, rollbacks: int, report: Report, writer: LeasedWriter, storage: Storage
) -> Snapshot | None:
    """Take the job back from the alarm of ``report`` and give it the remedy that comes after the first ``rollbacks`` of
    ``spec``, its own; returns what to go on from, ``None`` for the very beginning. Everything recorded must have been
    stored. Until the one transaction that does it the job is as it was: an attempt that dies before it finds the alarm
    again, and the next after it goes on where this one would have.

    Raises:
        CheckpointError: none is left of a fork, which begins with one.
        LeaseLost: the lease is not good any more.
        OSError: the storage cannot be read.
    """
    snapshot = _before(report, job, writer, storage)
    back = _with_remedy(job, spec, rollbacks, report, snapshot.step if snapshot else 0)
    dropped: list[str] = []

    def go_back(session: Session) -> None:
        dropped[:] = models.rollbacks.roll_back(session, writer.lease, back)

    writer.write(go_back)
    for folder in dropped:
        storage.delete(folder)
    steps = {"from_step": report.step, "to_step": back.step}
    log.warning("went back from an alarm", verdict=report.verdict.value, **steps, remedy=back.remedy_text)
    return snapshot


def stream_after(job: Job, spec: JobSpec, rollbacks: int) -> int | None:
    """The stream of noise that a job trains by after so many rollbacks of ``spec``, its own: a fork counts on from the
    one that its origin had come to. ``None`` where it is that of the checkpoint, if any."""
    begun = (job.origin or {}).get("stream")
    if begun is None and not rollbacks:
        return None
    return (begun or 0) + remedied(spec, rollbacks).stream


def _with_remedy(job: Job, spec: JobSpec, rollbacks: int, report: Report, step: int) -> Rollback:
    """The way back to ``step``, with the remedy that comes after the first ``rollbacks`` of ``spec``."""
    remedy = remedies_applied(spec, rollbacks + 1)[-1]
    before, after = (remedied(spec, count).spec.model_dump(mode="json") for count in (rollbacks, rollbacks + 1))
    return Rollback(
        step=step,
        report=report.model_dump(mode="json"),
        remedy=remedy.model_dump(mode="json"),
        remedy_text=told(remedy),
        spec_patch=changed_fields(before, after),
        stream=stream_after(job, spec, rollbacks + 1) or 0,
    )


def _before(report: Report, job: Job, writer: LeasedWriter, storage: Storage) -> Snapshot | None:
    """The newest sound checkpoint without signs of an alarm, rather from before what this alarm is about; without one,
    the job's beginning. Of a fork that is its first checkpoint, or the oldest of those that are left."""
    found = checkpoints_of(job, writer)
    healthy = [each for each in found if each.severity != "alarm"]
    # A stable order: what is of before the alarm's beginning comes first, and the newest of each kind.
    wanted = sorted(healthy, key=lambda each: each.step > report.since_step)
    if job.start_step:
        wanted += reversed([each for each in found if each not in healthy])
    snapshot = first_sound(wanted, found, writer, storage)
    if snapshot is None and job.start_step:
        raise lost_start(job)
    return snapshot


def changed_fields(before: Any, after: Any, path: str = "") -> dict[str, Any]:
    """Dotted path → new value of what differs between two specs as JSON; a list counts as one value."""
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return {} if before == after else {path: after}
    changed: dict[str, Any] = {}
    for name in sorted(before.keys() | after.keys()):
        changed |= changed_fields(before.get(name), after.get(name), f"{path}.{name}" if path else name)
    return changed
