"""Every penalty on a network whose gradient is written out by hand: values, and gradients by the weights."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from support.engine import CPU, DCGAN, MLP, job
from torch import Tensor

from models.spec import R1, R2, GradientPenalty, JobSpec, Regularizer
from worker.gan.data import load
from worker.gan.game import Game, packed
from worker.gan.loop import new_game
from worker.gan.penalties import Judged, between, penalty, squared_gradient_norm
from worker.gan.step import play_step

Array = NDArray[np.float64]
BATCH, FEATURES, HIDDEN = 6, 3, 5
CHANCE = np.random.default_rng(11)
REAL, FAKE = CHANCE.normal(size=(2, BATCH, FEATURES))
SHARES = CHANCE.random(BATCH)
# Of the network D(x) = outer · tanh(inner x + shift): 25 numbers in one vector, for differences.
WEIGHTS = CHANCE.normal(size=HIDDEN * FEATURES + 2 * HIDDEN)

PENALTIES: dict[str, Regularizer] = {
    "r1": R1(kind="r1"),
    "r2": R2(kind="r2"),
    "gradient_penalty 0": GradientPenalty(kind="gradient_penalty", center=0),
    "gradient_penalty 1": GradientPenalty(kind="gradient_penalty", center=1),
}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def layers(weights: Array) -> tuple[Array, Array, Array]:
    inner, shift, outer = np.split(weights, [HIDDEN * FEATURES, HIDDEN * FEATURES + HIDDEN])
    return inner.reshape(HIDDEN, FEATURES), shift, outer


def squared_norms(weights: Array, points: Array) -> Array:
    """‖∇D‖² at points (n, features): ∇D(x) = innerᵀ (outer · (1 - tanh²(inner x + shift)))."""
    inner, shift, outer = layers(weights)
    slopes = outer * (1 - np.tanh(points @ inner.T + shift) ** 2)
    return np.asarray(((slopes @ inner) ** 2).sum(axis=1))


def by_hand(name: str, weights: Array) -> float:
    """Mescheder et al. 2018, equations 9 and 10; Gulrajani et al. 2017, equation 3 and algorithm 1."""
    mixed = SHARES[:, None] * REAL + (1 - SHARES[:, None]) * FAKE
    values: dict[str, Callable[[], Array]] = {
        "r1": lambda: 0.5 * squared_norms(weights, REAL),
        "r2": lambda: 0.5 * squared_norms(weights, FAKE),
        "gradient_penalty 0": lambda: squared_norms(weights, mixed),
        "gradient_penalty 1": lambda: (np.sqrt(squared_norms(weights, mixed)) - 1) ** 2,
    }
    return float(values[name]().mean())


def network(weights: Tensor, points: Tensor) -> Tensor:
    inner, shift, outer = torch.split(weights, [HIDDEN * FEATURES, HIDDEN, HIDDEN])
    logits: Tensor = torch.tanh(points @ inner.view(HIDDEN, FEATURES).T + shift) @ outer
    return logits


def judged(judge: Callable[[Tensor], Tensor], real: Array = REAL, fake: Array = FAKE) -> Judged:
    leaves = [torch.tensor(values, requires_grad=True) for values in (real, fake)]
    return Judged(leaves[0], judge(leaves[0]), leaves[1], judge(leaves[1]), judge)


def shares() -> Tensor:
    return torch.tensor(SHARES)


@pytest.mark.parametrize("name", sorted(PENALTIES))
def test_a_penalty_is_that_of_the_gradient_written_by_hand(name: str) -> None:
    weights = torch.tensor(WEIGHTS)
    found = penalty(PENALTIES[name], judged(lambda points: network(weights, points)), shares)
    assert found.item() == pytest.approx(by_hand(name, WEIGHTS), rel=1e-12)


@pytest.mark.parametrize("name", sorted(PENALTIES))
def test_its_gradient_by_the_weights_is_the_slope(name: str) -> None:
    """What the discriminator is trained by, against central differences of what is written by hand."""
    weights = torch.tensor(WEIGHTS, requires_grad=True)
    value = penalty(PENALTIES[name], judged(lambda points: network(weights, points)), shares)
    (found,) = torch.autograd.grad(value, weights)
    shift = 1e-5
    slopes = [by_hand(name, WEIGHTS + nudge) - by_hand(name, WEIGHTS - nudge) for nudge in shift * np.eye(len(WEIGHTS))]
    np.testing.assert_allclose(found.numpy(), np.array(slopes) / (2 * shift), rtol=1e-6, atol=1e-8)
    assert np.abs(found.numpy()).max() > 0.01


def test_the_norm_is_of_each_example_by_itself() -> None:
    weights = torch.tensor(WEIGHTS)
    points = torch.tensor(REAL, requires_grad=True)
    found = squared_gradient_norm(network(weights, points), points)
    np.testing.assert_allclose(found.detach().numpy(), squared_norms(WEIGHTS, REAL), rtol=1e-12)


def test_the_norm_of_an_image_is_over_all_its_pixels() -> None:
    images = torch.tensor(CHANCE.normal(size=(4, 2, 3, 3)), requires_grad=True)
    found = squared_gradient_norm((images**2).sum((1, 2, 3)), images)
    np.testing.assert_allclose(found.detach().numpy(), (4 * images.detach().numpy() ** 2).sum((1, 2, 3)), rtol=1e-12)


def test_examples_that_are_judged_together_are_one_point() -> None:
    """Two at a time, so that three logits come of six examples: the norm is of the pair's gradient."""
    weights = torch.tensor(CHANCE.normal(size=2 * FEATURES))

    def judge(points: Tensor) -> Tensor:
        return torch.sin(packed(points, 2) @ weights)

    found = judged(judge)
    of_pairs = np.cos(REAL.reshape(3, -1) @ weights.numpy()) ** 2 * (weights.numpy() ** 2).sum()
    np.testing.assert_allclose(
        squared_gradient_norm(found.real_logits, found.real).detach().numpy(), of_pairs, rtol=1e-12
    )
    # A pair has one share: it moves as one point along one line.
    mixed = between(found.real.detach(), found.fake.detach(), shares()[:3]).detach().numpy()
    twice = SHARES[:3].repeat(2)[:, None]
    np.testing.assert_allclose(mixed, twice * REAL + (1 - twice) * FAKE, rtol=1e-12)
    at_mixed = np.cos(mixed.reshape(3, -1) @ weights.numpy()) ** 2 * (weights.numpy() ** 2).sum()
    value = penalty(PENALTIES["gradient_penalty 1"], found, lambda: shares()[:3])
    assert value.item() == pytest.approx(((np.sqrt(at_mixed) - 1) ** 2).mean(), rel=1e-12)


