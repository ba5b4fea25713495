"""How an attempt at a job ended, and every way it can fail, in words."""

from dataclasses import dataclass
from typing import Any

import structlog
import torch

from models.status import JobStatus
from worker.gan.checkpoint import CheckpointError
from worker.gan.data import DataUnusable
from worker.gan.device import DeviceUnavailable
from worker.gan.evaluate import InceptionUnavailable, MetricUnavailable
from worker.gan.execution import ExecutionUnavailable
from worker.gan.loop import NonFiniteLoss
from worker.gan.memory import NotEnoughMemory
from worker.patience import is_outage

log = structlog.get_logger(__name__)
OUT_OF_MEMORY = ("can't allocate memory", "CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED")
# A job that was given back because something is away waits so long before it is tried again.
OUTAGE_PAUSE_SECONDS = 10.0


@dataclass(frozen=True)
class Outcome:
    """``status`` is where the job goes; ``queued`` gives it back, after ``delay_seconds``."""

    status: JobStatus
    reason: str
    error: dict[str, Any] | None = None
    delay_seconds: float = 0


class DataChanged(Exception):
    """The data set is not the one that the job was started on."""


class DataUnavailable(Exception):
    """The data set cannot be read."""


def released(reason: str, delay_seconds: float = 0) -> Outcome:
    """Back to the queue (or paused, where that was asked for), for no fault of the job's."""
    return Outcome(JobStatus.QUEUED, f"{reason}; waiting for a worker", delay_seconds=delay_seconds)


def failure(kind: str, message: str, step: int | None = None, **facts: Any) -> Outcome:
    return Outcome(JobStatus.FAILED, message, {"kind": kind, "message": message, "step": step, **facts})


def outcome_of(error: Exception) -> Outcome:
    """What an error that ended training means for the job."""
    match error:
        case NonFiniteLoss():
            return failure("non_finite_loss", str(error), error.step)
        case DataChanged():
            return failure("data_changed", str(error))
        case DataUnusable():
            return failure("data_unusable", str(error), field=error.field)
        case InceptionUnavailable() | MetricUnavailable():
            return failure("evaluation_unavailable", str(error))
        case DataUnavailable():
            return failure("data_unavailable", str(error))
        case CheckpointError():
            return failure("checkpoint_mismatch", str(error))
        case DeviceUnavailable():
            return failure("device_unavailable", str(error))
        case ExecutionUnavailable():
            return failure("execution_unavailable", str(error))
        case NotEnoughMemory():
            facts = {"estimated_bytes": error.estimated_bytes, "available_bytes": error.available_bytes}
            return failure("out_of_memory", str(error), **facts)
    if is_outage(error):
        log.warning("attempt ended by an outage", error=str(error).splitlines()[0])
        return released("the database or the storage was away for too long", OUTAGE_PAUSE_SECONDS)
    log.error("training failed", exc_info=error)
    return failure("internal_error", f"{type(error).__name__}: {error}")


def is_out_of_memory(error: Exception) -> bool:
    """Whether a device or the host refused memory (torch's CPU allocator says so in words only)."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and any(words in str(error) for words in OUT_OF_MEMORY)
    )
