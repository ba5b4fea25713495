"""The runs of the labelled set: what is trained. What they were made for is a wish, not a label: see health_truth.py.

Halves: seeds of ``TUNING_SEEDS`` are for tuning, those of ``TEST_SEEDS`` are looked at once. Configurations that are
``..._ONLY_IN_TEST`` have no run in the tuning half at all, and two in the other; those of both halves have one there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from benchmarks.health_specs import (
    CALM,
    DIGITS,
    DIGITS_CALM,
    EIGHT,
    GRID,
    HEAVY,
    NINE,
    ONE,
    RING,
    SMALL,
    THREE_APART,
    TWO,
    TWO_APART,
    WIDE,
    Content,
    calm,
    convolutions,
    dcgan,
    job,
    mlp,
    pair,
    penalties,
    tiny,
)
from models.spec import JobSpec
from models.spec.health import ASSESSMENTS_PER_RUN

Half = Literal["tuning", "test"]
TUNING_SEEDS, TEST_SEEDS = (1, 2), (11, 12)
LOOKS = 40


@dataclass(frozen=True)
class Run:
    """One training. ``made_for`` is what it was made to become; ``can_be_helped`` is whether the spec's remedies change
    anything about what it was made to fail by: no lower learning rate, penalty or other noise mends a network that is
    too small, a frozen one, a single number as noise, a clip that leaves nothing, or steps of plain gradient descent
    that are far too small to begin with."""

    config: str
    seed: int
    half: Half
    content: Content
    made_for: str
    can_be_helped: bool

    @property
    def name(self) -> str:
        return f"{self.config}-{self.seed}"

    def spec(self, **more: Any) -> JobSpec:
        """Resolved, with a checkpoint for each look. Where its content does not say how often it is assessed, it is as
        often as a longer run by default: every fortieth of its steps. ``health`` is added to what it says of that."""
        steps = self.content["steps"]
        files = {"checkpoint_every": max(1, steps // LOOKS), "sample_every": steps}
        health = self.content.get("health", {"every": max(10, steps // ASSESSMENTS_PER_RUN)}) | more.pop("health", {})
        return JobSpec.model_validate(self.content | files | {"seed": self.seed, "health": health} | more)


# --- configurations --------------------------------------------------------------------------------------------------

GOOD: dict[str, Content] = {
    "eight-ns-r1r2": job(EIGHT, *calm(), **penalties(0.1)),
    "nine-hinge-r1r2": job(NINE, *calm(), "hinge", **penalties(0.3)),
    "eight-wgangp": job(EIGHT, *calm(), "wasserstein_gp", penalty_weight=1.0, discriminator_steps=3),
    "digits-mlp-r1r2": job(DIGITS, *calm(*DIGITS_CALM), **penalties(1.0)),
    "digits-dcgan": job(DIGITS, *convolutions(1e-3)),
    "nine-ls-sn": job(NINE, calm()[0], mlp(SMALL, 1e-3, spectral_norm=True, **CALM), "least_squares"),
    "ring-rel-r1r2": job(RING, *calm(), "relativistic", **penalties(0.02)),
    "one-clip": job(
        ONE, mlp(SMALL, 1e-4, "rmsprop", latent_dim=2), mlp(SMALL, 5e-4, "rmsprop"), "wasserstein", clip=0.1
    ),
    "eight-sat-r1": job(EIGHT, *calm(), "saturating", **penalties(0.1, "r1")),
    "digits-dcgan-hinge-r1": job(DIGITS, *convolutions(1e-3, normalization="none"), "hinge", **penalties(1.0, "r1")),
    "digits-wide-k3": job(
        DIGITS,
        mlp([128, 128], 5e-4, latent_dim=32, **CALM),
        mlp(WIDE, 5e-4, **CALM),
        discriminator_steps=3,
        **penalties(1.0),
    ),
    "ring-ema": job(RING, *calm(), ema_decay=0.99, **penalties(0.02)),
}
GOOD_ONLY_IN_TEST: dict[str, Content] = {
    "nine-rel-r1r2": job(NINE, *calm(), "relativistic", **penalties(0.3)),
    "eight-plain": job(EIGHT, *calm()),
    "digits-mlp-wgangp": job(DIGITS, *calm(*DIGITS_CALM), "wasserstein_gp", discriminator_steps=2),
    "digits-dcgan-ls-sn": job(DIGITS, *convolutions(1e-3, normalization="none", spectral_norm=True), "least_squares"),
    "eight-clip": job(EIGHT, *pair(5e-4, "rmsprop"), "wasserstein", clip=0.02, discriminator_steps=2),
    "two-ns-r1": job(TWO, *calm(), **penalties(0.1, "r1")),
    "digits-projection": job(DIGITS, *convolutions(1e-3), conditional={"kind": "projection"}),
    "eight-sgd-r1": job(EIGHT, *pair(0.1, "sgd"), "saturating", **penalties(0.05, "r1")),
}
CAN_BE_HELPED: dict[str, dict[str, Content]] = {
    "oscillating": {
        "eight-heavy": job(EIGHT, *pair(5e-3, **HEAVY)),
        "ring-clip-loose": job(RING, *pair(1e-3, "rmsprop"), "wasserstein", clip=0.3),
        "eight-generator-fast": job(EIGHT, mlp(SMALL, 1e-2, latent_dim=8), mlp(SMALL, 1e-3)),
        "digits-generator-fast": job(DIGITS, mlp([128, 128], 5e-3, latent_dim=32), mlp([128, 128], 2e-4)),
        "eight-hinge-heavy": job(EIGHT, *pair(1e-2, **HEAVY), "hinge"),
    },
    "collapsed": {
        "two-apart": job(TWO_APART, *pair(1e-3)),
        "two-apart-ls": job(TWO_APART, *pair(1e-3), "least_squares"),
        "three-apart": job(THREE_APART, *pair(1e-3)),
    },
    "vanishing": {
        "digits-sat-strong": job(
            DIGITS, mlp([128, 128], 2e-4, latent_dim=32), mlp(WIDE, 2e-3), "saturating", discriminator_steps=4
        ),
    },
    "diverging": {
        "eight-momentum": job(EIGHT, *pair(0.05, "sgd", momentum=0.9)),
        "eight-ls-fast": job(EIGHT, *pair(0.03), "least_squares"),
        "two-sat-momentum": job(TWO, *pair(0.05, "sgd", momentum=0.9), "saturating"),
        "digits-hinge-fast": job(DIGITS, mlp([128, 128], 0.1, latent_dim=32), mlp([128, 128], 1e-3), "hinge"),
        "eight-sgd-fast": job(EIGHT, *pair(0.5, "sgd")),
        "eight-clip-momentum": job(EIGHT, *pair(0.05, "sgd", momentum=0.9), "wasserstein", clip=10.0),
    },
}
HELPED_ONLY_IN_TEST: dict[str, dict[str, Content]] = {
    "oscillating": {
        "eight-rel-heavy": job(EIGHT, *pair(2e-2, **HEAVY), "relativistic"),
        "ring-heavy": job(RING, *pair(1e-3, **HEAVY)),
        "nine-ls-generator-fast": job(NINE, mlp(SMALL, 5e-3, latent_dim=8, **HEAVY), mlp(SMALL, 2e-4), "least_squares"),
    },
    "collapsed": {"two-apart-hinge": job(TWO_APART, *pair(1e-3), "hinge")},
    "diverging": {
        "nine-hinge-momentum": job(NINE, *pair(0.05, "sgd", momentum=0.9), "hinge"),
        "eight-ls-momentum": job(EIGHT, *pair(0.02, "sgd", momentum=0.9), "least_squares"),
    },
}
BEYOND_HELP: dict[str, dict[str, Content]] = {
    "collapsed": {
        "eight-frozen": job(EIGHT, mlp(SMALL, 1e-3, latent_dim=8), mlp(SMALL, 1e-3, pretrain_steps=300, frozen=True)),
        "nine-tiny-generator": job(NINE, mlp([2], 1e-3, latent_dim=1), mlp(SMALL, 1e-3)),
        "digits-dcgan-frozen": job(
            DIGITS, dcgan(8, 1e-3, latent_dim=16), dcgan(8, 1e-3, pretrain_steps=100, frozen=True)
        ),
    },
    "vanishing": {
        "eight-clip-absurd": job(EIGHT, *pair(5e-4, "rmsprop"), "wasserstein", clip=1e-5),
        "eight-sat-pretrained": job(
            EIGHT, mlp(SMALL, 2e-4, "sgd", latent_dim=8), mlp(WIDE, 2e-3, pretrain_steps=300), "saturating"
        ),
        "digits-dcgan-pretrained": job(
            DIGITS,
            dcgan(16, 1e-3, "sgd", latent_dim=32),
            dcgan(16, 1e-3, pretrain_steps=200, normalization="none"),
            "saturating",
        ),
    },
    "oscillating": {"digits-one-number": job(DIGITS, mlp(SMALL, 1e-3, latent_dim=1), mlp([128, 128], 1e-3))},
}
BEYOND_HELP_ONLY_IN_TEST: dict[str, dict[str, Content]] = {
    "collapsed": {
        "ring-frozen": job(
            RING,
            mlp(SMALL, 5e-4, latent_dim=8),
            mlp(SMALL, 1e-3, pretrain_after=300, pretrain_steps=300, frozen=True),
            "hinge",
        ),
        "grid-tiny-generator": job(GRID, mlp([2], 1e-3, latent_dim=2), mlp(SMALL, 1e-3)),
    },
    "vanishing": {
        "nine-sat-pretrained": job(
            NINE, mlp(SMALL, 2e-4, "sgd", latent_dim=8), mlp(WIDE, 2e-3, pretrain_steps=200), "saturating"
        ),
        "digits-clip-absurd": job(DIGITS, *pair(5e-4, "rmsprop", 16), "wasserstein", clip=1e-6),
        "tiny-sat-strong": job(
            tiny(32),
            mlp([128, 128], 2e-4, latent_dim=32),
            mlp(WIDE, 2e-3),
            "saturating",
            discriminator_steps=3,
            batch_size=16,
        ),
    },
}


def all_runs() -> Iterator[Run]:
    """Every run of both halves."""
    for configs, made_for, can_be_helped, only_in_test in _groups():
        for config, content in configs.items():
            if not only_in_test:
                yield from (Run(config, seed, "tuning", content, made_for, can_be_helped) for seed in TUNING_SEEDS)
            seeds = TEST_SEEDS if only_in_test else TEST_SEEDS[:1]
            yield from (Run(config, seed, "test", content, made_for, can_be_helped) for seed in seeds)


def _groups() -> Iterator[tuple[dict[str, Content], str, bool, bool]]:
    yield GOOD, "good", True, False
    yield GOOD_ONLY_IN_TEST, "good", True, True
    for kinds, can_be_helped, only_in_test in (
        (CAN_BE_HELPED, True, False),
        (HELPED_ONLY_IN_TEST, True, True),
        (BEYOND_HELP, False, False),
        (BEYOND_HELP_ONLY_IN_TEST, False, True),
    ):
        for made_for, configs in kinds.items():
            yield configs, made_for, can_be_helped, only_in_test
