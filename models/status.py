"""The states of a job and the one table of allowed transitions.

==============  =====================================================  ==========================================
state           meaning                                                after the machine that held it dies
==============  =====================================================  ==========================================
``queued``      waiting for a worker                                   stays; the reconciler rings for it again
``running``     one worker holds its lease                             back to ``queued`` when the lease expires
``pausing``     asked to pause, its worker has not confirmed yet       ``paused`` when the lease expires
``paused``      stopped at a checkpoint, waits to be resumed           stays
``cancelling``  asked to stop, its worker has not confirmed yet        ``cancelled`` when the lease expires
``cancelled``   stopped by request; what was recorded stays            final
``succeeded``   trained to its end, or to the plateau it asked for     final
``failed``      stopped by an error, named in ``error``                final
==============  =====================================================  ==========================================
"""

from enum import StrEnum


class JobStatus(StrEnum):
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
        return not any(source is self for source, _ in TRANSITIONS)


TRANSITIONS: frozenset[tuple[JobStatus, JobStatus]] = frozenset(
    {
        (JobStatus.QUEUED, JobStatus.RUNNING),  # a worker claims it
        (JobStatus.QUEUED, JobStatus.CANCELLED),  # a user cancels it before it starts
        (JobStatus.QUEUED, JobStatus.PAUSED),
        (JobStatus.RUNNING, JobStatus.QUEUED),  # its lease expired, or its worker is shutting down
        (JobStatus.RUNNING, JobStatus.CANCELLING),  # a user asks it to stop
        (JobStatus.RUNNING, JobStatus.PAUSING),  # a user asks it to pause
        (JobStatus.RUNNING, JobStatus.PAUSED),  # an alarm of its health, about which its spec asks for a pause
        (JobStatus.RUNNING, JobStatus.SUCCEEDED),
        (JobStatus.RUNNING, JobStatus.FAILED),
        (JobStatus.PAUSING, JobStatus.PAUSED),  # its worker has made a checkpoint, or its lease expired
        (JobStatus.PAUSING, JobStatus.CANCELLING),
        (JobStatus.PAUSING, JobStatus.SUCCEEDED),  # it ended before its worker heard of the pause
        (JobStatus.PAUSING, JobStatus.FAILED),
        (JobStatus.PAUSED, JobStatus.QUEUED),  # a user resumes it
        (JobStatus.PAUSED, JobStatus.CANCELLED),
        (JobStatus.CANCELLING, JobStatus.CANCELLED),  # its worker confirms, or its lease expired
    }
)

FINAL: frozenset[JobStatus] = frozenset(status for status in JobStatus if status.is_final)
LEASED: frozenset[JobStatus] = frozenset({JobStatus.RUNNING, JobStatus.PAUSING, JobStatus.CANCELLING})


def sources_of(target: JobStatus) -> frozenset[JobStatus]:
    """The states from which a job may enter ``target``."""
    return frozenset(source for source, reached in TRANSITIONS if reached is target)
