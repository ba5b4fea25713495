"""Facts about every kind a spec can name, free of torch so that the API can serve them.

The engine implements the same kinds; ``tests/unit/test_catalogue.py`` holds the two against each other.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class LossFacts:
    """What a loss declares of itself, so that nobody else needs a special case for it.

    Attributes:
        discriminator_equilibrium: the discriminator's loss (natural-log units) where real and generated
            data cannot be told apart; ``None`` where there is no such level.
        generator_equilibrium: the same for the generator.
        total_loss_equilibrium: the same for their sum; ``None`` where the sum means nothing.
        logit_is_probability: whether the sigmoid of the logit estimates P(real).
        source: paper and equation.
    """

    discriminator_equilibrium: float | None
    generator_equilibrium: float | None
    total_loss_equilibrium: float | None
    logit_is_probability: bool
    source: str


@dataclass(frozen=True)
class DatasetFacts:
    """``shape`` is (channels, height, width) for images and (features,) for points, values in [-1, 1] for images;
    ``size`` is the number of examples, ``None`` where fresh ones are drawn without end."""

    shape: tuple[int, ...]
    size: int | None
    source: str

    @property
    def is_image(self) -> bool:
        return len(self.shape) == 3


@dataclass(frozen=True)
class MetricFacts:
    """One column recorded at every step."""

    name: str
    unit: str
    description: str
    lowest: float | None = None
    highest: float | None = None


LOSSES: dict[str, LossFacts] = {
    "non_saturating": LossFacts(
        discriminator_equilibrium=2 * math.log(2),
        generator_equilibrium=math.log(2),
        total_loss_equilibrium=3 * math.log(2),
        logit_is_probability=True,
        source="Goodfellow et al. 2014, section 3",
    ),
    "saturating": LossFacts(
        discriminator_equilibrium=2 * math.log(2),
        generator_equilibrium=-math.log(2),
        # The fake terms cancel in the sum, which leaves only E softplus(-D(x)): no game to read from it.
        total_loss_equilibrium=None,
        logit_is_probability=True,
        source="Goodfellow et al. 2014, equation 1",
    ),
}

DATASETS: dict[str, DatasetFacts] = {
    "digits": DatasetFacts(
        shape=(1, 8, 8),
        size=1797,
        source="UCI optical recognition of handwritten digits, test set, as shipped inside scikit-learn",
    ),
    "ring": DatasetFacts(shape=(2,), size=None, source="Metz et al. 2017; figures of Srivastava et al. 2017 (VEEGAN)"),
    "grid": DatasetFacts(shape=(2,), size=None, source="Srivastava et al. 2017 (VEEGAN); Lin et al. 2018 (PacGAN)"),
}

METRICS: tuple[MetricFacts, ...] = (
    MetricFacts("d_loss", "nats", "Discriminator loss: real and fake terms summed, mean over the k updates."),
    MetricFacts("g_loss", "nats", "Generator loss."),
    MetricFacts("total_loss", "nats", "d_loss + g_loss, only where the sum has a meaning; no target to minimise."),
    MetricFacts("d_real", "probability", "Mean sigmoid of D(x) over the real batch.", 0, 1),
    MetricFacts(
        "d_fake", "probability", "Mean sigmoid of D(G(z)) over the fake batch of the discriminator step.", 0, 1
    ),
    MetricFacts("d_real_logit", "logit", "Mean of D(x) over the real batch."),
    MetricFacts("d_fake_logit", "logit", "Mean of D(G(z)) over the fake batch of the discriminator step."),
    MetricFacts("d_grad_norm", "norm", "Euclidean norm of the discriminator's gradient, mean over its steps.", 0),
    MetricFacts("g_grad_norm", "norm", "Euclidean norm of the generator's gradient.", 0),
)
METRIC_NAMES: tuple[str, ...] = tuple(metric.name for metric in METRICS)


def recorded_metrics(loss: LossFacts) -> tuple[str, ...]:
    """The columns that mean something for a loss, in the order of ``METRIC_NAMES``; the first two are always ``d_loss``
    and ``g_loss``."""
    meaningless = set[str]()
    if loss.total_loss_equilibrium is None:
        meaningless.add("total_loss")
    if not loss.logit_is_probability:
        meaningless |= {"d_real", "d_fake"}
    return tuple(name for name in METRIC_NAMES if name not in meaningless)
