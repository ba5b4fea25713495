"""The Dirac-GAN, whose course is known: real data at 0, generated at θ, D(x) = ψx (Mescheder et al. 2018, section 2).

From (θ, ψ) = (1, 1), rate 0.2, 300 steps of plain gradient descent; the figure is the distance from (0, 0) over the
starting distance.
"""

import math
from typing import Any

import pytest
import torch
from support.engine import job
from torch import Tensor, nn

from models.spec import Sgd
from worker.gan.game import Game
from worker.gan.losses import LOSSES
from worker.gan.noise import Noise
from worker.gan.optimizers import build_optimizer
from worker.gan.penalties import zero_centered_penalty
from worker.gan.step import play_step

RATE, STEPS = 0.2, 300
# (loss, γ of R1): simultaneous steps, alternating ones with the discriminator first.
COURSES = {
    ("saturating", 0.0): (2.0268, 0.9550),
    ("saturating", 0.1): (0.2038, 0.0491),
    ("non_saturating", 0.0): (0.4520, 0.2439),
}
GAMES = sorted(COURSES)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def slopes(kind: str, gamma: float, theta: Tensor, psi: Tensor) -> tuple[Tensor, Tensor]:
    """Of the generator's loss by θ, and of the discriminator's by ψ."""
    real = torch.zeros(1, 1, dtype=torch.float64, requires_grad=True)
    real_logits, fake_logits = (psi * real).squeeze(1), (psi * theta).view(1)
    d_loss = LOSSES[kind].discriminator(real_logits, fake_logits)
    d_loss = d_loss + gamma * zero_centered_penalty(real_logits, real)
    (by_theta,) = torch.autograd.grad(LOSSES[kind].generator(fake_logits), theta, retain_graph=True)
    (by_psi,) = torch.autograd.grad(d_loss, psi)
    return by_theta, by_psi


def distance(theta: Tensor, psi: Tensor) -> float:
    return math.hypot(theta.item(), psi.item()) / math.sqrt(2)


def simultaneous(kind: str, gamma: float) -> float:
    theta, psi = (torch.ones((), dtype=torch.float64, requires_grad=True) for _ in range(2))
    for _ in range(STEPS):
        by_theta, by_psi = slopes(kind, gamma, theta, psi)
        with torch.no_grad():
            theta -= RATE * by_theta
            psi -= RATE * by_psi
    return distance(theta, psi)


def alternating(kind: str, gamma: float) -> float:
    theta, psi = (torch.ones((), dtype=torch.float64, requires_grad=True) for _ in range(2))
    for _ in range(STEPS):
        _, by_psi = slopes(kind, gamma, theta, psi)
        with torch.no_grad():
            psi -= RATE * by_psi
        by_theta, _ = slopes(kind, gamma, theta, psi)
        with torch.no_grad():
            theta -= RATE * by_theta
    return distance(theta, psi)


@pytest.mark.parametrize(("kind", "gamma"), GAMES)
def test_simultaneous_steps_take_their_known_course(kind: str, gamma: float) -> None:
    assert simultaneous(kind, gamma) == pytest.approx(COURSES[kind, gamma][0], abs=5e-5)


@pytest.mark.parametrize(("kind", "gamma"), GAMES)
def test_alternating_steps_take_theirs(kind: str, gamma: float) -> None:
    assert alternating(kind, gamma) == pytest.approx(COURSES[kind, gamma][1], abs=5e-5)


def test_with_enough_of_r1_the_non_saturating_game_converges_either_way() -> None:
    assert simultaneous("non_saturating", 1.0) < 1e-9
    assert alternating("non_saturating", 1.0) < 1e-8


# --- by the engine's own steps ---------------------------------------------------------------------------------------


class Theta(nn.Module):
    """The generator: all of its mass at θ."""

    def __init__(self) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.ones(1, dtype=torch.float64))

    def forward(self, noise: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.theta.expand(len(noise), 1)


class Psi(nn.Module):
    """The discriminator: D(x) = ψx."""

    def __init__(self) -> None:
        super().__init__()
        self.psi = nn.Parameter(torch.ones(1, dtype=torch.float64))

    def forward(self, data: Tensor, labels: Tensor | None = None) -> Tensor:
        return (self.psi * data).squeeze(1)


class Zeros:
    """Real data at 0: as much of a data set as a step asks for."""

    shape = (1,)
    classes = ()

    def batch(self, step: int, sub_step: int) -> Tensor:
        return torch.zeros(1, 1, dtype=torch.float64)


def played(**patch: Any) -> float:
    generator, discriminator = Theta(), Psi()
    descent = Sgd(kind="sgd", learning_rate=RATE)
    spec = job(batch_size=1, **patch)
    game = Game(
        spec=spec,
        data=Zeros(),  # type: ignore[arg-type]
        noise=Noise(1),
        loss=LOSSES[spec.loss.kind],
        generator=generator,
        discriminator=discriminator,
        generator_optimizer=build_optimizer(descent, generator.parameters()),
        discriminator_optimizer=build_optimizer(descent, discriminator.parameters()),
        average=None,
        adaptive=None,
    )
    for _ in range(STEPS):
        play_step(game)
    return distance(generator.theta, discriminator.psi)


@pytest.mark.parametrize("fake_batch", ["fresh", "reused"])
@pytest.mark.parametrize(("kind", "gamma"), GAMES)
def test_the_engines_steps_take_the_alternating_course(kind: str, gamma: float, fake_batch: str) -> None:
    """A reused fake batch is the same point θ."""
    regularizers = [{"kind": "r1", "weight": gamma}] if gamma else []
    found = played(loss={"kind": kind}, regularizers=regularizers, fake_batch=fake_batch)
    assert found == pytest.approx(COURSES[kind, gamma][1], abs=5e-5)


def test_the_engines_steps_converge_with_enough_of_r1() -> None:
    assert played(loss={"kind": "non_saturating"}, regularizers=[{"kind": "r1", "weight": 1.0}]) < 1e-8


def test_r2_does_for_the_dirac_gan_what_r1_does() -> None:
    """D's slope is ψ everywhere, so that the two penalties are one (Mescheder et al. 2018, section 4.1)."""
    found = played(loss={"kind": "saturating"}, regularizers=[{"kind": "r2", "weight": 0.1}])
    assert found == pytest.approx(COURSES["saturating", 0.1][1], abs=5e-5)
