"""How a quantity changes over a run, and the optimisers whose learning rates do."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from models.spec.fields import Beta, Integer, Kind, Part, Real, conflict, unit

# --- schedules -------------------------------------------------------------------------------------------------------


class _Schedule(Part):
    warm_up_steps: Integer = Field(0, ge=0, le=10_000_000, examples=[0], json_schema_extra=unit("steps"))
    """Steps over which the quantity first rises in a straight line from 0 to its full value."""


class _Decay(_Schedule):
    over_steps: Integer | None = Field(None, ge=1, le=10_000_000, examples=[10_000], json_schema_extra=unit("steps"))
    """Steps, warm-up included, after which the final value is reached and kept; all of the run's by default."""

    @model_validator(mode="after")
    def _decays_after_the_warm_up(self) -> Self:
        if self.over_steps is not None and self.over_steps <= self.warm_up_steps:
            raise conflict("over_steps", "must be more than warm_up_steps, which is {limit}", limit=self.warm_up_steps)
        return self


class Constant(_Schedule):
    """The full value, from the end of the warm-up on."""

    kind: Annotated[Literal["constant"], Kind]


class Linear(_Decay):
    """A straight line from the full value to the final one."""

    kind: Annotated[Literal["linear"], Kind]
    final_factor: Real = Field(0.0, ge=0, le=100, examples=[0.0], json_schema_extra=unit("of the full value"))
    """What the full value is multiplied by in the end."""


class Cosine(_Decay):
    """Half a cosine from the full value to the final one (Loshchilov & Hutter 2017, equation 5, without restarts)."""

    kind: Annotated[Literal["cosine"], Kind]
    final_factor: Real = Field(0.0, ge=0, le=100, examples=[0.0], json_schema_extra=unit("of the full value"))
    """What the full value is multiplied by in the end."""


class Exponential(_Decay):
    """By the same factor at every step, from the full value to the final one."""

    kind: Annotated[Literal["exponential"], Kind]
    final_factor: Real = Field(0.01, gt=0, le=100, examples=[0.01], json_schema_extra=unit("of the full value"))
    """What the full value is multiplied by in the end."""


Schedule = Annotated[Constant | Linear | Cosine | Exponential, Field(discriminator="kind")]

# --- optimisers ------------------------------------------------------------------------------------------------------

CONSTANT = Constant(kind="constant")


class _Optimizer(Part):
    learning_rate: Real = Field(2e-4, gt=0, le=10, examples=[2e-4], json_schema_extra=unit("per step"))
    """Step size. The two players may have different ones (two time scales, Heusel et al. 2017)."""
    schedule: Schedule = Field(CONSTANT, examples=[{"kind": "cosine", "final_factor": 0.0}])
    """How the learning rate changes over the run."""


class Adam(_Optimizer):
    """Adam (Kingma & Ba 2015, algorithm 1)."""

    kind: Annotated[Literal["adam"], Kind] = "adam"
    betas: tuple[Beta, Beta] = Field((0.5, 0.999), examples=[[0.5, 0.999]])
    """Decay rates of the running means of the gradient and of its square."""
    epsilon: Real = Field(1e-8, gt=0, le=1, examples=[1e-8])
    """Added to the denominator."""


class AdamW(_Optimizer):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2)."""

    kind: Annotated[Literal["adamw"], Kind]
    betas: tuple[Beta, Beta] = Field((0.5, 0.999), examples=[[0.5, 0.999]])
    """Decay rates of the running means of the gradient and of its square."""
    epsilon: Real = Field(1e-8, gt=0, le=1, examples=[1e-8])
    """Added to the denominator."""
    weight_decay: Real = Field(0.01, ge=0, le=1, examples=[0.01])
    """Share of each weight, times the learning rate, that a step takes away."""


class RmsProp(_Optimizer):
    """RMSprop (Tieleman & Hinton 2012), the optimiser of the clipped Wasserstein GAN."""

    kind: Annotated[Literal["rmsprop"], Kind]
    smoothing: Beta = Field(0.99, examples=[0.99])
    """Decay rate of the running mean of the squared gradient."""
    epsilon: Real = Field(1e-8, gt=0, le=1, examples=[1e-8])
    """Added to the denominator."""


class Sgd(_Optimizer):
    """Stochastic gradient descent, with momentum where asked for; its step keeps the gradient's scale."""

    kind: Annotated[Literal["sgd"], Kind]
    momentum: Beta = Field(0.0, examples=[0.0])
    """Decay rate of the running sum of gradients."""


def _with_kind(optimizer: Any) -> Any:
    """An optimiser that does not say its kind is Adam."""
    return {"kind": "adam", **optimizer} if isinstance(optimizer, dict) else optimizer


Optimizer = Annotated[Adam | AdamW | RmsProp | Sgd, Field(discriminator="kind"), BeforeValidator(_with_kind)]
