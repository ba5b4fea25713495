"""Small runs of the engine, and what came of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from models.spec import JobSpec
from worker.gan.checkpoint import Snapshot
from worker.gan.data import load
from worker.gan.events import CheckpointReady, Event, MetricsBlock
from worker.gan.loop import train

CPU = torch.device("cpu")
MLP = {"kind": "mlp", "hidden_sizes": [16], "latent_dim": 4}
MLP_JUDGE = {"kind": "mlp", "hidden_sizes": [16]}
DCGAN = {"kind": "dcgan", "base_channels": 4, "latent_dim": 4}
DCGAN_JUDGE = {"kind": "dcgan", "base_channels": 4}

# Of any way of running a step against eager ones, in the metrics of the first 20 steps (docs/execution.md).
TOLERANCE = 1e-4
# What every way of running a step is tried on.
EXECUTED: list[dict[str, Any]] = [
    {},
    {"dataset": {"kind": "ring"}, "discriminator_steps": 3},
    {"dataset": {"kind": "grid"}, "fake_batch": "reused"},
    {"generator": DCGAN, "discriminator": DCGAN_JUDGE, "ema_decay": 0.9},
    {
        "generator": DCGAN,
        "discriminator": MLP_JUDGE,
        "discriminator_steps": 2,
        "fake_batch": "reused",
        "ema_decay": 0.9,
    },
    {"loss": {"kind": "saturating"}, "precision": "bfloat16"},
]

# One of each kind of system, small.
SYSTEMS: dict[str, dict[str, Any]] = {
    "least_squares": {"loss": {"kind": "least_squares"}, "dataset": {"kind": "grid"}},
    "hinge_spectral": {
        "loss": {"kind": "hinge"},
        "discriminator": MLP_JUDGE | {"spectral_norm": True},
        "discriminator_steps": 2,
    },
    "wasserstein": {
        "loss": {"kind": "wasserstein"},
        "dataset": {"kind": "ring"},
        "discriminator": MLP_JUDGE | {"optimizer": {"kind": "rmsprop", "learning_rate": 5e-5}},
        "discriminator_steps": 5,
    },
    "wasserstein_gp": {"loss": {"kind": "wasserstein_gp"}, "dataset": {"kind": "ring"}, "discriminator_steps": 2},
    "relativistic": {
        "loss": {"kind": "relativistic"},
        "regularizers": [
            {"kind": "r1", "weight": 0.5, "schedule": {"kind": "exponential"}},
            {"kind": "r2", "weight": 0.5, "schedule": {"kind": "cosine", "final_factor": 0.1}},
        ],
    },
    "packed": {"pack": 4, "regularizers": [{"kind": "gradient_penalty", "center": 0}]},
    "adaptive": {"augmentation": {"kind": "diffaugment", "adaptive": {"interval": 2, "ramp_examples": 500}}},
    "acgan": {"conditional": {"kind": "acgan"}, "generator": DCGAN, "discriminator": DCGAN_JUDGE},
    "projection": {"conditional": {"kind": "projection"}, "loss": {"kind": "hinge"}},
    "resnet": {
        "generator": {"kind": "resnet", "base_channels": 4, "latent_dim": 4},
        "discriminator": {"kind": "resnet", "base_channels": 4, "spectral_norm": True},
        "loss": {"kind": "hinge"},
        "conditional": {"kind": "projection"},
        "ema_decay": 0.9,
    },
    "r3gan": {
        "generator": {"kind": "r3gan", "base_channels": 8, "group_channels": 4, "latent_dim": 4},
        "discriminator": {"kind": "r3gan", "base_channels": 8, "group_channels": 4},
        "loss": {"kind": "relativistic"},
        "regularizers": [{"kind": "r1"}, {"kind": "r2"}],
        "batch_size": 8,
    },
    "optimizers": {
        "generator": MLP | {"optimizer": {"kind": "sgd", "momentum": 0.5, "schedule": {"kind": "linear"}}},
        "discriminator": MLP_JUDGE
        | {"optimizer": {"kind": "adamw", "schedule": {"kind": "cosine", "warm_up_steps": 3}}},
    },
}
# Those whose steps are not all of the same operations, which therefore no graph can hold.
IN_TURNS: dict[str, dict[str, Any]] = {
    "lazy": {"regularizers": [{"kind": "r1", "interval": 4}]},
    "pretrained": {
        "generator": DCGAN,
        "discriminator": MLP_JUDGE | {"pretrain_after": 4, "pretrain_steps": 9, "frozen": True},
        "ema_decay": 0.9,
    },
}


def job(**patch: Any) -> JobSpec:
    base = {
        "dataset": {"kind": "digits"},
        "generator": MLP,
        "discriminator": MLP_JUDGE,
        "steps": 20,
        "batch_size": 16,
        "seed": 3,
    }
    return JobSpec.model_validate(base | patch)


def run(spec: JobSpec, **options: Any) -> list[Event]:
    return list(train(spec, load(spec, CPU), device=CPU, **options))


def rows(events: Sequence[Event]) -> np.ndarray:
    """All metric rows (steps, metrics), in the order of the spec's ``metric_names``."""
    return np.concatenate([event.values for event in events if isinstance(event, MetricsBlock)])


def steps_of(events: Sequence[Event], kind: type) -> list[int]:
    return [event.step for event in events if isinstance(event, kind)]


def snapshot_at(events: Sequence[Event], step: int) -> Snapshot:
    return next(event.snapshot for event in events if isinstance(event, CheckpointReady) and event.step == step)


def assert_went_on_exactly(resumed: Sequence[Event], through: Sequence[Event], step: int, last: int) -> None:
    """A run resumed after ``step`` has the rows and, at its ``last`` step, the tensors of the one that went through."""
    np.testing.assert_array_equal(rows(resumed), rows(through)[step:])
    one, other = snapshot_at(through, last).tensors, snapshot_at(resumed, last).tensors
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def column(events: Sequence[Event], name: str) -> np.ndarray:
    names = next(event.names for event in events if isinstance(event, MetricsBlock))
    return rows(events)[:, names.index(name)]
