"""What the training loop tells its consumer, and what the consumer may tell the loop."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

import numpy as np
import numpy.typing as npt

from worker.gan.checkpoint import Snapshot


class Command(Enum):
    """Sent into the loop in answer to an event."""

    STOP_WITH_CHECKPOINT = "stop_with_checkpoint"


@dataclass(frozen=True)
class Started:
    """Training is about to go on from ``step`` (0 for a fresh run)."""

    step: int
    device: str
    execution: Literal["eager", "compiled", "cuda_graph"]
    environment: dict[str, str]
    generator_parameters: int
    discriminator_parameters: int


@dataclass(frozen=True)
class MetricsBlock:
    """One row per step from ``first_step`` on: ``values`` is float32 (rows, metrics), its columns those of ``names``,
    which are the spec's ``metric_names``."""

    first_step: int
    names: tuple[str, ...]
    values: npt.NDArray[np.float32]


@dataclass(frozen=True)
class SampleReady:
    """Generated data float32 (count, *shape) from the run's fixed noise, after ``step``; ``labels`` (count,) are their
    classes, in order, where the run has classes."""

    step: int
    values: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64] | None = None


@dataclass(frozen=True)
class Evaluated:
    """What the generator was worth after ``step``: numbers by the names of ``catalogue.EVALUATIONS``."""

    step: int
    values: dict[str, float]


@dataclass(frozen=True)
class Best:
    """The best value so far of the metric that the spec calls ``best_metric``."""

    metric: str
    value: float


@dataclass(frozen=True)
class CheckpointReady:
    """Everything that is needed to go on from ``step`` exactly. ``best`` where no generator before was better."""

    step: int
    snapshot: Snapshot = field(repr=False)
    best: Best | None = None


@dataclass(frozen=True)
class Finished:
    """The last event: every step is ``completed``, or the loop ``stopped`` on command."""

    step: int
    reason: Literal["completed", "stopped"]


Event = Started | MetricsBlock | SampleReady | Evaluated | CheckpointReady | Finished
