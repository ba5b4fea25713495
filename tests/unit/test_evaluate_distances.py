"""Distances between sets of examples, each against scipy, a closed form or a loop."""

import math

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from scipy.stats import wasserstein_distance
from torch import Tensor

from worker.gan.evaluate.classes import class_shares, classes_covered, label_agreement
from worker.gan.evaluate.distances import (
    Gaussian,
    frechet_distance,
    kernel_distance,
    project,
    random_directions,
    sliced_wasserstein,
    symmetric_root,
)
from worker.gan.evaluate.neighbours import Manifold, precision_and_recall


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def normal(count: int, features: int, seed: int, scale: float = 1.0, shift: float = 0.0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, features, generator=generator, dtype=torch.float64) * scale + shift


# --- sliced Wasserstein ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "m"), [(50, 50), (50, 80), (7, 1000), (1, 3)])
def test_the_sliced_distance_is_the_mean_over_the_directions(n: int, m: int) -> None:
    one, other = normal(n, 6, 1), normal(m, 6, 2, scale=2, shift=0.5)
    directions = random_directions(6, 20, seed=3)
    expected = np.mean([wasserstein_distance(one @ line, other @ line) for line in directions.T])
    found = sliced_wasserstein(project(one, directions), project(other, directions))
    assert found == pytest.approx(expected, rel=1e-10)


def test_a_shift_moves_the_sliced_distance_by_its_length_along_each_direction() -> None:
    images = normal(40, 12, 1).reshape(40, 3, 2, 2)
    shift = torch.arange(12.0, dtype=torch.float64).reshape(3, 2, 2)
    directions = random_directions(12, 50, seed=0)
    found = sliced_wasserstein(project(images, directions), project(images + shift, directions))
    assert found == pytest.approx(float((shift.flatten() @ directions).abs().mean()))
    assert sliced_wasserstein(project(images, directions), project(images.flip(0), directions)) == 0


def test_directions_are_of_length_1_and_a_function_of_the_seed() -> None:
    directions = random_directions(64, 128, seed=5)
    torch.testing.assert_close(directions.square().sum(dim=0), torch.ones(128, dtype=torch.float64))
    assert torch.equal(directions, random_directions(64, 128, seed=5))
    assert not torch.equal(directions, random_directions(64, 128, seed=6))


# --- kernel distance -------------------------------------------------------------------------------------------------


