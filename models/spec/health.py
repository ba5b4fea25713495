"""How a job's health is looked after: how often it is assessed, and what is done about an alarm."""

from typing import Annotated, Literal

from pydantic import Field

from models.spec.fields import Flag, Integer, Kind, Part, Real, unit

# Of a run, where the spec does not say how often it is assessed.
ASSESSMENTS_PER_RUN = 40
SHORTEST_WINDOW = 100
LONGEST_WINDOW = 1000


class LowerLearningRate(Part):
    """Slower steps: both networks follow each other rather than overshoot."""

    kind: Annotated[Literal["lower_learning_rate"], Kind]
    factor: Real = Field(0.3, gt=0, lt=1, examples=[0.3], json_schema_extra=unit("of the learning rate"))
    """What the learning rate is multiplied by."""
    player: Literal["both", "generator", "discriminator"] = Field("both", examples=["both"])
    """Whose learning rate."""


class AddR1(Part):
    """A penalty on the discriminator's gradient at real data, which makes the game converge (Mescheder et al. 2018)."""

    kind: Annotated[Literal["add_r1"], Kind]
    weight: Real = Field(1.0, gt=0, le=1e6, examples=[1.0])
    """The weight of R1; where the spec has R1, it is raised to this much more than it was."""


class NewNoiseStream(Part):
    """Other noise from there on: the same players, other luck."""

    kind: Annotated[Literal["new_noise_stream"], Kind]


Remedy = Annotated[LowerLearningRate | AddR1 | NewNoiseStream, Field(discriminator="kind")]


class Plateau(Part):
    """Ends a run as succeeded when its evaluations no longer get better."""

    metric: str = Field(max_length=64, examples=["high_quality_share"])
    """The number of the evaluations to watch."""
    patience: Integer = Field(5, ge=1, le=10_000, examples=[5], json_schema_extra=unit("evaluations"))
    """Evaluations without an improvement after which the run ends."""
    min_delta: Real = Field(0.0, ge=0, le=1e9, examples=[0.01])
    """What counts as an improvement: more than this much better than the best so far."""


class Health(Part):
    """Training health: assessed as the job trains, and acted upon as asked."""

    enabled: Flag = Field(True, examples=[True])
    """Whether the job is assessed at all."""
    every: Integer | None = Field(None, ge=10, le=1_000_000, examples=[200], json_schema_extra=unit("steps"))
    """Steps between assessments; by default a fortieth of the run's, at least 100 and at most 1,000."""
    on_alarm: Literal["record", "pause", "stop", "rollback"] = Field("record", examples=["record"])
    """What to do about an alarm: only `record` it; `pause` the job; `stop` it as failed; or `rollback`: go on from the
    last checkpoint before it, with a remedy."""
    patience: Integer = Field(0, ge=0, le=10_000_000, examples=[0], json_schema_extra=unit("steps"))
    """Steps that an alarm must have lasted before anything is done about it."""
    max_rollbacks: Integer = Field(6, ge=1, le=100, examples=[6], json_schema_extra=unit("rollbacks"))
    """Rollbacks after which an alarm ends the job as failed."""
    remedies: tuple[Remedy, ...] | None = Field(
        None,
        min_length=1,
        max_length=16,
        examples=[[{"kind": "lower_learning_rate", "factor": 0.3}, {"kind": "add_r1", "weight": 1.0}]],
    )
    """What each rollback changes, on top of what earlier ones did: the first one applies the first remedy, and so on;
    the last one again and again. By default R1 where the discriminator allows a penalty, then a slower generator (to a
    tenth, then twice to three tenths of its learning rate), then both slower."""
    plateau: Plateau | None = Field(None, examples=[{"metric": "high_quality_share", "patience": 5}])
    """Whether the job ends when its evaluations no longer get better; not by default."""

    def window(self, steps: int) -> int:
        """Steps between assessments of a run of ``steps``."""
        if self.every is not None:
            return self.every
        return min(LONGEST_WINDOW, max(SHORTEST_WINDOW, steps // ASSESSMENTS_PER_RUN))
