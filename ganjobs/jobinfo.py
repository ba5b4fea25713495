"""A job as the API describes it, typed."""

from datetime import datetime
from typing import Any, Literal

from ganjobs.answers import Answer, Numbers
from ganjobs.types import JobStatus, Severity, Verdict


class Equilibrium(Answer):
    """Values of the losses (nats) where real and made data cannot be told apart; ``None`` where there is no such
    level."""

    d_loss: float | None
    g_loss: float | None
    total_loss: float | None


class JobError(Answer):
    """Why a job failed, and at which step."""

    kind: str
    message: str
    step: int | None = None


class Origin(Answer):
    """Where a job comes from."""

    kind: Literal["fork", "retry"]
    job_id: str
    step: int | None


class EvaluationValues(Answer):
    """What a generator was worth after a step."""

    step: int
    values: Numbers


class JobInfo(Answer):
    """A training job, as it was when it was last asked for."""

    id: str
    name: str | None
    status: JobStatus
    status_reason: str | None
    spec: dict[str, Any]
    """The normalised spec, defaults filled in."""
    metadata: dict[str, str]
    step: int
    """Steps trained and recorded so far."""
    steps: int
    progress: float
    """From 0 to 1."""
    steps_per_second: float | None
    estimated_seconds_left: float | None
    """At the present speed; ``None`` unless the job is running."""
    training_seconds: float
    priority: int
    start_step: int
    """The step a fork goes on from; rows begin after it."""
    origin: Origin | None
    attempt: int
    worker_id: str | None
    error: JobError | None
    queue_position: int | None
    latest_metrics: Numbers | None
    latest_evaluation: EvaluationValues | None
    verdict: Verdict | None
    """How the game between the two networks stands; ``None`` before it has been assessed."""
    severity: Severity | None
    rollbacks: int
    equilibrium: Equilibrium
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def reason(self) -> str | None:
        """Why it is as it is: what it failed of, or who asked for it."""
        return self.error.message if self.error else self.status_reason

    def __repr__(self) -> str:
        name = f" {self.name!r}" if self.name else ""
        verdict = f", {self.verdict}" if self.verdict else ""
        kind = type(self).__name__.removesuffix("Info")
        return f"<{kind} {self.id}{name}: {self.status}, step {self.step:,} of {self.steps:,}{verdict}>"

    __str__ = __repr__
