"""What theory says of the losses: levels where data cannot be told apart, best discriminators, and what their losses
then measure."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from support.losses import KINDS, PLAYERS, Array, differentiated, played

from models.catalogue import LOSSES as FACTS

COUNT = 7
REAL = np.linspace(-3, 4, COUNT)
FAKE = np.array([0.3, -2.0, 5.0, -0.4, 1.1, 0.0, 2.5])


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def sigmoid(logits: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-logits)))


# --- levels ----------------------------------------------------------------------------------------------------------

# Where real and generated data cannot be told apart: discriminator's loss, generator's, both.
LITERATURE = {
    "saturating": (1.38629, -0.69315, None),
    "non_saturating": (1.38629, 0.69315, 2.07944),
    "least_squares": (0.25, 0.125, 0.375),
    "hinge": (2.0, None, None),
    "wasserstein": (0.0, None, None),
    "wasserstein_gp": (0.0, None, None),
    "relativistic": (0.69315, 0.69315, 1.38629),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_equilibrium_values_are_those_of_the_literature(kind: str) -> None:
    facts = FACTS[kind]
    declared = (facts.discriminator_equilibrium, facts.generator_equilibrium, facts.total_loss_equilibrium)
    for value, expected in zip(declared, LITERATURE[kind], strict=True):
        assert value == (None if expected is None else pytest.approx(expected, abs=5e-6))


def undecided_levels(kind: str) -> list[float]:
    """Logits that are a best answer to data that cannot be told apart: the boundary; any at all where only differences
    mean something; any within the margins for the hinge loss."""
    if kind == "hinge":
        return [-1.0, -0.4, 0.0, 0.9, 1.0]
    boundary = FACTS[kind].logit_boundary
    return [-7.0, 0.0, 3.0] if boundary is None else [boundary]


@pytest.mark.parametrize("kind", KINDS)
def test_the_declared_equilibrium_is_what_the_functions_give(kind: str) -> None:
    facts = FACTS[kind]
    generators = []
    for level in undecided_levels(kind):
        logits = torch.full((5,), level, dtype=torch.float64)
        d_loss, g_loss = (played(kind, player, logits, logits).item() for player in PLAYERS)
        assert d_loss == pytest.approx(facts.discriminator_equilibrium, abs=1e-12)
        generators.append(g_loss)
        if facts.total_loss_equilibrium is not None:
            assert d_loss + g_loss == pytest.approx(facts.total_loss_equilibrium)
    if facts.generator_equilibrium is None:
        assert len(set(generators)) == len(generators) > 1  # no level of its own
    else:
        assert generators == pytest.approx([facts.generator_equilibrium] * len(generators))


@pytest.mark.parametrize("kind", KINDS)
def test_at_the_equilibrium_the_discriminator_has_nothing_to_gain(kind: str) -> None:
    """Each point is as often real as generated, so that its two gradients must cancel."""
    for level in undecided_levels(kind):
        if kind == "hinge" and abs(level) == 1:
            continue  # a kink
        found = differentiated(kind, "discriminator", np.full(COUNT, level), np.full(COUNT, level))
        np.testing.assert_allclose(found.by_real + found.by_fake, 0, atol=1e-15)


@pytest.mark.parametrize("level", [-1.5, 1.5])
def test_outside_the_hinge_losss_margins_an_undecided_discriminator_loses_more(level: float) -> None:
    logits = torch.full((5,), level)
    assert played("hinge", "discriminator", logits, logits).item() == pytest.approx(2.5)


def test_the_saturating_games_fake_terms_cancel_in_the_sum() -> None:
    """What is left, -E log D(x), says nothing of the generator: hence no total loss is recorded."""
    real = torch.tensor(REAL)
    for fake in (torch.tensor(FAKE), torch.tensor(FAKE) - 5, torch.zeros(COUNT, dtype=torch.float64)):
        total = sum(played("saturating", player, real, fake).item() for player in PLAYERS)
        assert total == pytest.approx(-np.log(sigmoid(REAL)).mean(), rel=1e-12)
    assert FACTS["saturating"].total_loss_equilibrium is None


@pytest.mark.parametrize("kind", KINDS)
def test_losses_of_which_only_differences_mean_something_do_not_see_a_shift(kind: str) -> None:
    original = differentiated(kind, "discriminator", REAL, FAKE)
    shifted = differentiated(kind, "discriminator", REAL + 2, FAKE + 2)
    unchanged = shifted.value == pytest.approx(original.value)
    assert unchanged == (FACTS[kind].logit_boundary is None)
    if unchanged:
        np.testing.assert_allclose(shifted.by_real, original.by_real, rtol=1e-12)
        np.testing.assert_allclose(shifted.by_fake, original.by_fake, rtol=1e-12)


def test_the_relativistic_generator_does_not_see_a_shift_either() -> None:
    original = differentiated("relativistic", "generator", REAL, FAKE)
    shifted = differentiated("relativistic", "generator", REAL - 3, FAKE - 3)
    assert shifted.value == pytest.approx(original.value)
    np.testing.assert_allclose(shifted.by_fake, original.by_fake, rtol=1e-12)


# --- best discriminators ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Gaussian:
    mean: float
    deviation: float

    def logpdf(self, points: Array) -> Array:
        standard = (points - self.mean) / self.deviation
        return np.asarray(-(standard**2) / 2 - np.log(self.deviation) - np.log(2 * np.pi) / 2)

    def pdf(self, points: Array) -> Array:
        return np.asarray(np.exp(self.logpdf(points)))

    def equally_likely(self, count: int = 100_000) -> Array:
        """Points of which each stands for as much of the density: a mean over them is an integral over it."""
        quantiles = torch.special.ndtri((torch.arange(count, dtype=torch.float64) + 0.5) / count)
        return np.asarray(self.mean + self.deviation * quantiles.numpy())


P, Q = Gaussian(0, 1), Gaussian(1, 1.5)
POINTS = np.linspace(-6, 8, 57)


def best_logit(points: Array) -> Array:
    """Of the two Gaussians: D* = p / (p + q), that is a logit of log p - log q (Goodfellow et al. 2014, proposition
    1)."""
    return np.asarray(P.logpdf(points) - Q.logpdf(points))


def test_the_best_discriminator_is_the_share_of_the_real_density() -> None:
    np.testing.assert_allclose(sigmoid(best_logit(POINTS)), P.pdf(POINTS) / (P.pdf(POINTS) + Q.pdf(POINTS)), rtol=1e-12)


BEST: dict[str, Callable[[Array], Array]] = {
    "saturating": best_logit,
    "non_saturating": best_logit,
    # Mao et al. 2017, equation 5 with a = 0 and b = 1: the logit itself is the share.
    "least_squares": lambda points: sigmoid(best_logit(points)),
}


@pytest.mark.parametrize("kind", sorted(BEST))
def test_at_the_best_discriminator_no_point_has_anything_to_gain(kind: str) -> None:
    """Each point's two gradients, weighted by how often it is real and how often generated, cancel."""
    logits = BEST[kind](POINTS)
    found = differentiated(kind, "discriminator", logits, logits)
    np.testing.assert_allclose(P.pdf(POINTS) * found.by_real + Q.pdf(POINTS) * found.by_fake, 0, atol=1e-16)
    assert FACTS[kind].logit_is_probability is (BEST[kind] is best_logit)


