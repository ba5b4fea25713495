"""What the training loop tells its consumer, and what the consumer may tell the loop."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

import numpy as np
import numpy.typing as npt

from models.verdicts import Report, Severity
from worker.gan.checkpoint import Snapshot
from worker.gan.readings import Reading


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
class Assessment:
    """How the game stands after ``report.step``, and the reading that says so: enough, with those before it, to come to
    the same report again."""

    report: Report
    reading: Reading


@dataclass(frozen=True)
class MetricsBlock:
    """One row per step from ``first_step`` on: ``values`` is float32 (rows, metrics), its columns those of ``names``,
    which are the spec's ``metric_names``. ``assessments`` are those made since the block before, of steps up to the
    last one here."""

    first_step: int
    names: tuple[str, ...]
    values: npt.NDArray[np.float32]
    assessments: tuple[Assessment, ...] = ()


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
    """Everything that is needed to go on from ``step`` exactly. ``best`` where no generator before was better;
    ``severity`` is that of the health report then in force, ``None`` where there was none yet."""

    step: int
    snapshot: Snapshot = field(repr=False)
    best: Best | None = None
    severity: Severity | None = None


@dataclass(frozen=True)
class Alarmed:
    """An alarm has lasted for the spec's ``patience``: what ``health.on_alarm`` asks for is due. Comes after the block
    that ends with ``report.step``, once for each alarm; never where the spec only records."""

    report: Report


@dataclass(frozen=True)
class Plateaued:
    """The evaluations have not got better for as long as the spec's ``health.plateau`` allows."""

    step: int
    metric: str
    best: float
    evaluations: int


@dataclass(frozen=True)
class Finished:
    """The last event: every step is ``completed``, or the loop ``stopped`` on command."""

    step: int
    reason: Literal["completed", "stopped"]


Event = Started | MetricsBlock | SampleReady | Evaluated | Alarmed | Plateaued | CheckpointReady | Finished
