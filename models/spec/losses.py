"""The adversarial losses and the regularisers of the discriminator."""

from typing import TYPE_CHECKING, Annotated, Literal, Union

from pydantic import Field, create_model

from models.catalogue import LOSSES, LossFacts
from models.spec.fields import Integer, Kind, Part, Real, unit
from models.spec.schedules import CONSTANT, Schedule

# --- losses ----------------------------------------------------------------------------------------------------------


class PlainLoss(Part):
    """A loss without settings; those of the catalogue that have none are made from it."""

    kind: str


class Wasserstein(Part):
    """Difference of mean logits, the critic's weights clipped after each of its steps (Arjovsky et al. 2017,
    algorithm 1; there with RMSprop at 5e-5 and 5 discriminator steps)."""

    kind: Annotated[Literal["wasserstein"], Kind]
    clip: Real = Field(0.01, gt=0, le=100, examples=[0.01])
    """Every parameter of the discriminator is kept within plus and minus this."""


class WassersteinGp(Part):
    """Difference of mean logits, with a penalty that keeps the critic's gradient near length 1 between real and
    generated points (Gulrajani et al. 2017, equation 3; there with Adam at 1e-4, betas 0 and 0.9, and 5 discriminator
    steps)."""

    kind: Annotated[Literal["wasserstein_gp"], Kind]
    penalty_weight: Real = Field(10.0, gt=0, le=1e6, examples=[10.0])
    """Weight of the gradient penalty (lambda)."""


def _plain(kind: str, facts: LossFacts) -> type[PlainLoss]:
    """The part of a spec that names a loss without settings."""
    name = "".join(word.title() for word in kind.split("_"))
    says = f"{facts.description.removesuffix('.')} ({facts.source})."
    return create_model(name, __base__=PlainLoss, __doc__=says, kind=(Annotated[Literal[kind], Kind], ...))  # type: ignore[arg-type]


WITH_SETTINGS: dict[str, type[Part]] = {"wasserstein": Wasserstein, "wasserstein_gp": WassersteinGp}
LOSS_PARTS = {kind: WITH_SETTINGS.get(kind) or _plain(kind, facts) for kind, facts in LOSSES.items()}
if TYPE_CHECKING:
    Loss = PlainLoss | Wasserstein | WassersteinGp
else:
    Loss = Annotated[Union[tuple(LOSS_PARTS.values())], Field(discriminator="kind")]  # noqa: UP007 - of as many as there are

# --- regularisers ----------------------------------------------------------------------------------------------------


class _Regularizer(Part):
    weight: Real = Field(1.0, gt=0, le=1e6, examples=[1.0])
    """Weight of the penalty in the discriminator's loss."""
    schedule: Schedule = Field(CONSTANT, examples=[{"kind": "cosine", "final_factor": 0.1}])
    """How the weight changes over the run."""
    interval: Integer = Field(1, ge=1, le=1000, examples=[1], json_schema_extra=unit("steps"))
    """Computed at every n-th step only, and then multiplied by n (Karras et al. 2020, lazy regularization). With more
    than 1, the proof of convergence is lost and small problems can fail."""

    @property
    def metric_name(self) -> str:
        """The column that its penalty is recorded in."""
        kind: str = getattr(self, "kind")  # noqa: B009 - each subclass has one of its own
        return kind if kind == "gradient_penalty" else f"{kind}_penalty"


class R1(_Regularizer):
    """Half the weight (gamma) times the mean squared gradient of the logit at real data (Mescheder et al. 2018,
    equation 9)."""

    kind: Annotated[Literal["r1"], Kind]


class R2(_Regularizer):
    """Half the weight (gamma) times the mean squared gradient of the logit at generated data (Mescheder et al. 2018,
    equation 10)."""

    kind: Annotated[Literal["r2"], Kind]


class GradientPenalty(_Regularizer):
    """Weight times the mean squared distance of the gradient's length from ``center``, at points drawn evenly between
    pairs of real and generated ones (Gulrajani et al. 2017, equation 3, where the centre is 1; Thanh-Tung et al. 2019,
    where it is 0)."""

    kind: Annotated[Literal["gradient_penalty"], Kind]
    weight: Real = Field(10.0, gt=0, le=1e6, examples=[10.0])
    """Weight of the penalty (lambda) in the discriminator's loss."""
    center: Literal[0, 1] = Field(examples=[1])
    """The length of the gradient that costs nothing."""


Regularizer = Annotated[R1 | R2 | GradientPenalty, Field(discriminator="kind")]
