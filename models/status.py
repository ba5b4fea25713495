"""The states of a job and the one table of allowed transitions.

==============  =====================================================  ==========================================
state           meaning                                                after the machine that held it dies
==============  =====================================================  ==========================================
``queued``      waiting for a worker                                   stays; the reconciler rings for it again
``running``     one worker holds its lease                             back to ``queued`` when the lease expires
``cancelling``  asked to stop, its worker has not confirmed yet        ``cancelled`` when the lease expires
``cancelled``   stopped by request; what was recorded stays            final
``succeeded``   every step was trained                                 final
``failed``      stopped by an error, named in ``error``                final
==============  =====================================================  ==========================================
"""

from enum import StrEnum


class JobStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    SUCCEEDED = "succeeded"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        return not any(source is self for source, _ in TRANSITIONS)


TRANSITIONS: frozenset[tuple[JobStatus, JobStatus]] = frozenset(
    {
        (JobStatus.QUEUED, JobStatus.RUNNING),  # a worker claims it
        (JobStatus.QUEUED, JobStatus.CANCELLED),  # a user cancels it before it starts
        (JobStatus.RUNNING, JobStatus.QUEUED),  # its lease expired, or its worker is shutting down
        (JobStatus.RUNNING, JobStatus.CANCELLING),  # a user asks it to stop
        (JobStatus.RUNNING, JobStatus.SUCCEEDED),
        (JobStatus.RUNNING, JobStatus.FAILED),
        (JobStatus.CANCELLING, JobStatus.CANCELLED),  # its worker confirms, or its lease expired
    }
)

FINAL: frozenset[JobStatus] = frozenset(status for status in JobStatus if status.is_final)
LEASED: frozenset[JobStatus] = frozenset({JobStatus.RUNNING, JobStatus.CANCELLING})


def sources_of(target: JobStatus) -> frozenset[JobStatus]:
    """The states from which a job may enter ``target``."""
    return frozenset(source for source, reached in TRANSITIONS if reached is target)
