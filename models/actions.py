"""What users ask of a job that exists: cancel, pause, resume, retry, fork. Queries take a session and never commit."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from models import jobs, samples
from models.spec import JobSpec, remedied
from models.status import JobStatus
from models.storage import Storage, job_folder
from models.tables import Checkpoint, Job
from models.transitions import TransitionLost, transition

RETRYABLE = (JobStatus.CANCELLED, JobStatus.FAILED)
# Where each request leads from the states in which it means something.
CANCEL = {
    JobStatus.QUEUED: JobStatus.CANCELLED,
    JobStatus.PAUSED: JobStatus.CANCELLED,
    JobStatus.RUNNING: JobStatus.CANCELLING,
    JobStatus.PAUSING: JobStatus.CANCELLING,
}
PAUSE = {JobStatus.QUEUED: JobStatus.PAUSED, JobStatus.RUNNING: JobStatus.PAUSING}
# Fields of a discriminator that say when it is trained, and nothing of what it is.
PRETRAINING = ("pretrain_after", "pretrain_steps", "frozen")
RESUME = {JobStatus.PAUSED: JobStatus.QUEUED}


class NotRetryable(Exception):
    """The job cannot be tried again; the message says why."""


class NoSuchCheckpoint(LookupError):
    """The job has no checkpoint of that step, or none at all."""


class NotForkable(ValueError):
    """The changed spec cannot go on from the checkpoint; ``field`` says why."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(message)


def cancel(session: Session, job: Job) -> Job:
    """Ask for a job's end: one that waits is cancelled at once, a running one becomes ``cancelling`` until its worker
    confirms. Asking again changes nothing.

    Raises:
        TransitionLost: the job has finished otherwise.
    """
    return _ask(session, job, CANCEL, "cancellation requested", done={JobStatus.CANCELLING, JobStatus.CANCELLED})


def pause(session: Session, job: Job) -> Job:
    """Ask a job to stop for now: a queued one is paused at once, a running one becomes ``pausing`` until its worker has
    made a checkpoint. Asking again changes nothing.

    Raises:
        TransitionLost: the job has finished, or is being cancelled.
    """
    return _ask(session, job, PAUSE, "pause requested", done={JobStatus.PAUSING, JobStatus.PAUSED})


def resume(session: Session, job: Job) -> Job:
    """Put a paused job back into the queue.

    Raises:
        TransitionLost: the job is not paused.
    """
    return _ask(session, job, RESUME, "resumed by request; waiting for a worker", done=set())


def _ask(session: Session, job: Job, steps: Mapping[JobStatus, JobStatus], reason: str, done: set[JobStatus]) -> Job:
    for _ in range(3):  # the job may be claimed, finish or go back to the queue while we ask
        session.refresh(job)
        status = JobStatus(job.status)
        if status in done:
            return job
        if status not in steps:
            break
        try:
            return transition(session, job.number, status, steps[status], reason)
        except TransitionLost:
            continue
    raise TransitionLost(job.status)


def retry(session: Session, job: Job, idempotency_key: str | None = None) -> tuple[Job, bool]:
    """A new job with the spec of one that failed or was cancelled, from the beginning; and whether it is new.

    Raises:
        NotRetryable: the job did not fail, or is a fork.
        jobs.IdempotencyConflict: the key belongs to another request.
    """
    if JobStatus(job.status) not in RETRYABLE:
        raise NotRetryable(f"the job is {job.status}; only one that is {' or '.join(RETRYABLE)} can be tried again")
    if job.start_step:
        raise NotRetryable("the job is a fork, which has no beginning of its own: fork its origin again")
    origin = jobs.Origin(kind="retry", job_id=job.id, step=None)
    return jobs.create(session, JobSpec.model_validate(job.spec), idempotency_key, origin)


def fork(
    session: Session,
    job: Job,
    step: int | None,
    spec: JobSpec,
    storage: Storage,
    idempotency_key: str | None = None,
) -> tuple[Job, bool]:
    """A new job that goes on from a checkpoint of another (the newest where ``step`` is ``None``) by ``spec``; and
    whether it is new. The checkpoint becomes the new job's own: deleting the old job takes nothing from it.

    Raises:
        NoSuchCheckpoint: there is none.
        NotForkable: the spec is of other networks, other shapes, or ends before the checkpoint.
        OSError: the checkpoint's files cannot be shared.
        jobs.IdempotencyConflict: the key belongs to another request.
    """
    if idempotency_key is not None and (known := jobs.get_by_key(session, idempotency_key)) is not None:
        # The request was sent before: what was the newest checkpoint then need not be it now, nor be there at all.
        before = known.origin or {}
        meant = step if step is not None else before.get("step")
        origin = _origin_of_fork(job, meant, before.get("rollbacks", 0), before.get("stream", 0))
        return jobs.create(session, spec, idempotency_key, origin)
    chosen = _checkpoint_of(session, job, step)
    parent = JobSpec.model_validate(job.spec)  # no remedy changes what must stay as it is
    check_forkable(parent, spec, chosen.step)
    stream = (job.origin or {}).get("stream", 0) + remedied(parent, job.rollbacks).stream
    origin = _origin_of_fork(job, chosen.step, job.rollbacks, stream)
    made, is_new = jobs.create(session, spec, idempotency_key, origin)
    if is_new:
        folder = f"{job_folder(made.id)}/checkpoints/{made.segment}-{chosen.step}-0"
        storage.share_folder(chosen.folder, folder, chosen.files)
        best = _best_by(chosen) if _measure_of(parent) == _measure_of(spec) else None
        key = (made.number, made.segment)
        samples.add_checkpoint(session, key, chosen.step, 0, folder, chosen.files, best, chosen.severity)
    return made, is_new