def test_the_kernel_distance_is_the_unbiased_estimate() -> None:
    """By loops over all pairs."""
    x, y = normal(9, 4, 1).numpy(), normal(13, 4, 2, scale=1.3, shift=0.4).numpy()

    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        return float((a @ b / 4 + 1) ** 3)

    within_x = np.mean([kernel(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j])
    within_y = np.mean([kernel(a, b) for i, a in enumerate(y) for j, b in enumerate(y) if i != j])
    across = np.mean([kernel(a, b) for a in x for b in y])
    found = kernel_distance(torch.from_numpy(x), torch.from_numpy(y))
    assert found == pytest.approx(within_x + within_y - 2 * across, rel=1e-10)


def test_the_kernel_distance_of_equal_distributions_is_0_on_average() -> None:
    """Also over more examples than are held at once. The estimate is unbiased, so that half of them are below 0."""
    distances = [kernel_distance(normal(60, 8, seed), normal(70, 8, seed + 1000)) for seed in range(60)]
    assert abs(np.mean(distances)) < 3 * np.std(distances) / math.sqrt(60)
    assert min(distances) < 0 < max(distances)
    assert abs(kernel_distance(normal(1500, 8, 1), normal(1200, 8, 2))) < 0.01


# --- Fréchet distance ------------------------------------------------------------------------------------------------


def test_the_frechet_distance_is_that_of_a_general_matrix_root() -> None:
    mixing = normal(8, 8, 3)
    one, other = normal(200, 8, 1) @ mixing, normal(300, 8, 2, scale=1.4, shift=0.3)
    (m1, c1), (m2, c2) = ((x.numpy().mean(axis=0), np.cov(x.numpy(), rowvar=False)) for x in (one, other))
    root = sqrtm(c1 @ c2)
    expected = ((m1 - m2) ** 2).sum() + np.trace(c1 + c2 - 2 * root.real)
    assert frechet_distance(Gaussian.of(one), Gaussian.of(other)) == pytest.approx(expected, rel=1e-9)


def test_the_frechet_distance_of_diagonal_gaussians_has_a_closed_form() -> None:
    means = torch.tensor([[0.0, 1.0, -2.0], [1.0, 1.0, 3.0]], dtype=torch.float64)
    deviations = torch.tensor([[1.0, 2.0, 0.0], [3.0, 0.5, 1.0]], dtype=torch.float64)
    one, other = (Gaussian(mean, torch.diag(deviation)) for mean, deviation in zip(means, deviations, strict=True))
    expected = (means[0] - means[1]).square().sum() + (deviations[0] - deviations[1]).square().sum()
    assert frechet_distance(one, other) == pytest.approx(float(expected), rel=1e-12)


def test_equal_sets_are_at_distance_0_even_where_their_covariance_is_singular() -> None:
    few = normal(10, 64, 1)
    assert frechet_distance(Gaussian.of(few), Gaussian.of(few.flip(0))) == pytest.approx(0, abs=1e-9)


def test_a_constant_is_as_far_as_its_place_and_the_others_spread() -> None:
    real, constant = normal(100, 5, 1), torch.full((50, 5), 2.0)
    expected = (real.mean(dim=0) - 2).square().sum() + real.var(dim=0).sum()
    assert frechet_distance(Gaussian.of(real), Gaussian.of(constant)) == pytest.approx(float(expected))


def test_one_feature_alone_has_a_variance() -> None:
    one, other = normal(50, 1, 1), normal(50, 1, 2, scale=3)
    expected = (one.mean() - other.mean()) ** 2 + (one.std() - other.std()) ** 2
    assert frechet_distance(Gaussian.of(one), Gaussian.of(other)) == pytest.approx(float(expected))


def test_the_symmetric_root_squares_to_the_matrix() -> None:
    factor = normal(6, 4, 1)
    matrix = factor @ factor.T  # of rank 4: rounding may make eigenvalues negative
    root = symmetric_root(matrix)
    torch.testing.assert_close(root @ root, matrix, atol=1e-12, rtol=0)
    torch.testing.assert_close(root, root.T)


# --- precision and recall --------------------------------------------------------------------------------------------


def _share_inside(balls: np.ndarray, points: np.ndarray, k: int) -> float:
    """Kynkäänniemi et al. 2019, equations 1 and 2, as loops."""
    inside = 0
    for point in points:
        for center in balls:
            others = sorted(np.linalg.norm(center - other) for other in balls)
            if np.linalg.norm(point - center) <= others[k]:
                inside += 1
                break
    return inside / len(points)


def test_precision_and_recall_are_those_of_the_loops() -> None:
    real, fake = normal(40, 3, 1), normal(40, 3, 2, scale=0.6, shift=0.7)
    found = precision_and_recall(Manifold.of(real), Manifold.of(fake))
    expected = _share_inside(real.numpy(), fake.numpy(), 3), _share_inside(fake.numpy(), real.numpy(), 3)
    assert found == pytest.approx(expected, abs=1e-12)
    assert expected[0] != expected[1]


def test_equal_sets_have_precision_and_recall_of_1() -> None:
    real = normal(100, 20, 1)
    assert precision_and_recall(Manifold.of(real), Manifold.of(real.flip(0))) == (1, 1)


def test_one_good_example_repeated_is_precise_and_recalls_next_to_nothing() -> None:
    real = normal(100, 5, 1)
    precision, recall = precision_and_recall(Manifold.of(real), Manifold.of(real[:1].expand(100, -1)))
    assert (precision, recall) == (1, 0.01)


def test_sets_apart_have_precision_and_recall_of_0() -> None:
    assert precision_and_recall(Manifold.of(normal(50, 5, 1)), Manifold.of(normal(50, 5, 2, shift=100))) == (0, 0)


def test_too_few_examples_have_no_neighbours() -> None:
    with pytest.raises(ValueError, match="3 examples have no 3 neighbours"):
        Manifold.of(normal(3, 5, 1))


# --- classes ---------------------------------------------------------------------------------------------------------


def test_a_class_is_covered_from_a_tenth_of_its_real_share_on() -> None:
    real = torch.tensor([0.5, 0.3, 0.2, 0.0], dtype=torch.float64)
    found = torch.tensor([0] * 960 + [1] * 29 + [2] * 2 + [3] * 9)
    shares = class_shares(found, 4)
    assert shares.tolist() == [0.96, 0.029, 0.002, 0.009]
    assert classes_covered(shares, real) == 1  # the second holds 2.9 % where 3 % are needed
    assert classes_covered(torch.tensor([0.95, 0.03, 0.02, 0.0], dtype=torch.float64), real) == 3


def test_labels_agree_where_they_are_found() -> None:
    assert label_agreement(torch.tensor([1, 2, 3, 3]), torch.tensor([1, 2, 0, 3])) == 0.75
