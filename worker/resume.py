"""Where an attempt begins: the newest checkpoint whose files are what was written, and nothing recorded after it."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import structlog
from sqlalchemy.orm import Session

from models import leases, samples
from models.storage import DamagedFile, Storage
from models.tables import Checkpoint, Job
from worker.gan import checkpoint
from worker.gan.checkpoint import CheckpointError, Snapshot
from worker.writer import LeasedWriter

log = structlog.get_logger(__name__)


def last_good_checkpoint(job: Job, writer: LeasedWriter, storage: Storage) -> Snapshot | None:
    """The newest checkpoint that verifies; ``None`` where the job is to start at its beginning.

    Raises:
        CheckpointError: none is left of a fork, which begins with one.
        OSError: the storage cannot be read at all (which is no damage).
    """
    found = checkpoints_of(job, writer)
    snapshot = first_sound(found, found, writer, storage)
    if snapshot is None and job.start_step:
        raise lost_start(job)
    return snapshot


def lost_start(job: Job) -> CheckpointError:
    """What to raise where a fork has nothing left to begin with."""
    return CheckpointError(f"the checkpoint of step {job.start_step} that the fork begins at is lost")


def checkpoints_of(job: Job, writer: LeasedWriter) -> Sequence[Checkpoint]:
    """The job's checkpoints, newest first."""
    return writer.read(lambda session: samples.list_checkpoints(session, job.number, job.segment))


def first_sound(
    wanted: Iterable[Checkpoint], found: Sequence[Checkpoint], writer: LeasedWriter, storage: Storage
) -> Snapshot | None:
    """The first of the ``wanted`` checkpoints that verifies; damaged ones are passed over, each with a warning in the
    job's history. The best value so far is that of the job's own checkpoints, which were ``found``, newest first: the
    one that a fork did not take along, or one that went with damaged files, need not be beaten.

    Raises:
        OSError: the storage cannot be read at all (which is no damage).
    """
    for candidate in wanted:
        try:
            snapshot = checkpoint.from_files(storage.read_folder(candidate.folder, candidate.files))
        except (DamagedFile, CheckpointError) as error:
            message = f"checkpoint of step {candidate.step} is damaged and was passed over: {error}"
            log.warning(message)
            writer.add_event("checkpoint.damaged", message, "warning", step=candidate.step)
            continue
        best = samples.best_of([each for each in found if each.step <= candidate.step])
        return replace(snapshot, state={**snapshot.state, "best": best.best_value if best else None})
    return None


def rewind(job: Job, writer: LeasedWriter, storage: Storage, snapshot: Snapshot | None) -> None:
    """Drop what an earlier attempt recorded after the checkpoint, or all of it where there is none, and say so."""
    step = snapshot.step if snapshot else job.start_step
    dropped: list[str] = []

    def drop(session: Session) -> None:
        dropped[:] = leases.rewind(session, writer.lease, job.segment, step)

    writer.write(drop)
    for folder in dropped:
        storage.delete(folder)
    if step > job.start_step:
        writer.add_event("job.resumed", f"resumed from the checkpoint of step {step}", step=step)


def tell_of_changes(snapshot: Snapshot, writer: LeasedWriter, environment: dict[str, str]) -> None:
    """Say in the job's history where it goes on with other versions, on another device or with steps run another way:
    numbers may then differ from those of an undisturbed run. What one of the two does not name, such as what an older
    version did not record, is ``None`` in the event's data."""
    before: dict[str, str] = snapshot.state["environment"]
    changed = {
        name: {"before": before.get(name), "now": environment.get(name)}
        for name in sorted(before.keys() | environment.keys())
        if before.get(name) != environment.get(name)
    }
    if changed:
        told = ", ".join(
            f"{name} {values['before'] or 'not recorded'} → {values['now'] or 'not recorded'}"
            for name, values in changed.items()
        )
        message = f"goes on in another environment, so numbers may differ from an undisturbed run's: {told}"
        writer.add_event("job.environment_changed", message, "warning", changed=changed)