@pytest.mark.parametrize(
    ("kind", "expected"),
    # One point that is real three times out of four, and one that is generated as often.
    [("saturating", np.log(3)), ("non_saturating", np.log(3)), ("least_squares", 0.75), ("hinge", 1.0)],
)
def test_a_discriminator_of_two_points_is_trained_to_its_best(kind: str, expected: float) -> None:
    """And the two are on either side of the boundary that the catalogue declares."""
    often_real, often_fake = [0, 0, 0, 1], [0, 1, 1, 1]
    logits = torch.tensor([-0.3, 0.2], dtype=torch.float64, requires_grad=True)
    for step in range(1, 2001):
        loss = played(kind, "discriminator", logits[often_real], logits[often_fake])
        (gradient,) = torch.autograd.grad(loss, logits)
        with torch.no_grad():
            logits -= gradient * (1.0 if kind != "hinge" else 0.1 / step**0.5)
    boundary = FACTS[kind].logit_boundary
    assert boundary is not None
    mirrored = 2 * boundary - expected
    assert logits.tolist() == pytest.approx([expected, mirrored], abs=5e-3 if kind == "hinge" else 1e-9)


# --- what the losses then measure ------------------------------------------------------------------------------------


def discriminator_loss(kind: str, logit: Callable[[Array], Array]) -> float:
    """In expectation over the two Gaussians."""
    real, fake = (torch.tensor(logit(gaussian.equally_likely())) for gaussian in (P, Q))
    return played(kind, "discriminator", real, fake).item()


