"""What a spec takes, at the least."""

import gc
from typing import Any

import pytest
import torch
from support.engine import DCGAN, DCGAN_JUDGE, MLP, MLP_JUDGE, job
from support.networks import TINY, players
from torch.profiler import ProfilerActivity, profile

from models.spec import JobSpec
from worker.gan.data import load
from worker.gan.loop import new_game
from worker.gan.memory import NotEnoughMemory, available_bytes, check_fits, estimate_bytes
from worker.gan.step import play_step

CPU = torch.device("cpu")
# Digits: 4 -> 16 -> 64 and 64 -> 16 -> 1, 16 examples.
GENERATOR_WEIGHTS = 4 * 16 + 16 + 16 * 64 + 64
DISCRIMINATOR_WEIGHTS = 64 * 16 + 16 + 16 + 1
INPUTS = 16 * (4 + 64)  # noise and a real batch


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def test_the_estimate_counts_what_is_kept() -> None:
    weights = GENERATOR_WEIGHTS + DISCRIMINATOR_WEIGHTS
    judged = 16 * (16 + 16)  # the hidden layer before and after its leaky ReLU
    by_discriminator = 16 * 64 + 2 * judged  # generated data, a real and a fake pass
    by_generator = 16 * (16 + 16 + 64) + judged
    expected = 3 * weights + max(by_discriminator, by_generator) + INPUTS  # Adam keeps two running means
    assert estimate_bytes(job(), CPU) == 4 * expected
    # A graph keeps the inputs of all updates.
    more = estimate_bytes(job(discriminator_steps=5), torch.device("cuda")) - estimate_bytes(job(), CPU)
    assert more == 4 * 4 * INPUTS
    # Where the networks are what is large, the larger gradient counts.
    small = estimate_bytes(job(batch_size=1), CPU)
    assert small == 4 * (3 * weights + max(GENERATOR_WEIGHTS, DISCRIMINATOR_WEIGHTS) + INPUTS // 16)


@pytest.mark.parametrize(
    ("optimizer", "copies"),
    [
        ({"kind": "adam"}, 2),
        ({"kind": "adamw"}, 2),
        ({"kind": "rmsprop"}, 1),
        ({"kind": "sgd", "momentum": 0.9}, 1),
        ({"kind": "sgd"}, 0),
    ],
)
def test_an_optimiser_keeps_as_many_numbers_of_each_weight_as_it_does(optimizer: dict[str, Any], copies: int) -> None:
    plain = {"kind": "sgd"}
    spec = job(generator=MLP | {"optimizer": optimizer}, discriminator=MLP_JUDGE | {"optimizer": plain})
    without = job(generator=MLP | {"optimizer": plain}, discriminator=MLP_JUDGE | {"optimizer": plain})
    assert estimate_bytes(spec, CPU) - estimate_bytes(without, CPU) == 4 * copies * GENERATOR_WEIGHTS


def test_more_of_anything_takes_more() -> None:
    plain = estimate_bytes(job(), CPU)
    assert estimate_bytes(job(ema_decay=0.9), CPU) == plain + 4 * GENERATOR_WEIGHTS
    assert estimate_bytes(job(batch_size=32), CPU) > plain
    assert estimate_bytes(job(generator=DCGAN, discriminator=DCGAN_JUDGE | {"base_channels": 64}), CPU) > plain
    assert estimate_bytes(job(conditional={"kind": "acgan"}), CPU) > plain
    assert estimate_bytes(job(fake_batch="reused"), CPU) > plain
    assert estimate_bytes(job(discriminator=MLP_JUDGE | {"spectral_norm": True}), CPU) > plain
    r1, r2 = {"kind": "r1"}, {"kind": "r2"}
    penalized = [estimate_bytes(job(regularizers=kinds, batch_size=256), CPU) for kinds in ([], [r1], [r1, r2])]
    assert sorted(set(penalized)) == penalized


def test_augmented_images_are_kept_beside_the_real_ones() -> None:
    wide = {"discriminator": MLP_JUDGE | {"hidden_sizes": [64]}}
    cutout = {"kind": "diffaugment", "policies": ["cutout"]}
    assert estimate_bytes(job(augmentation=cutout, **wide), CPU) - estimate_bytes(job(**wide), CPU) == 4 * 16 * 64


@pytest.mark.parametrize("kind", TINY)
def test_half_precision_takes_half_of_what_layers_give(kind: str) -> None:
    spec = players(kind, 16).model_copy(update={"batch_size": 256})
    full, half = (
        estimate_bytes(spec.model_copy(update={"precision": precision}), CPU) for precision in ("float32", "bfloat16")
    )
    assert 0.5 * full < half < 0.9 * full


# One of each kind, with everything that takes memory in one of them.
REAL: dict[str, JobSpec] = {
    "penalties": job(
        loss={"kind": "relativistic"},
        regularizers=[{"kind": "r1"}, {"kind": "r2"}, {"kind": "gradient_penalty", "center": 0}],
        discriminator={"kind": "mlp", "hidden_sizes": [64, 64]},
        batch_size=256,
    ),
    "classes": job(
        generator={"kind": "dcgan", "base_channels": 8},
        discriminator={"kind": "dcgan", "base_channels": 8, "spectral_norm": True},
        conditional={"kind": "acgan"},
        fake_batch="reused",
        batch_size=64,
    ),
    "averages": job(
        generator={"kind": "resnet", "base_channels": 8},
        discriminator={"kind": "resnet", "base_channels": 8, "normalization": "layer"},
        conditional={"kind": "projection"},
        ema_decay=0.9,
        batch_size=64,
    ),
    "packs": job(
        generator={"kind": "r3gan", "base_channels": 8, "group_channels": 4},
        discriminator={"kind": "r3gan", "base_channels": 8, "group_channels": 4},
        augmentation={"kind": "diffaugment", "adaptive": {}},
        regularizers=[{"kind": "r1"}],
        pack=4,
        batch_size=64,
    ),
}


@pytest.mark.parametrize("name", REAL)
def test_real_steps_take_the_estimate_and_not_much_more(name: str) -> None:
    spec = REAL[name]
    gc.collect()  # what others leave behind would be given back meanwhile
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        game = new_game(spec, load(spec, CPU), CPU)
        for _ in range(2):
            play_step(game)
    changes = [event for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"]
    taken = peak = 0
    for change in sorted(changes, key=lambda event: event.start_ns()):
        taken += change.nbytes()
        peak = max(peak, taken)
    assert 0.6 * peak < estimate_bytes(spec, CPU) <= peak


def test_the_largest_specs_are_estimated_without_being_built() -> None:
    wide = {"kind": "mlp", "hidden_sizes": [4096] * 16}
    huge = job(dataset={"kind": "ring"}, generator=wide, discriminator=wide, batch_size=65_536)
    assert estimate_bytes(huge, CPU) > 60 * 2**30
    for kind in ("dcgan", "resnet", "r3gan"):
        images = {"kind": "npz", "path": "images.npz", "side": 256, "label_array": "labels"}
        widest = {"kind": kind, "base_channels": 512}
        spec = job(dataset=images, generator=widest, discriminator=widest, conditional={"kind": "projection"})
        assert estimate_bytes(spec, CPU) > 2**30


def test_what_fits_is_let_through_and_what_cannot_fit_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    check_fits(job(), CPU)
    monkeypatch.setattr("worker.gan.memory.estimate_bytes", lambda *_: available_bytes(CPU) * 1000)
    with pytest.raises(NotEnoughMemory, match=r"takes at least .* GiB, and .*iB are available") as caught:
        check_fits(job(), CPU)
    assert caught.value.estimated_bytes == pytest.approx(caught.value.available_bytes * 1000, rel=0.2)
