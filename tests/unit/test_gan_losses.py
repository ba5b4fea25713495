"""Every loss, and its gradient, against its paper's formula in float64 NumPy."""

import numpy as np
import pytest
import torch
from support.losses import KINDS, PLAYERS, Array, LossValue, Player, differentiated, played

from models.catalogue import LOSSES as FACTS
from worker.gan.classes import accuracy, class_loss
from worker.gan.game import Answer
from worker.gan.inputs import Batch
from worker.gan.losses import LOSSES

REAL = np.array([-30.0, -2.0, -0.1, 0.0, 0.7, 5.0, 40.0])
FAKE = np.array([-40.0, -3.0, 0.3, 0.2, 1.5, 6.0, 30.0])
COUNT = len(REAL)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def sigmoid(logits: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-logits)))


def log_sigmoid(logits: Array) -> Array:
    return np.asarray(-np.logaddexp(0, -logits))


def cross_entropy(real: Array, fake: Array) -> LossValue:
    """Goodfellow et al. 2014, equation 1: maximise E log D(x) + E log(1 - D(G(z)))."""
    value = -(log_sigmoid(real).mean() + log_sigmoid(-fake).mean())
    return LossValue(value, -(1 - sigmoid(real)) / COUNT, sigmoid(fake) / COUNT)


def saturating(real: Array, fake: Array) -> LossValue:
    """Goodfellow et al. 2014, equation 1: minimise E log(1 - D(G(z)))."""
    return LossValue(log_sigmoid(-fake).mean(), np.zeros(COUNT), -sigmoid(fake) / COUNT)


def non_saturating(real: Array, fake: Array) -> LossValue:
    """Goodfellow et al. 2014, section 3: maximise E log D(G(z))."""
    return LossValue(-log_sigmoid(fake).mean(), np.zeros(COUNT), -(1 - sigmoid(fake)) / COUNT)


def least_squares(real: Array, fake: Array) -> LossValue:
    """Mao et al. 2017, equation 9."""
    value = 0.5 * ((real - 1) ** 2).mean() + 0.5 * (fake**2).mean()
    return LossValue(value, (real - 1) / COUNT, fake / COUNT)


def least_squares_generator(real: Array, fake: Array) -> LossValue:
    """Mao et al. 2017, equation 9."""
    return LossValue(0.5 * ((fake - 1) ** 2).mean(), np.zeros(COUNT), (fake - 1) / COUNT)


def hinge(real: Array, fake: Array) -> LossValue:
    """Miyato et al. 2018, equation 16."""
    value = np.maximum(0, 1 - real).mean() + np.maximum(0, 1 + fake).mean()
    return LossValue(value, np.where(real < 1, -1, 0) / COUNT, np.where(fake > -1, 1, 0) / COUNT)


def gap(real: Array, fake: Array) -> LossValue:
    """Arjovsky et al. 2017, equation 3, its sign turned: maximise E D(x) - E D(G(z))."""
    return LossValue(fake.mean() - real.mean(), np.full(COUNT, -1 / COUNT), np.full(COUNT, 1 / COUNT))


def mean_logit(real: Array, fake: Array) -> LossValue:
    """Miyato et al. 2018, equation 17; Arjovsky et al. 2017, algorithm 1, line 10."""
    return LossValue(-fake.mean(), np.zeros(COUNT), np.full(COUNT, -1 / COUNT))


def relativistic(real: Array, fake: Array) -> LossValue:
    """Huang et al. 2024, equation 2, in pairs: maximise E f(D(x) - D(G(z))) with f(t) = -log(1 + exp(-t))."""
    value = -log_sigmoid(real - fake).mean()
    return LossValue(value, -sigmoid(fake - real) / COUNT, sigmoid(fake - real) / COUNT)


def relativistic_generator(real: Array, fake: Array) -> LossValue:
    """The same with the two swapped (Jolicoeur-Martineau 2018)."""
    value = -log_sigmoid(fake - real).mean()
    return LossValue(value, sigmoid(real - fake) / COUNT, -sigmoid(real - fake) / COUNT)


FORMULAS = {
    "saturating": (cross_entropy, saturating),
    "non_saturating": (cross_entropy, non_saturating),
    "least_squares": (least_squares, least_squares_generator),
    "hinge": (hinge, mean_logit),
    "wasserstein": (gap, mean_logit),
    "wasserstein_gp": (gap, mean_logit),
    "relativistic": (relativistic, relativistic_generator),
}