def jensen_shannon_divergence() -> float:
    """Of the two Gaussians, in nats, by its definition: half of each one's divergence from the even mixture."""
    points = np.linspace(-15, 20, 350_001)
    mixture = np.log((P.pdf(points) + Q.pdf(points)) / 2)
    integrand = sum(each.pdf(points) * (each.logpdf(points) - mixture) / 2 for each in (P, Q))
    return float(np.trapezoid(integrand, points))


def test_the_cross_entropy_of_the_best_discriminator_measures_the_jensen_shannon_divergence() -> None:
    """L = 2 ln 2 - 2 JSD (Goodfellow et al. 2014, theorem 1)."""
    divergence = jensen_shannon_divergence()
    assert 0.05 < divergence < 0.3
    assert discriminator_loss("non_saturating", best_logit) == pytest.approx(2 * np.log(2) - 2 * divergence, abs=1e-5)


@pytest.mark.parametrize(
    "other",
    [
        lambda x: best_logit(x) + 0.5,
        lambda x: 0.7 * best_logit(x),
        lambda x: best_logit(x) + np.sin(3 * x),
        lambda x: -0.4 * x,
        lambda x: np.zeros_like(x),
        lambda x: -best_logit(x),
    ],
)
def test_any_other_discriminator_understates_the_divergence(other: Callable[[Array], Array]) -> None:
    bound = np.log(2) - discriminator_loss("non_saturating", other) / 2
    assert bound < jensen_shannon_divergence() - 1e-3


def test_of_data_that_do_not_overlap_the_bound_is_ln_2_and_the_saturating_gradient_is_gone() -> None:
    """Arjovsky & Bottou 2017, theorem 2.4: a discriminator that is sure of everything."""
    sure = np.full(COUNT, 60.0)
    loss = differentiated("saturating", "discriminator", sure, -sure).value
    assert np.log(2) - loss / 2 == pytest.approx(np.log(2), abs=1e-12)
    assert np.abs(differentiated("saturating", "generator", sure, -sure).by_fake).max() < 1e-20
    np.testing.assert_allclose(differentiated("non_saturating", "generator", sure, -sure).by_fake, -1 / COUNT)


@pytest.mark.parametrize("kind", ["wasserstein", "wasserstein_gp"])
def test_a_critic_of_slope_1_measures_the_wasserstein_distance_at_most(kind: str) -> None:
    """Of two Gaussians of one width the distance is that of their means (Arjovsky et al. 2017, equation 2)."""
    points = P.equally_likely()

    def estimate(critic: Callable[[Array], Array]) -> float:
        return -played(kind, "discriminator", torch.tensor(critic(points)), torch.tensor(critic(points + 2))).item()

    assert estimate(lambda x: -x) == pytest.approx(2, abs=1e-9)
    for critic in (np.sin, np.cos, np.tanh, np.abs, lambda x: -x / 2, lambda x: x):
        assert estimate(critic) < 1.9
