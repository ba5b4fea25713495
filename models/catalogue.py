"""Facts about every kind a spec can name, free of torch so that the API can serve them.

The engine implements the same kinds; ``tests/unit/test_catalogue.py`` holds the two against each other.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class LossFacts:
    """What a loss declares of itself, so that nobody else needs a special case for it.

    Attributes:
        description: one sentence of what the players minimise.
        discriminator_equilibrium: the discriminator's loss (natural-log units) where real and generated
            data cannot be told apart; ``None`` where there is no such level.
        generator_equilibrium: the same for the generator.
        total_loss_equilibrium: the same for their sum; ``None`` where the sum means nothing.
        logit_is_probability: whether the sigmoid of the logit estimates P(real).
        logit_boundary: the logit of data that could as well be real as generated; ``None`` where only differences of
            logits mean something.
        source: paper and equation.
        paired: whether the generator's loss compares its data with real ones, of which it then draws a batch.
    """

    description: str
    discriminator_equilibrium: float | None
    generator_equilibrium: float | None
    total_loss_equilibrium: float | None
    logit_is_probability: bool
    logit_boundary: float | None
    source: str
    paired: bool = False


@dataclass(frozen=True)
class DatasetFacts:
    """``shape`` is (channels, height, width) for images and (features,) for points, values in [-1, 1] for images;
    ``None`` where the spec says it. ``size`` is the number of examples, ``None`` where only the data can tell, or where
    fresh ones are drawn without end."""

    shape: tuple[int, ...] | None
    size: int | None
    source: str


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
        description="Generator minimises -E log D(G(z)).",
        discriminator_equilibrium=2 * math.log(2),
        generator_equilibrium=math.log(2),
        total_loss_equilibrium=3 * math.log(2),
        logit_is_probability=True,
        logit_boundary=0.0,
        source="Goodfellow et al. 2014, section 3",
    ),
    "saturating": LossFacts(
        description="Generator minimises E log(1 - D(G(z))), the minimax game.",
        discriminator_equilibrium=2 * math.log(2),
        generator_equilibrium=-math.log(2),
        # The fake terms cancel in the sum, which leaves only E softplus(-D(x)): no game to read from it.
        total_loss_equilibrium=None,
        logit_is_probability=True,
        logit_boundary=0.0,
        source="Goodfellow et al. 2014, equation 1",
    ),
    "least_squares": LossFacts(
        description="Half the squared distance of the logit from 1 for real and from 0 for generated data.",
        discriminator_equilibrium=0.25,
        generator_equilibrium=0.125,
        total_loss_equilibrium=0.375,
        logit_is_probability=False,
        logit_boundary=0.5,
        source="Mao et al. 2017, equation 9",
    ),
    "hinge": LossFacts(
        description="Hinge loss for the discriminator, minus the mean logit for the generator.",
        # Of any constant logit between -1 and 1.
        discriminator_equilibrium=2.0,
        generator_equilibrium=None,
        total_loss_equilibrium=None,
        logit_is_probability=False,
        logit_boundary=0.0,
        source="Lim & Ye 2017; Miyato et al. 2018, equations 16 and 17",
    ),
    "wasserstein": LossFacts(
        description="Difference of mean logits; the critic's weights are clipped after each of its steps.",
        discriminator_equilibrium=0.0,
        generator_equilibrium=None,
        total_loss_equilibrium=None,
        logit_is_probability=False,
        logit_boundary=None,
        source="Arjovsky et al. 2017, algorithm 1",
    ),
    "wasserstein_gp": LossFacts(
        description="Difference of mean logits; the critic's gradient is held near length 1 by a penalty.",
        discriminator_equilibrium=0.0,
        generator_equilibrium=None,
        total_loss_equilibrium=None,
        logit_is_probability=False,
        logit_boundary=None,
        source="Gulrajani et al. 2017, equation 3",
    ),
    "relativistic": LossFacts(
        description="Each real logit is compared with a generated one; the generator step draws real data of its own.",
        discriminator_equilibrium=math.log(2),
        generator_equilibrium=math.log(2),
        total_loss_equilibrium=2 * math.log(2),
        logit_is_probability=False,
        logit_boundary=None,
        source="Jolicoeur-Martineau 2018; Huang et al. 2024 (R3GAN), equation 2",
        paired=True,
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
    "mixture": DatasetFacts(shape=(2,), size=None, source="Gaussians of your own"),
    "image_folder": DatasetFacts(shape=None, size=None, source="image files of your own"),
    "npz": DatasetFacts(shape=None, size=None, source="an array of your own"),
    "hugging_face": DatasetFacts(shape=None, size=None, source="the Hugging Face hub, or a data set saved from it"),
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
# Recorded only where the spec has what they are of.
EXTRA_METRICS: tuple[MetricFacts, ...] = (
    MetricFacts(
        "r1_penalty", "nats", "What R1 added to the discriminator's loss; 0 in steps that a lazy one skips.", 0
    ),
    MetricFacts(
        "r2_penalty", "nats", "What R2 added to the discriminator's loss; 0 in steps that a lazy one skips.", 0
    ),
    MetricFacts("gradient_penalty", "nats", "What the gradient penalty added to the discriminator's loss.", 0),
    MetricFacts("d_class_loss", "nats", "Cross-entropy of the class head on real and on generated data, summed.", 0),
    MetricFacts("g_class_loss", "nats", "Cross-entropy of the class head on the generator's data.", 0),
    MetricFacts("class_accuracy_real", "share", "Real data whose class the class head names.", 0, 1),
    MetricFacts("class_accuracy_fake", "share", "Generated data whose class the class head names.", 0, 1),
    MetricFacts("augment_probability", "probability", "How likely adaptive augmentation changes an example.", 0, 1),
    MetricFacts("r_t", "mean sign", "Mean sign of D's logit on real data, by which augmentation adapts.", -1, 1),
    MetricFacts("g_grad_norm_saturating", "norm", "Generator's gradient norm under the saturating loss.", 0),
    MetricFacts("g_grad_norm_non_saturating", "norm", "Generator's gradient norm under the non-saturating loss.", 0),
)
CLASSIFIER_METRICS = frozenset({"d_class_loss", "g_class_loss", "class_accuracy_real", "class_accuracy_fake"})
ADAPTIVE_METRICS = frozenset({"augment_probability", "r_t"})
BOTH_FORMS_METRICS = frozenset({"g_grad_norm_saturating", "g_grad_norm_non_saturating"})

# What a run of no extras records at most; and all that any run can.
METRIC_NAMES: tuple[str, ...] = tuple(metric.name for metric in METRICS)
ALL_METRICS = METRICS + EXTRA_METRICS
ALL_METRIC_NAMES: tuple[str, ...] = tuple(metric.name for metric in ALL_METRICS)


def recorded_metrics(loss: LossFacts, extras: Collection[str] = ()) -> tuple[str, ...]:
    """The columns that mean something for a loss, and the ``extras`` among ``EXTRA_METRICS``, in the order of
    ``ALL_METRIC_NAMES``; the first two are always ``d_loss`` and ``g_loss``."""
    meaningless = set[str]()
    if loss.total_loss_equilibrium is None:
        meaningless.add("total_loss")
    if not loss.logit_is_probability:
        meaningless |= {"d_real", "d_fake"}
    wanted = (set(METRIC_NAMES) - meaningless) | set(extras)
    return tuple(name for name in ALL_METRIC_NAMES if name in wanted)


@dataclass(frozen=True)
class EvaluationFacts:
    """One number of an evaluation; ``better`` says which way, ``None`` where neither is."""

    name: str
    unit: str
    description: str
    better: Literal["higher", "lower"] | None


_MIXTURE_EVALUATIONS = (
    EvaluationFacts("modes_covered", "modes", "Modes with at least one high-quality point of 2,500.", "higher"),
    EvaluationFacts(
        "high_quality_share", "share", "Points within 3 standard deviations of a mode; of real data 98.9 %.", "higher"
    ),
    EvaluationFacts("reverse_kl", "nats", "KL divergence of the modes' shares among them from the true ones.", "lower"),
    EvaluationFacts(
        "jensen_shannon_divergence", "nats", "Between 50,000 generated and real points, binned; 0 to ln 2.", "lower"
    ),
    EvaluationFacts("jensen_shannon_bias", "nats", "The same between two draws of as many real points.", None),
    EvaluationFacts(
        "optimal_discriminator_gap",
        "probability",
        "Mean distance of D's answer from the best possible, p_r / (p_r + p_g); p_g is binned, and that of the "
        "averaged generator, if there is one. About 0.02 at best.",
        None,
    ),
)
_FEATURE_EVALUATIONS = (
    ("fid", "squared distance", "Fréchet distance of the features' Gaussians", "lower"),
    ("kernel_distance", "squared distance", "Squared maximum mean discrepancy, cubic kernel", "lower"),
    ("precision", "share", "Generated data among the nearest neighbours of real ones", "higher"),
    ("recall", "share", "Real data among the nearest neighbours of generated ones", "higher"),
)
_IMAGE_EVALUATIONS = (
    EvaluationFacts(
        "sliced_wasserstein", "pixel values", "Mean 1-Wasserstein distance over random directions.", "lower"
    ),
    EvaluationFacts("validation_gap", "logit", "Mean D(x) of training data less that of held-out data.", None),
)
_CLASS_EVALUATIONS = (
    EvaluationFacts(
        "classes_covered", "classes", "Classes with at least a tenth of their share among real data.", "higher"
    ),
    EvaluationFacts("smallest_class_share", "share", "Share of samples in the rarest class.", "higher"),
    EvaluationFacts("largest_class_share", "share", "Share of samples in the commonest class.", "lower"),
    EvaluationFacts(
        "classifier_accuracy", "share", "Held-out real data whose class that classifier of real data names.", None
    ),
)
# Of conditional runs.
_LABEL_EVALUATIONS = (
    EvaluationFacts(
        "label_agreement", "share", "Samples whose class a classifier confirms; of points, the nearest mode.", "higher"
    ),
)
LABELLED_IMAGES = ("digits", "image_folder", "npz", "hugging_face")


def _feature_facts(extractor: str) -> tuple[EvaluationFacts, ...]:
    return tuple(
        EvaluationFacts(f"{name}_{extractor}", unit, f"{meaning}, by {extractor.replace('_', ' ')}.", better)  # type: ignore[arg-type]
        for name, unit, meaning, better in _FEATURE_EVALUATIONS
    )


# Features of a classifier of the data set's own labels are named after it: they are never passed off as Inception's.
EVALUATIONS: dict[str, EvaluationFacts] = {
    facts.name: facts
    for facts in (
        *_MIXTURE_EVALUATIONS,
        *_IMAGE_EVALUATIONS,
        *_CLASS_EVALUATIONS,
        *_LABEL_EVALUATIONS,
        *_feature_facts("inception"),
        *(facts for kind in LABELLED_IMAGES for facts in _feature_facts(f"{kind}_classifier")),
    )
}


def evaluation_names(dataset: str, has_labels: bool) -> tuple[str, ...]:
    """The numbers that an evaluation on a kind of data set can hold, with labels or without."""
    if dataset not in LABELLED_IMAGES:
        return tuple(facts.name for facts in (*_MIXTURE_EVALUATIONS, *_LABEL_EVALUATIONS))
    found = [*_IMAGE_EVALUATIONS, *_feature_facts("inception")]
    if has_labels:
        found += [*_CLASS_EVALUATIONS, *_LABEL_EVALUATIONS, *_feature_facts(f"{dataset}_classifier")]
    return tuple(facts.name for facts in found)
