"""One step: who is updated, on what, in which order."""

import math

import numpy as np
import pytest
import torch
from support.engine import CPU, MLP, job
from torch import Tensor, nn

from models.catalogue import METRIC_NAMES
from worker.gan.data import load
from worker.gan.loop import new_game
from worker.gan.losses import LOSSES
from worker.gan.noise import Noise, Purpose
from worker.gan.step import Game, play_step


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def test_the_loss_is_the_mean_over_the_discriminator_steps() -> None:
    """Played by hand: three updates on three batches, their losses averaged."""
    spec = job(discriminator_steps=3, steps=1)
    game = new_game(spec, load(spec, CPU), CPU)
    by_hand = new_game(spec, load(spec, CPU), CPU)
    losses, norms = [], []
    for sub_step in range(3):
        real = by_hand.data.batch(0, sub_step)
        noise = by_hand.noise.normal((spec.batch_size, 4), Purpose.DISCRIMINATOR_NOISE, 1, sub_step)
        fake = by_hand.generator(noise).detach()
        by_hand.discriminator_optimizer.zero_grad()
        logits = by_hand.discriminator(real), by_hand.discriminator(fake)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(
            logits[0], torch.ones_like(logits[0])
        ) + torch.nn.functional.binary_cross_entropy_with_logits(logits[1], torch.zeros_like(logits[1]))
        loss.backward()
        gradients = [parameter.grad.flatten() for parameter in by_hand.discriminator.parameters()]  # type: ignore[union-attr]
        norms.append(torch.cat(gradients).norm().item())
        by_hand.discriminator_optimizer.step()
        losses.append(loss.item())
    row = dict(zip(METRIC_NAMES, play_step(game).tolist(), strict=True))
    assert row["d_loss"] == pytest.approx(np.mean(losses), rel=1e-5)
    assert row["d_grad_norm"] == pytest.approx(np.mean(norms), rel=1e-5)


def test_an_update_of_one_player_leaves_the_other_alone() -> None:
    spec = job(generator=MLP | {"optimizer": {"kind": "adam", "learning_rate": 1e-12}})
    game = new_game(spec, load(spec, CPU), CPU)
    judge = [parameter.clone() for parameter in game.discriminator.parameters()]
    maker = [parameter.clone() for parameter in game.generator.parameters()]
    play_step(game)
    assert not any(torch.equal(old, new) for old, new in zip(judge, game.discriminator.parameters(), strict=True))
    assert all(torch.allclose(old, new) for old, new in zip(maker, game.generator.parameters(), strict=True))


def test_a_reused_batch_saves_a_forward_pass_of_the_generator() -> None:
    passes = {}
    for mode in ("fresh", "reused"):
        spec = job(fake_batch=mode, discriminator_steps=2)
        game = new_game(spec, load(spec, CPU), CPU)
        calls: list[int] = []
        game.generator.register_forward_hook(lambda *_, calls=calls: calls.append(1))
        play_step(game)
        passes[mode] = len(calls)
    assert passes == {"fresh": 3, "reused": 2}


def test_the_average_follows_the_generator_by_its_decay() -> None:
    spec = job(ema_decay=0.75)
    game = new_game(spec, load(spec, CPU), CPU)
    assert game.average is not None
    expected: list[torch.Tensor] = []
    for _ in range(4):
        play_step(game)
        now = [parameter.detach().clone() for parameter in game.generator.parameters()]
        expected = [0.75 * old + 0.25 * new for old, new in zip(expected, now, strict=True)] if expected else now
    for mean, want in zip(game.average.module.parameters(), expected, strict=True):
        torch.testing.assert_close(mean, want)


class _Theta(nn.Module):
    """Dirac-GAN's generator: all of its mass at θ."""

    def __init__(self) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.ones(1, dtype=torch.float64))

    def forward(self, noise: Tensor) -> Tensor:
        return self.theta.expand(len(noise), 1)


class _Psi(nn.Module):
    """Dirac-GAN's discriminator: D(x) = ψx."""

    def __init__(self) -> None:
        super().__init__()
        self.psi = nn.Parameter(torch.ones(1, dtype=torch.float64))

    def forward(self, data: Tensor) -> Tensor:
        return (self.psi * data).squeeze(1)


class _Zeros:
    """Real data at 0."""

    shape = (1,)
    fingerprint = "zeros"

    def batch(self, step: int, sub_step: int, out: Tensor | None = None) -> Tensor:
        return torch.zeros(1, 1, dtype=torch.float64)

    def reference(self, count: int) -> Tensor:
        return torch.zeros(count, 1)


@pytest.mark.parametrize("mode", ["fresh", "reused"])
@pytest.mark.parametrize(("kind", "expected"), [("saturating", 0.9550), ("non_saturating", 0.2439)])
def test_steps_of_the_dirac_gan_take_its_known_course(kind: str, expected: float, mode: str) -> None:
    """Mescheder et al. 2018: alternating gradient descent, the discriminator first, rate 0.2, 300 steps from (1, 1);
    the distance from (0, 0) over the starting distance. A reused fake batch is the same point θ."""
    generator, discriminator = _Theta(), _Psi()
    game = Game(
        spec=job(batch_size=1, loss={"kind": kind}, fake_batch=mode),
        data=_Zeros(),
        noise=Noise(1),
        loss=LOSSES[kind],
        generator=generator,
        discriminator=discriminator,
        generator_optimizer=torch.optim.SGD(generator.parameters(), lr=0.2),
        discriminator_optimizer=torch.optim.SGD(discriminator.parameters(), lr=0.2),
        average=None,
    )
    for _ in range(300):
        play_step(game)
    distance = math.hypot(generator.theta.item(), discriminator.psi.item()) / math.sqrt(2)
    assert distance == pytest.approx(expected, abs=5e-5)
