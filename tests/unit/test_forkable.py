"""What of a spec may change in a fork: all but what the checkpoint's networks are, and what has happened to them."""

from typing import Any

import pytest
from support.specs import ADAPTIVE, AUGMENTED, BASE, FOLDER, GRID, MIXTURE, MLP, RING, judge

from models.actions import NotForkable, check_forkable
from models.spec import JobSpec

STEP = 50
CLASSES = {"conditional": {"kind": "acgan"}}
HELD_OUT = {"dataset": {"kind": "digits", "validation_fraction": 0.1}}
LABELLED = FOLDER | {"labels": "folders"}


def spec(**changes: Any) -> JobSpec:
    return JobSpec.model_validate(BASE | changes)


def pretrained(after: int, steps: int, frozen: bool = False) -> dict[str, Any]:
    return judge(pretrain_after=after, pretrain_steps=steps, frozen=frozen)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"loss": {"kind": "wasserstein", "clip": 0.1}}),
        ({"regularizers": [{"kind": "r1"}]}, {"loss": {"kind": "hinge"}}),
        ({}, {"regularizers": [{"kind": "r1", "interval": 4, "schedule": {"kind": "linear"}}]}),
        ({"augmentation": AUGMENTED}, {"augmentation": ADAPTIVE}),
        ({"augmentation": ADAPTIVE}, {}),
        ({}, {"generator": MLP | {"optimizer": {"kind": "sgd", "momentum": 0.9}}}),
        ({}, judge(optimizer={"schedule": {"kind": "cosine"}})),
        (CLASSES, {"conditional": {"kind": "acgan", "weight": 0.5}}),
        ({"pack": 4}, {"pack": 4, "batch_size": 32}),
        ({"dataset": RING}, {"dataset": GRID}),
        ({"dataset": RING, **CLASSES}, {"dataset": MIXTURE | {"means": [[0.0, 0.0]] * 8}, **CLASSES}),
        # How many classes there are, only the data can tell.
        ({"dataset": LABELLED, **CLASSES}, {"dataset": LABELLED | {"path": "more"}, **CLASSES}),
        ({}, {"evaluate_every": 10, "best_metric": "sliced_wasserstein"}),
        (HELD_OUT, HELD_OUT | {"steps": 400}),
        (HELD_OUT, {"seed": 5}),
        ({}, {"ema_decay": 0.99}),
        # Pretraining that begins after the checkpoint, and that which is as it was.
        ({}, pretrained(STEP, 10)),
        (pretrained(STEP, 10), {}),
        (pretrained(STEP, 10), pretrained(STEP + 10, 40, frozen=True)),
        (pretrained(0, 10, frozen=True), pretrained(0, 10, frozen=True)),
        (pretrained(20, 80), pretrained(20, 80)),
    ],
)
def test_may_change(before: dict[str, Any], after: dict[str, Any]) -> None:
    check_forkable(spec(**before), spec(**after), STEP)


@pytest.mark.parametrize(
    ("before", "after", "field", "said"),
    [
        (HELD_OUT, HELD_OUT | {"seed": 5}, "seed", "trained on before"),
        ({}, HELD_OUT, "dataset", "trained on before"),
        ({}, {"generator": MLP | {"hidden_sizes": [9]}}, "generator", "network of the checkpoint"),
        ({}, judge(spectral_norm=True), "discriminator", "network of the checkpoint"),
        ({}, {"discriminator": {"kind": "resnet"}}, "discriminator", "network of the checkpoint"),
        ({"dataset": RING}, {}, "dataset", "shape, 2"),
        ({"dataset": FOLDER}, {"dataset": FOLDER | {"channels": 1}}, "dataset", "shape, 3 x 16 x 16"),
        ({"pack": 2}, {}, "pack", "must be 2"),
        ({}, CLASSES, "conditional", "left out"),
        (CLASSES, {}, "conditional", "of kind acgan"),
        (CLASSES, {"conditional": {"kind": "projection"}}, "conditional", "of kind acgan"),
        ({"dataset": RING, **CLASSES}, {"dataset": GRID, **CLASSES}, "dataset", "as many classes .* 8"),
        ({}, pretrained(STEP - 1, 10), "discriminator.pretrain_after", f"at least {STEP}"),
        ({}, pretrained(0, 10, frozen=True), "discriminator.pretrain_after", f"at least {STEP}"),
        (pretrained(STEP, 10), pretrained(10, 10), "discriminator.pretrain_after", f"at least {STEP}"),
        (pretrained(20, 10), {}, "discriminator.pretrain_after", "began after step 20"),
        (pretrained(20, 10), pretrained(60, 10), "discriminator.pretrain_after", "cannot change any more"),
        (pretrained(20, 10), pretrained(20, 40), "discriminator.pretrain_steps", "cannot change any more"),
        (pretrained(0, 10, frozen=True), pretrained(0, 10), "discriminator.frozen", "began after step 0"),
        ({}, {"steps": STEP}, "steps", f"more than {STEP}"),
    ],
)
def test_must_stay(before: dict[str, Any], after: dict[str, Any], field: str, said: str) -> None:
    with pytest.raises(NotForkable, match=said) as refused:
        check_forkable(spec(**before), spec(**after), STEP)
    assert refused.value.field == field
