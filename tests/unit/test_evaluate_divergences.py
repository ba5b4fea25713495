"""The Jensen-Shannon divergence, D* and what D's loss says of it, where both densities are known."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.spatial.distance import jensenshannon
from scipy.special import expit
from scipy.stats import multivariate_normal, norm
from torch import Tensor
from torch.distributions import MultivariateNormal
from torch.nn.functional import softplus

from worker.gan.evaluate.divergences import (
    Quadrature,
    binned_jensen_shannon,
    exact_jensen_shannon,
    jensen_shannon_bound,
    midpoints,
    optimal_discriminator,
    optimal_discriminator_gap,
)
from worker.gan.evaluate.lattice import Lattice, occurrences


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def gaussian(*mean: float, deviation: float = 1.0) -> MultivariateNormal:
    """A round Gaussian in as many dimensions as there are numbers."""
    covariance = torch.eye(len(mean), dtype=torch.float64) * deviation**2
    return MultivariateNormal(torch.tensor(mean, dtype=torch.float64), covariance)


def draw(density: MultivariateNormal, count: int, seed: int) -> Tensor:
    white = torch.randn(count, len(density.mean), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    points: Tensor = density.mean + white @ density.scale_tril.T
    return points


def box(dimensions: int) -> Quadrature:
    edge = torch.full((dimensions,), 12.0, dtype=torch.float64)
    return midpoints(-edge, edge, 300)


PAIRS = [
    pytest.param(gaussian(0.0), gaussian(1.5, deviation=0.7), id="line"),
    pytest.param(gaussian(0.0, 0.0), gaussian(1.0, -1.0, deviation=1.5), id="plane"),
]


def test_the_exact_divergence_is_that_of_adaptive_quadrature() -> None:
    p, q = norm(0, 1).pdf, norm(1.5, 0.7).pdf

    def term(x: float) -> float:
        mixed = (p(x) + q(x)) / 2
        return float((p(x) * math.log(p(x) / mixed) + q(x) * math.log(q(x) / mixed)) / 2)

    expected = quad(term, -10, 10, epsabs=1e-12)[0]
    one, other = gaussian(0.0), gaussian(1.5, deviation=0.7)
    assert exact_jensen_shannon(one.log_prob, other.log_prob, box(1)) == pytest.approx(expected, abs=1e-9)


def test_it_is_0_of_equal_densities_and_log_2_of_disjoint_ones() -> None:
    one = gaussian(-5.0, 0.0, deviation=0.5)
    assert exact_jensen_shannon(one.log_prob, one.log_prob, box(2)) == pytest.approx(0, abs=1e-12)
    other = gaussian(5.0, 0.0, deviation=0.5)
    assert exact_jensen_shannon(one.log_prob, other.log_prob, box(2)) == pytest.approx(math.log(2))


@pytest.mark.parametrize(("real", "fake"), PAIRS)
def test_the_loss_of_d_bounds_the_divergence_and_meets_it_at_the_optimum(
    real: MultivariateNormal, fake: MultivariateNormal
) -> None:
    """log 2 - L_D / 2 of the summed cross-entropy, L_D in expectation over both densities."""
    grid = box(len(real.mean))
    p, q = real.log_prob(grid.points).exp(), fake.log_prob(grid.points).exp()
    exact = exact_jensen_shannon(real.log_prob, fake.log_prob, grid)

    def bound(logits: Tensor) -> float:
        loss = ((p * softplus(-logits) + q * softplus(logits)) * grid.weights).sum()
        return jensen_shannon_bound(float(loss))

    best = real.log_prob(grid.points) - fake.log_prob(grid.points)
    assert bound(best) == pytest.approx(exact, abs=1e-9)
    assert bound(torch.zeros_like(best)) == pytest.approx(0)
    others: list[Callable[[Tensor], Tensor]] = [
        lambda s: 0.5 * s,
        lambda s: 1.5 * s,
        lambda s: s + 0.3,
        lambda s: -s,
        lambda s: s.clamp(-1, 1),
    ]
    for change in others:
        assert bound(change(best)) < exact - 1e-3


@pytest.mark.parametrize(("real", "fake"), PAIRS)
def test_d_star_is_the_share_of_the_real_density(real: MultivariateNormal, fake: MultivariateNormal) -> None:
    points = draw(real, 20, seed=1)
    p = multivariate_normal(real.mean.numpy(), real.covariance_matrix.numpy()).pdf(points.numpy())
    q = multivariate_normal(fake.mean.numpy(), fake.covariance_matrix.numpy()).pdf(points.numpy())
    found = optimal_discriminator(real.log_prob(points), fake.log_prob(points))
    np.testing.assert_allclose(found.numpy(), p / (p + q), rtol=1e-9)


def test_d_star_is_sure_where_only_one_of_them_is() -> None:
    nowhere = torch.tensor([-math.inf])
    assert float(optimal_discriminator(torch.tensor([-3.0]), nowhere)) == 1
    assert float(optimal_discriminator(nowhere, torch.tensor([-3.0]))) == 0


def test_the_gap_weighs_real_and_generated_points_alike() -> None:
    real_logits, fake_logits = torch.tensor([0.0, 2.0, -1.0, 4.0]), torch.tensor([-3.0, 1.0])
    real_optimum = torch.tensor([0.5, 0.9, 0.1, 0.2], dtype=torch.float64)
    fake_optimum = torch.tensor([0.3, 0.6], dtype=torch.float64)
    real = np.abs(expit(real_logits.double().numpy()) - real_optimum.numpy()).mean()
    fake = np.abs(expit(fake_logits.double().numpy()) - fake_optimum.numpy()).mean()
    found = optimal_discriminator_gap(real_logits, fake_logits, real_optimum, fake_optimum)
    assert found == pytest.approx((real + fake) / 2, rel=1e-12)


def test_the_binned_divergence_is_that_of_histograms() -> None:
    random = np.random.default_rng(0)
    p, q = random.integers(0, 30, 500), random.integers(5, 50, 800)
    histograms = [np.bincount(cells, minlength=50) / len(cells) for cells in (p, q)]
    found = binned_jensen_shannon(torch.from_numpy(p), torch.from_numpy(q))
    assert found == pytest.approx(jensenshannon(*histograms) ** 2)
    assert binned_jensen_shannon(torch.from_numpy(p), torch.from_numpy(p + 100)) == pytest.approx(math.log(2))
    assert binned_jensen_shannon(torch.from_numpy(p), torch.from_numpy(p[::-1].copy())) == pytest.approx(0)


@pytest.mark.parametrize("shift", [0.5, 1.0, 3.0])
def test_the_binned_divergence_is_near_the_exact_one(shift: float) -> None:
    real, fake = gaussian(0.0, 0.0), gaussian(shift, 0.0)
    seen, other = draw(real, 50_000, seed=1), draw(real, 50_000, seed=2)
    lattice = Lattice.over(seen, 1.0)
    exact = exact_jensen_shannon(real.log_prob, fake.log_prob, box(2))
    bias = binned_jensen_shannon(lattice.cells(seen), lattice.cells(other))
    found = binned_jensen_shannon(lattice.cells(seen), lattice.cells(draw(fake, 50_000, seed=3)))
    assert found == pytest.approx(exact, abs=0.01)
    assert 0 < bias < 0.006


def test_the_bias_is_what_chance_makes_of_so_many_cells() -> None:
    generator = torch.Generator().manual_seed(0)
    one, other = (torch.randint(100, (20_000,), generator=generator) for _ in range(2))
    assert binned_jensen_shannon(one, other) == pytest.approx(99 / (4 * 20_000), rel=0.4)


def test_every_point_is_in_a_cell_and_those_far_out_are_in_the_frame() -> None:
    lattice = Lattice.over(torch.tensor([[0.0, 0.0], [1.0, 2.0]]), finest=0.01)
    assert lattice.counts == (100, 200)
    points = torch.tensor([[0.005, 0.005], [0.995, 0.005], [-9e30, 0.005], [0.005, 3e38], [1.0, 2.0]])
    rows, columns = [1, 100, 0, 1, 101], [1, 1, 1, 201, 201]
    assert lattice.cells(points).tolist() == [row * 202 + column for row, column in zip(rows, columns, strict=True)]


def test_points_in_a_line_have_cells_too() -> None:
    lattice = Lattice.over(torch.tensor([[0.0, 5.0], [1.0, 5.0]]), finest=0.1)
    assert len(set(lattice.cells(torch.tensor([[0.0, 5.0], [0.9, 5.0], [0.0, 6.0]])).tolist())) == 3


def test_the_mass_of_a_cell_is_exact() -> None:
    """Of a Gaussian along the axes it is a product of differences of the error function; all cells have 1."""
    mean, deviations = (0.3, -0.2), (1.0, 0.5)
    covariance = torch.tensor(deviations, dtype=torch.float64).square().diag()
    density = MultivariateNormal(torch.tensor(mean, dtype=torch.float64), covariance)
    lattice = Lattice.over(torch.tensor([[-6.0, -4.0], [6.0, 4.0]]), finest=0.5)
    every = torch.arange((lattice.counts[0] + 2) * (lattice.counts[1] + 2))
    assert float(lattice.log_masses(every, density.log_prob).exp().sum()) == pytest.approx(1, abs=1e-6)
    point = torch.tensor([[0.7, 0.4]], dtype=torch.float64)
    low = lattice.low + ((point[0] - lattice.low) / lattice.sides).floor() * lattice.sides
    edges = torch.stack([low, low + lattice.sides]).numpy()
    assert (edges[0] <= point.numpy()).all()
    assert (point.numpy() < edges[1]).all()
    expected = np.prod(np.diff(norm(mean, deviations).cdf(edges), axis=0))
    found = lattice.log_masses(lattice.cells(point), density.log_prob).exp()
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_masses_far_away_do_not_vanish() -> None:
    """Their logarithms stay apart from -inf, so that D* is known to be 0 there."""
    lattice = Lattice.over(torch.tensor([[-500.0], [500.0]]), finest=2.0)
    far = lattice.log_masses(lattice.cells(torch.tensor([[499.0]])), gaussian(0.0).log_prob)
    assert -200_000 < float(far) < -100_000


def test_occurrences_are_counted_of_each_number() -> None:
    assert occurrences(torch.tensor([3, 7, 3, 9]), torch.tensor([9, 3, 1, 3, 9, 9])).tolist() == [2, 0, 2, 3]
