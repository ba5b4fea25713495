"""The way back from an alarm: to a checkpoint before it, with a remedy; what was recorded since is put aside."""

from typing import Any

import structlog
from sqlalchemy.orm import Session

from models import leases
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
    step = snapshot.step if snapshot else 0
    remedy = remedies_applied(spec, rollbacks + 1)[-1]
    before, after = remedied(spec, rollbacks), remedied(spec, rollbacks + 1)
    patch = changed_fields(before.spec.model_dump(mode="json"), after.spec.model_dump(mode="json"))
    dropped: list[str] = []

    def go_back(session: Session) -> None:
        dropped[:] = leases.rollback(
            session,
            writer.lease,
            step,
            report.model_dump(mode="json"),
            remedy.model_dump(mode="json"),
            told(remedy),
            patch,
            after.stream,
        )

    writer.write(go_back)
    for folder in dropped:
        storage.delete(folder)
    log.warning(
        "went back from an alarm",
        verdict=report.verdict.value,
        from_step=report.step,
        to_step=step,
        remedy=told(remedy),
    )
    return snapshot


def _before(report: Report, job: Job, writer: LeasedWriter, storage: Storage) -> Snapshot | None:
    """The newest sound checkpoint from before what the alarm is about; without one, the job's beginning. Of a fork that
    is its first checkpoint, or the oldest of those that are left."""
    found = checkpoints_of(job, writer)
    healthy = [each for each in found if each.severity != "alarm" and each.step <= report.since_step]
    snapshot = first_sound(healthy, found, writer, storage)
    if snapshot is not None or not job.start_step:
        return snapshot
    snapshot = first_sound(reversed([each for each in found if each not in healthy]), found, writer, storage)
    if snapshot is None:
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
