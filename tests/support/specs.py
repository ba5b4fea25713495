"""Specs whose parts do not go together, each with the field that is named and the limit that is told (``None`` where
that does not matter)."""

from typing import Any

MLP: dict[str, Any] = {"kind": "mlp", "hidden_sizes": [8]}
BASE: dict[str, Any] = {"dataset": {"kind": "digits"}, "generator": MLP, "discriminator": MLP, "steps": 100}
RING, GRID = {"kind": "ring"}, {"kind": "grid"}
FOLDER = {"kind": "image_folder", "path": "flowers", "side": 16}
UNIT = [[1.0, 0.0], [0.0, 1.0]]
MIXTURE = {"kind": "mixture", "means": [[0.0, 0.0], [1.0, 1.0]], "covariances": [UNIT]}
PENALTY = {"kind": "gradient_penalty", "center": 1}
AUGMENTED = {"kind": "diffaugment"}
ADAPTIVE: dict[str, Any] = AUGMENTED | {"adaptive": {}}
IMAGE_NETWORKS = ("dcgan", "resnet", "r3gan")


def judge(**changes: Any) -> dict[str, Any]:
    return {"discriminator": MLP | changes}


REFUSED: list[tuple[dict[str, Any], str, Any]] = [
    # The size of the data.
    ({"batch_size": 1798}, "batch_size", 1797),
    ({"dataset": {"kind": "digits", "validation_fraction": 0.1}, "batch_size": 1618}, "batch_size", 1617),
    # Networks.
    *(({"dataset": RING, "generator": {"kind": kind}}, "generator.kind", "mlp") for kind in IMAGE_NETWORKS),
    *(({"dataset": MIXTURE, "discriminator": {"kind": kind}}, "discriminator.kind", "mlp") for kind in IMAGE_NETWORKS),
    ({"generator": {"kind": "r3gan", "base_channels": 24}}, "generator.group_channels", 24),
    ({"discriminator": {"kind": "r3gan", "group_channels": 5}}, "discriminator.group_channels", 32),
    # Penalties.
    ({"loss": {"kind": "wasserstein"}, **judge(spectral_norm=True)}, "discriminator.spectral_norm", None),
    ({"regularizers": [{"kind": "r1"}, {"kind": "r2"}, {"kind": "r1"}]}, "regularizers.2.kind", None),
    ({"loss": {"kind": "wasserstein_gp"}, "regularizers": [{"kind": "r1"}, PENALTY]}, "regularizers.1.kind", None),
    ({"regularizers": [PENALTY], **judge(pretrain_steps=10, frozen=True)}, "regularizers", None),
    ({"loss": {"kind": "wasserstein_gp"}, **judge(pretrain_steps=10, frozen=True)}, "loss.kind", None),
    ({"regularizers": [PENALTY], **judge(normalization="batch")}, "discriminator.normalization", "none, layer"),
    ({"regularizers": [{"kind": "r1"}], "discriminator": {"kind": "dcgan"}}, "discriminator.normalization", None),
    ({"loss": {"kind": "wasserstein_gp"}, **judge(normalization="batch")}, "discriminator.normalization", None),
    # Packing.
    ({"pack": 3}, "pack", 64),
    ({"pack": 8, "batch_size": 4}, "pack", 4),
    ({"pack": 2, "conditional": {"kind": "projection"}}, "pack", 1),
    # Classes.
    ({"dataset": FOLDER, "conditional": {"kind": "acgan"}}, "conditional", None),
    ({"dataset": {"kind": "npz", "path": "a", "side": 8}, "conditional": {"kind": "acgan"}}, "conditional", None),
    (
        {"dataset": {"kind": "hugging_face", "path": "a", "side": 8}, "conditional": {"kind": "acgan"}},
        "conditional",
        None,
    ),
    ({"dataset": MIXTURE | {"means": [[0.0, 0.0]]}, "conditional": {"kind": "projection"}}, "conditional", 2),
    # Augmentation.
    ({"dataset": GRID, "augmentation": AUGMENTED}, "augmentation", None),
    ({"augmentation": AUGMENTED | {"policies": ["color", "cutout", "color"]}}, "augmentation.policies", None),
    *(
        ({"loss": {"kind": kind}, "augmentation": ADAPTIVE}, "augmentation.adaptive", None)
        for kind in ("relativistic", "wasserstein", "wasserstein_gp")
    ),
    # Pretraining.
    (judge(frozen=True), "discriminator.frozen", None),
    (judge(pretrain_after=5), "discriminator.pretrain_after", None),
    (judge(pretrain_after=50, pretrain_steps=51), "discriminator.pretrain_steps", 100),
    # Execution.
    ({"execution": "compiled", "regularizers": [{"kind": "r2"}]}, "execution", "auto, eager, cuda_graph"),
    ({"execution": "compiled", "loss": {"kind": "wasserstein_gp"}}, "execution", None),
    ({"execution": "cuda_graph", "regularizers": [{"kind": "r1", "interval": 16}]}, "execution", "auto, eager"),
    ({"execution": "cuda_graph", **judge(pretrain_steps=5)}, "execution", "auto, eager"),
    # What is stored.
    ({"steps": 1_000_000, "sample_every": 99, "checkpoint_every": 100}, "sample_every", 100),
    ({"steps": 1_000_000, "sample_every": 100, "checkpoint_every": 99}, "checkpoint_every", 100),
    ({"steps": 1_000_000, "evaluate_every": 99}, "evaluate_every", 100),
    ({"best_metric": "fid_digits_classifier"}, "best_metric", None),
    ({"best_metric": "fid", "evaluate_every": 10}, "best_metric", None),
    # Known, but neither higher nor lower is better; and a number of other data.
    ({"best_metric": "validation_gap", "evaluate_every": 10}, "best_metric", None),
    ({"best_metric": "modes_covered", "evaluate_every": 10}, "best_metric", None),
    ({"dataset": FOLDER, "best_metric": "label_agreement", "evaluate_every": 10}, "best_metric", None),
    # Data.
    ({"dataset": MIXTURE | {"weights": [1.0]}}, "dataset.weights", 2),
    ({"dataset": MIXTURE | {"weights": [1.0, 0.0]}}, "dataset.weights.1", 0),
    ({"dataset": MIXTURE | {"covariances": [UNIT] * 3}}, "dataset.covariances", 2),
    *(
        ({"dataset": MIXTURE | {"covariances": [UNIT, matrix]}}, "dataset.covariances.1", None)
        for matrix in (
            [[1.0, 2.0], [2.0, 1.0]],
            [[1.0, 1.0], [1.0, 1.0]],
            [[1.0, 0.5], [0.4, 1.0]],
            [[-1.0, 0.0], [0.0, -1.0]],
            [[0.0, 0.0], [0.0, 0.0]],
        )
    ),
    ({"dataset": MIXTURE | {"means": [[0.0, 0.0, 0.0]]}}, "dataset.means.0", 2),
    ({"dataset": MIXTURE | {"means": []}}, "dataset.means", 1),
    ({"dataset": MIXTURE | {"means": [[0.0, 0.0]] * 1025}}, "dataset.means", 1024),
    ({"dataset": {"kind": "npz", "path": "a", "side": 8, "value_range": [1.0, 1.0]}}, "dataset.value_range", None),
    ({"dataset": FOLDER | {"path": "a\x00b"}}, "dataset.path", None),
    ({"dataset": FOLDER | {"validation_fraction": 0.6}}, "dataset.validation_fraction", 0.5),
    ({"dataset": RING | {"validation_fraction": 0.1}}, "dataset.validation_fraction", ["kind"]),
    # Optimisers and schedules.
    (
        {"generator": MLP | {"optimizer": {"kind": "lion"}}},
        "generator.optimizer.kind",
        ["adam", "adamw", "rmsprop", "sgd"],
    ),
    ({"generator": MLP | {"optimizer": {"kind": "sgd", "momentum": 1.0}}}, "generator.optimizer.momentum", 1),
    (judge(optimizer={"schedule": {"kind": "step"}}), "discriminator.optimizer.schedule.kind", None),
    (
        judge(optimizer={"schedule": {"kind": "cosine", "over_steps": 0}}),
        "discriminator.optimizer.schedule.over_steps",
        1,
    ),
    (
        judge(optimizer={"schedule": {"kind": "exponential", "final_factor": 0.0}}),
        "discriminator.optimizer.schedule.final_factor",
        0,
    ),
]
