"""Unconditional MLPs and DCGANs are, number for number, those that checkpoints of earlier versions hold."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import nn

from models.spec import JobSpec
from worker.gan.networks import build_discriminator, build_generator
from worker.gan.noise import Purpose, keyed_seed

SEED = 7
Layers = list[nn.Module]


def _fully_connected(sizes: Sequence[int]) -> Layers:
    layers: Layers = []
    for inputs, outputs in itertools.pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.LeakyReLU(0.2)]
    return layers[:-1]


def _transposed_convolutions(*widths: int) -> Layers:
    first, *others = widths
    layers: Layers = [nn.ConvTranspose2d(64, first, 4, bias=False), nn.BatchNorm2d(first), nn.ReLU()]
    for inputs, outputs in itertools.pairwise([first, *others]):
        layers += [nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
    return [*layers, nn.ConvTranspose2d(widths[-1], 1, 4, 2, 1)]


def _convolutions(*widths: int) -> Layers:
    layers: Layers = [nn.Conv2d(1, widths[0], 4, 2, 1), nn.LeakyReLU(0.2)]
    for inputs, outputs in itertools.pairwise(widths):
        layers += [nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2)]
    return [*layers, nn.Conv2d(widths[-1], 1, 4)]


def _by_hand(purpose: Purpose, layers: Callable[[], Layers]) -> nn.Sequential:
    """What earlier versions built: torch's own layers in order, and then DCGAN's first weights, in order."""
    torch.manual_seed(keyed_seed(SEED, 0, purpose))
    network = nn.Sequential(*layers())
    for layer in network:
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0, 0.02)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1, 0.02)
    return network


@dataclass(frozen=True)
class Case:
    """``sums`` are those of the absolute values of the first weights as version 0.2.0 drew them."""

    kind: str
    dataset: dict[str, Any]
    generator: Callable[[], Layers]
    discriminator: Callable[[], Layers]
    sums: tuple[float, float] | None = None


CASES = {
    "points": Case(
        "mlp",
        {"kind": "ring"},
        lambda: _fully_connected([64, 128, 128, 2]),
        lambda: _fully_connected([2, 128, 128, 1]),
        (1263.8577463, 867.2226386),
    ),
    "flattened digits": Case(
        "mlp",
        {"kind": "digits"},
        lambda: _fully_connected([64, 128, 128, 64]),
        lambda: _fully_connected([64, 128, 128, 1]),
        (1619.0051183, 1254.6118087),
    ),
    "digits": Case(
        "dcgan",
        {"kind": "digits"},
        lambda: _transposed_convolutions(64),
        lambda: _convolutions(64),
        (1124.5983316, 40.2720018),
    ),
    "larger images": Case(
        "dcgan",
        {"kind": "npz", "path": "images.npz", "side": 32, "channels": 1},
        lambda: _transposed_convolutions(256, 128, 64),
        lambda: _convolutions(64, 128, 256),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_plain_networks_are_those_of_earlier_checkpoints(name: str) -> None:
    case = CASES[name]
    network = {"kind": case.kind}
    spec = JobSpec.model_validate(
        {"dataset": case.dataset, "generator": network, "discriminator": network, "steps": 1, "seed": SEED}
    )
    chance = torch.random.get_rng_state()
    before = [
        _by_hand(Purpose.GENERATOR_WEIGHTS, case.generator),
        _by_hand(Purpose.DISCRIMINATOR_WEIGHTS, case.discriminator),
    ]
    torch.random.set_rng_state(chance)
    now = [build_generator(spec), build_discriminator(spec)]
    for old, new in zip(before, now, strict=True):
        state = {f"layers.{key}": value for key, value in old.state_dict().items()}
        assert list(state) == list(new.state_dict())
        assert all(torch.equal(value, new.state_dict()[key]) for key, value in state.items())
        new.load_state_dict(state)
    if case.sums is not None:
        sums = [sum(weight.detach().double().abs().sum().item() for weight in each.parameters()) for each in now]
        assert sums == pytest.approx(case.sums)
    _answer_alike(before, now, spec)


def _answer_alike(before: list[nn.Sequential], now: list[nn.Module], spec: JobSpec) -> None:
    noise, data = torch.randn(5, 64), torch.rand(5, *spec.shape)
    is_convolutional = spec.generator.kind == "dcgan"
    images = before[0](noise[:, :, None, None] if is_convolutional else noise)
    expected = images.tanh() if spec.dataset.is_image else images
    torch.testing.assert_close(now[0](noise), expected.view(5, *spec.shape))
    logits = before[1](data if is_convolutional else data.flatten(1))
    torch.testing.assert_close(now[1](data), logits.flatten())