def test_every_loss_has_its_formula_here() -> None:
    assert set(FORMULAS) == set(LOSSES) == set(FACTS)


@pytest.mark.parametrize("player", PLAYERS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_loss_and_its_gradient_are_those_of_the_formula(kind: str, player: Player) -> None:
    expected = FORMULAS[kind][PLAYERS.index(player)](REAL, FAKE)
    found = differentiated(kind, player, REAL, FAKE)
    assert found.value == pytest.approx(expected.value, rel=1e-12)
    np.testing.assert_allclose(found.by_real, expected.by_real, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(found.by_fake, expected.by_fake, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("player", PLAYERS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_gradient_is_the_slope_of_the_formula(kind: str, player: Player) -> None:
    """By central differences of the formula's value, which no derivative written down enters."""
    formula = FORMULAS[kind][PLAYERS.index(player)]
    # Not so far out that a difference of the value would be lost in it, and off the hinge loss's kinks.
    real, fake = np.array([-2.0, -1.3, -0.1, 0.0, 0.7, 1.6, 5.0]), np.array([-6.0, -3.0, -1.2, 0.2, 0.3, 1.5, 2.0])
    found = differentiated(kind, player, real, fake)
    shift = 1e-5
    for index, nudge in enumerate(shift * np.eye(COUNT)):
        by_real = formula(real + nudge, fake).value - formula(real - nudge, fake).value
        by_fake = formula(real, fake + nudge).value - formula(real, fake - nudge).value
        assert found.by_real[index] == pytest.approx(by_real / (2 * shift), abs=1e-9)
        assert found.by_fake[index] == pytest.approx(by_fake / (2 * shift), abs=1e-9)


def test_the_generators_gradient_saturates_or_does_not() -> None:
    """By the fake logit it has size D(G(z)), or 1 - D(G(z)): the first vanishes where the discriminator is sure of a
    fake, and there the second is strongest."""
    logits = np.array([-20.0, -10.0, -5.0, 0.0, 5.0, 10.0, 20.0])
    vanishing = COUNT * differentiated("saturating", "generator", REAL, logits).by_fake
    standing = COUNT * differentiated("non_saturating", "generator", REAL, logits).by_fake
    np.testing.assert_allclose(vanishing, -sigmoid(logits), rtol=1e-9)
    np.testing.assert_allclose(standing, sigmoid(logits) - 1, rtol=1e-6)
    assert abs(vanishing[0]) < 1e-8
    assert abs(standing[0]) > 1 - 1e-8
    # Where the discriminator is undecided, both push by as much.
    assert vanishing[3] == standing[3] == -0.5


def test_the_relativistic_loss_compares_in_pairs() -> None:
    real, fake = torch.tensor(REAL), torch.tensor(FAKE)
    one, other = (LOSSES["relativistic"].discriminator(real, order).item() for order in (fake, fake.flip(0)))
    assert one != pytest.approx(other)
    assert [kind for kind in KINDS if FACTS[kind].paired] == ["relativistic"]


@pytest.mark.parametrize("player", PLAYERS)
@pytest.mark.parametrize("kind", KINDS)
def test_huge_logits_stay_finite(kind: str, player: Player) -> None:
    extreme = torch.tensor([-1e4, 1e4])
    assert torch.isfinite(played(kind, player, extreme, extreme.flip(0)))


def test_the_class_loss_is_the_cross_entropy_and_its_gradient() -> None:
    """Odena et al. 2017, equation 3, as a loss: -E log P(class), its derivative P, less 1 at the class."""
    scores = np.random.default_rng(8).normal(size=(6, 4)) * 5
    labels = np.array([0, 3, 3, 1, 2, 0])
    chances = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    leaf = torch.tensor(scores, requires_grad=True)
    answer = Answer(torch.zeros(6, dtype=torch.float64), leaf)
    batch = Batch(torch.zeros(6, 2), torch.tensor(labels))
    loss = class_loss(answer, batch)
    assert loss.item() == pytest.approx(-np.log(chances[np.arange(6), labels]).mean(), rel=1e-12)
    (gradient,) = torch.autograd.grad(loss, leaf)
    np.testing.assert_allclose(gradient.numpy(), (chances - np.eye(4)[labels]) / 6, rtol=1e-9, atol=1e-15)
    assert accuracy(answer, batch).item() == pytest.approx((scores.argmax(axis=1) == labels).mean())
