"""The words the API uses for jobs, as the client knows them: it has none of the server's packages to take them from.

A test holds them against the server's, so that neither changes alone.
"""

from enum import StrEnum


class JobStatus(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    SUCCEEDED = "succeeded"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """Whether a job of this status never changes it again."""
        return self in FINAL

    @property
    def is_resting(self) -> bool:
        """Whether a job of this status stays in it until somebody asks for something else."""
        return self in RESTING


FINAL = frozenset({JobStatus.CANCELLED, JobStatus.SUCCEEDED, JobStatus.FAILED})
RESTING = FINAL | {JobStatus.PAUSED}


class Verdict(StrEnum):
    """The state of the game between a job's two networks."""

    WARMING_UP = "warming_up"
    BALANCED = "balanced"
    DISCRIMINATOR_WINNING = "discriminator_winning"
    DISCRIMINATOR_OVERFITTING = "discriminator_overfitting"
    DISCRIMINATOR_TOO_WEAK = "discriminator_too_weak"
    PARTIAL_MODE_COLLAPSE = "partial_mode_collapse"
    MODE_COLLAPSE = "mode_collapse"
    OSCILLATING = "oscillating"
    STALLED = "stalled"
    GENERATOR_GRADIENT_VANISHING = "generator_gradient_vanishing"
    DIVERGING = "diverging"
    NON_FINITE = "non_finite"


class Severity(StrEnum):
    """How bad a verdict is."""

    OK = "ok"
    CAUTION = "caution"
    ALARM = "alarm"
