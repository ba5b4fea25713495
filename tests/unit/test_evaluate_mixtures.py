"""Modes found, points hit and shares of modes, each against an independent computation."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import entropy
from support.engine import CPU, job
from torch import Tensor

from worker.gan.data import GaussianMixture, load
from worker.gan.evaluate.mixtures import ModeCoverage, mode_agreement, mode_coverage, reverse_kl

# Two modes that are neither round nor equally likely.
TILTED = {
    "kind": "mixture",
    "means": [[-1, 0], [4, 1]],
    "covariances": [[[0.5, 0.3], [0.3, 0.4]], [[0.02, 0], [0, 1]]],
    "weights": [1, 3],
}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def mixture(dataset: dict[str, Any]) -> GaussianMixture:
    data = load(job(dataset=dataset), CPU)
    assert isinstance(data, GaussianMixture)
    return data


def coverage(points: Any, data: GaussianMixture) -> ModeCoverage:
    return mode_coverage(data.distances(torch.as_tensor(points, dtype=torch.float64)), data.weights)


@pytest.mark.parametrize("dataset", [{"kind": "ring"}, {"kind": "grid"}, TILTED])
def test_the_true_data_are_of_high_quality_and_cover_every_mode(dataset: dict[str, Any]) -> None:
    """98.9 % of a Gaussian in the plane is within 3 standard deviations, be it round or not."""
    data = mixture(dataset)
    found = coverage(data.labelled(40_000)[0], data)
    assert found.modes_covered == len(data.modes)
    assert found.high_quality_share == pytest.approx(1 - math.exp(-4.5), abs=0.002)
    assert 0 <= found.reverse_kl < 0.001


@pytest.mark.parametrize(("kind", "modes"), [("ring", 8), ("grid", 25)])
def test_one_mode_alone_is_the_logarithm_of_their_number_from_equal_ones(kind: str, modes: int) -> None:
    data = mixture({"kind": kind})
    found = coverage(data.modes[3].expand(50, 2), data)
    assert (found.modes_covered, found.high_quality_share) == (1, 1.0)
    assert found.reverse_kl == pytest.approx(math.log(modes))


def test_a_point_counts_up_to_three_standard_deviations() -> None:
    assert coverage([[1.0299, 0.0], [1.0301, 0.0]], mixture({"kind": "ring"})).high_quality_share == 0.5
    tilted = mixture(TILTED)
    assert coverage([[4.0, 3.9]], tilted).high_quality_share == 1  # along the long side
    assert coverage([[4.5, 1.0]], tilted).high_quality_share == 0  # across


def test_points_near_no_mode_have_no_shares_of_modes() -> None:
    found = coverage(np.zeros((5, 2)), mixture({"kind": "ring"}))
    assert (found.modes_covered, found.high_quality_share) == (0, 0.0)
    assert math.isnan(found.reverse_kl)


def test_a_mode_is_covered_by_one_point_and_a_stray_one_covers_none() -> None:
    ring = mixture({"kind": "ring"})
    points = torch.cat([ring.modes[:3], torch.tensor([[0.5, 0.5], [9.0, 9.0]], dtype=torch.float64)])
    found = coverage(points, ring)
    assert (found.modes_covered, found.high_quality_share) == (3, 0.6)
    assert found.reverse_kl == pytest.approx(math.log(8 / 3))


def test_the_shares_of_modes_are_compared_with_the_true_weights() -> None:
    counts, weights = [30, 0, 70], [0.2, 0.5, 0.3]
    expected = entropy(np.array(counts) / 100, weights)
    assert reverse_kl(torch.tensor(counts), torch.tensor(weights, dtype=torch.float64)) == pytest.approx(expected)


def test_points_agree_with_labels_that_name_their_mode() -> None:
    ring = mixture({"kind": "ring"})
    points, modes = ring.labelled(500)
    assert isinstance(modes, Tensor)
    assert mode_agreement(ring.distances(points), modes) == 1
    assert mode_agreement(ring.distances(points), (modes + 1) % 8) == 0