def base_of_fork(session: Session, job: Job, idempotency_key: str | None = None) -> Mapping[str, Any]:
    """What the changes of a fork are made to, as JSON: the spec with the remedies of the job's rollbacks; where the
    request was sent before, of those that there were then.

    Raises:
        pydantic.ValidationError: this version refuses the spec of a job that has gone back.
    """
    known = jobs.get_by_key(session, idempotency_key) if idempotency_key is not None else None
    rollbacks = (known.origin or {}).get("rollbacks", 0) if known is not None else job.rollbacks
    if not rollbacks:  # bounds may have been tightened since it was stored, and the changes may meet them
        return job.spec
    return remedied(JobSpec.model_validate(job.spec), rollbacks).spec.model_dump(mode="json")


def _origin_of_fork(job: Job, step: int | None, rollbacks: int, stream: int) -> jobs.Origin:
    origin = jobs.Origin(kind="fork", job_id=job.id, step=step)
    if rollbacks:
        origin["rollbacks"] = rollbacks
    if stream:
        origin["stream"] = stream
    return origin


def _checkpoint_of(session: Session, job: Job, step: int | None) -> Checkpoint:
    if step is None:
        newest = samples.list_checkpoints(session, job.number, job.segment)[:1]
        if not newest:
            raise NoSuchCheckpoint("the job has no checkpoint yet")
        return newest[0]
    found = samples.get_checkpoint(session, job, step)
    if found is None:
        raise NoSuchCheckpoint(f"the job has no checkpoint of step {step}")
    return found


def _measure_of(spec: JobSpec) -> tuple[Any, ...]:
    """What a best value is only comparable with others under."""
    return spec.best_metric, spec.dataset


def _best_by(chosen: Checkpoint) -> tuple[str, float] | None:
    """By what no checkpoint before was as good; ``None`` where one was. To a fork it is the best in the first case."""
    if chosen.best_metric is None or chosen.best_value is None:
        return None
    return chosen.best_metric, chosen.best_value


def check_forkable(parent: JobSpec, child: JobSpec, step: int) -> None:
    """Refuse a spec that cannot go on from a checkpoint of ``parent`` after ``step``.

    Raises:
        NotForkable: with the field at fault.
    """
    for player in ("generator", "discriminator"):
        if _architecture(getattr(parent, player)) != _architecture(getattr(child, player)):
            raise NotForkable(player, "must be the network of the checkpoint; only its optimizer may differ")
    _check_inputs(parent, child)
    _check_pretraining(parent, child, step)
    if child.steps <= step:
        raise NotForkable("steps", f"must be more than {step}, the checkpoint's step")


def _architecture(network: Any) -> dict[str, Any]:
    description: dict[str, Any] = network.model_dump(exclude={"optimizer", *PRETRAINING})
    return description


def _check_inputs(parent: JobSpec, child: JobSpec) -> None:
    """What the networks take in is a part of their shapes."""
    if parent.shape != child.shape:
        shape = " x ".join(map(str, parent.shape))
        raise NotForkable("dataset", f"must hold data of the checkpoint's shape, {shape}")
    if parent.pack != child.pack:
        raise NotForkable("pack", f"must be {parent.pack}, as many as the checkpoint's discriminator judges together")
    before, after = (spec.conditional and spec.conditional.kind for spec in (parent, child))
    if before != after:
        what = f"of kind {before}" if before else "left out"
        raise NotForkable("conditional", f"must be {what}, as the checkpoint's networks have it")
    if getattr(child.dataset, "validation_fraction", 0) and (parent.dataset, parent.seed) != (
        child.dataset,
        child.seed,
    ):
        changed = "seed" if parent.dataset == child.dataset else "dataset"
        raise NotForkable(changed, "must be the checkpoint's: with another, data held out now were trained on before")
    known, wanted = parent.dataset.class_count, child.dataset.class_count
    if before and None not in (known, wanted) and known != wanted:
        raise NotForkable("dataset", f"must have as many classes as the checkpoint's networks, {known}")


def _check_pretraining(parent: JobSpec, child: JobSpec, step: int) -> None:
    """Pretraining can be asked for, or changed, as long as neither what was asked for nor what is asked for now would
    have begun: it begins with a discriminator drawn anew, and a checkpoint behind that has it or lacks it."""
    was, is_now = ({name: getattr(spec.discriminator, name) for name in PRETRAINING} for spec in (parent, child))
    if was == is_now:
        return
    if was["pretrain_steps"] and step > was["pretrain_after"]:
        changed = next(name for name in PRETRAINING if was[name] != is_now[name])
        begun = f"the checkpoint is of step {step}, and pretraining began after step {was['pretrain_after']}"
        raise NotForkable(f"discriminator.{changed}", f"cannot change any more: {begun}")
    if is_now["pretrain_steps"] and step > is_now["pretrain_after"]:
        raise NotForkable("discriminator.pretrain_after", f"must be at least {step}, the checkpoint's step")


def states_for(steps: Mapping[JobStatus, JobStatus]) -> list[JobStatus]:
    """The states in which a request means something."""
    return [status for status in JobStatus if status in steps]