@pytest.mark.parametrize("name", sorted(PENALTIES))
def test_a_discriminator_that_is_flat_breaks_nothing(name: str) -> None:
    """Its gradient is 0, where a norm has no derivative: the penalty's must still be finite."""
    weights = torch.zeros(len(WEIGHTS), dtype=torch.float64, requires_grad=True)
    value = penalty(PENALTIES[name], judged(lambda points: network(weights, points)), shares)
    (gradient,) = torch.autograd.grad(value, weights)
    assert value.item() == (1.0 if name == "gradient_penalty 1" else 0.0)
    assert torch.isfinite(gradient).all()


def test_points_between_take_as_much_of_the_real_data_as_their_share() -> None:
    real, fake = torch.ones(3, 1, 2, 2), torch.zeros(3, 1, 2, 2)
    found = between(real, fake, torch.tensor([0.0, 0.25, 1.0]))
    assert found.requires_grad
    assert found.detach().flatten(1).tolist() == [[0.0] * 4, [0.25] * 4, [1.0] * 4]


def test_the_discriminator_that_the_wasserstein_gradient_penalty_asks_for_costs_nothing() -> None:
    """Of slope 1 everywhere."""
    direction = torch.tensor([2.0, -1.0, 2.0], dtype=torch.float64) / 3
    found = judged(lambda points: points @ direction)
    assert penalty(PENALTIES["gradient_penalty 1"], found, shares).item() == pytest.approx(0, abs=1e-20)
    assert penalty(PENALTIES["gradient_penalty 0"], found, shares).item() == pytest.approx(1)
    assert penalty(PENALTIES["r1"], found, shares).item() == pytest.approx(0.5)


# --- in a step -------------------------------------------------------------------------------------------------------


def game_of(spec: JobSpec) -> Game:
    return new_game(spec, load(spec, CPU), CPU)


def first_row(**patch: Any) -> dict[str, float]:
    spec = job(**patch)
    return dict(zip(spec.metric_names, play_step(game_of(spec)).tolist(), strict=True))


def test_the_wasserstein_losss_own_gradient_penalty_is_the_regulariser_around_1() -> None:
    own = first_row(loss={"kind": "wasserstein_gp", "penalty_weight": 7.0})
    regularizer = {"kind": "gradient_penalty", "center": 1, "weight": 7.0}
    # Clipped to what no weight here reaches.
    assert own == first_row(loss={"kind": "wasserstein", "clip": 100.0}, regularizers=[regularizer])
    assert own["gradient_penalty"] > 0


def test_between_its_turns_a_lazy_penalty_leaves_the_step_alone() -> None:
    lazy, plain = game_of(job(regularizers=[{"kind": "r1", "interval": 3}])), game_of(job())
    for game in (lazy, plain):
        game.step = 1  # the first step, in which it is due, is behind them
        play_step(game)
    pairs = zip(lazy.discriminator.parameters(), plain.discriminator.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


@pytest.mark.parametrize("generator", [MLP, DCGAN])
@pytest.mark.parametrize("name", sorted(PENALTIES))
def test_in_bfloat16_a_penalty_is_nearly_what_it_is_in_float32(name: str, generator: dict[str, Any]) -> None:
    regularizer = PENALTIES[name].model_dump()
    column = {"r1": "r1_penalty", "r2": "r2_penalty"}.get(name, "gradient_penalty")
    full, half = (
        first_row(generator=generator, regularizers=[regularizer], precision=precision)[column]
        for precision in ("float32", "bfloat16")
    )
    assert half == pytest.approx(full, rel=0.03)
    assert half != full
