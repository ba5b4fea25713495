"""Mixtures of Gaussians: their numbers, their components and their density."""

import hashlib
import math
from typing import Any

import numpy as np
import pytest
import torch

from models.spec import JobSpec
from worker.gan.data import GaussianMixture, load
from worker.gan.data.mixtures import GRID, RING, Mixture
from worker.gan.noise import Noise

CPU = torch.device("cpu")
# One narrow and upright, one wide and leaning, one flat.
OWN: dict[str, Any] = {
    "kind": "mixture",
    "means": [[-3.0, 0.0], [2.0, 1.0], [0.0, 5.0]],
    "covariances": [[[0.01, 0.0], [0.0, 0.04]], [[1.0, 0.6], [0.6, 0.5]], [[0.25, 0.0], [0.0, 0.0001]]],
    "weights": [1.0, 6.0, 3.0],
}


def mixture(batch_size: int = 64, **dataset: Any) -> GaussianMixture:
    mlp = {"kind": "mlp", "hidden_sizes": [4]}
    base = {"generator": mlp, "discriminator": mlp, "steps": 1, "seed": 7, "batch_size": batch_size}
    data = load(JobSpec.model_validate(base | {"dataset": OWN | dataset}), CPU)
    assert isinstance(data, GaussianMixture)
    return data


def of_kind(kind: str, batch_size: int = 64) -> GaussianMixture:
    return Mixture({"ring": RING, "grid": GRID}[kind], batch_size, Noise(7))


@pytest.mark.parametrize(
    ("kind", "points", "fingerprint"),
    [("ring", "12244736e1884712", "97715e18046f5712"), ("grid", "e289ad46387e13b9", "42212371e70fc9fe")],
)
def test_the_points_of_a_seed_are_what_they_have_always_been(kind: str, points: str, fingerprint: str) -> None:
    data = of_kind(kind)
    digest = hashlib.sha256()
    for step in (0, 1, 14, 29, 1000):
        for sub_step in (0, 1):
            digest.update(data.batch(step, sub_step).numpy().tobytes())
    assert digest.hexdigest()[:16] == points
    assert data.fingerprint[:16] == fingerprint


def test_components_of_ones_own_have_their_shares_means_and_covariances() -> None:
    data = mixture(batch_size=60_000)
    points, labels = data.batch(5, 0).double(), data.labels(5, 0)
    assert (points.shape, labels.shape, labels.dtype) == ((60_000, 2), (60_000,), torch.int64)
    shares = torch.bincount(labels, minlength=3) / 60_000
    torch.testing.assert_close(shares, torch.tensor([0.1, 0.6, 0.3]), atol=0.01, rtol=0)
    torch.testing.assert_close(data.class_shares(), torch.tensor([0.1, 0.6, 0.3]))
    for number in range(3):
        chosen = points[labels == number]
        wanted = torch.tensor(OWN["covariances"][number], dtype=torch.float64)
        errors = (torch.cov(chosen.T) - wanted) / wanted.diagonal().max().sqrt() / wanted.diagonal().sqrt()
        assert errors.abs().max() < 0.05
        assert ((chosen.mean(0) - torch.tensor(OWN["means"][number])) / wanted.diagonal().sqrt()).abs().max() < 0.05


@pytest.mark.parametrize("kind", ["ring", "grid", "mixture"])
def test_labels_are_the_components_of_the_same_points(kind: str) -> None:
    data = mixture(512) if kind == "mixture" else of_kind(kind, 512)
    for step, sub_step in ((0, 0), (3, 1)):
        points, labels = data.batch(step, sub_step), data.labels(step, sub_step)
        own = data.distances(points).gather(1, labels[:, None])
        # P(further than 5 standard deviations) is 4e-6 in the plane.
        assert own.max() < 5
        assert len(labels.unique()) == len(data.classes)
    assert not torch.equal(data.labels(0, 0), data.labels(0, 1))
    real, classes = data.labelled(300)
    assert classes is not None
    assert data.distances(real).gather(1, classes[:, None]).max() < 5


def test_one_covariance_serves_all_and_weights_are_alike_by_default() -> None:
    data = mixture(covariances=[[[0.01, 0.0], [0.0, 0.01]]], weights=None)
    assert data.covariances.shape == (3, 2, 2)
    torch.testing.assert_close(data.class_shares(), torch.full((3,), 1 / 3))
    torch.testing.assert_close(data.standard_deviations, torch.full((3,), 0.1, dtype=torch.float64))


@pytest.mark.parametrize("kind", ["ring", "grid", "mixture"])
def test_the_density_is_that_of_the_formula(kind: str) -> None:
    data = mixture() if kind == "mixture" else of_kind(kind)
    points = data.modes.repeat(3, 1) + torch.linspace(-0.3, 0.3, 3 * len(data.modes), dtype=torch.float64)[:, None]
    wanted = np.zeros(len(points))
    for mean, covariance, weight in zip(
        data.modes.numpy(), data.covariances.numpy(), data.weights.numpy(), strict=True
    ):
        offsets = points.numpy() - mean
        exponents = -0.5 * np.einsum("ni,ij,nj->n", offsets, np.linalg.inv(covariance), offsets)
        wanted += weight * np.exp(exponents) / (2 * math.pi * math.sqrt(np.linalg.det(covariance)))
    found = data.log_density(points)
    assert found.dtype == torch.float64
    seen = wanted > 1e-250  # below, the formula itself has no digits left
    assert seen.sum() > len(points) / 3
    np.testing.assert_allclose(found.numpy()[seen], np.log(wanted[seen]), rtol=1e-9)


def test_the_density_adds_up_to_one() -> None:
    data = mixture(covariances=[[[0.3, 0.1], [0.1, 0.2]]])
    axis = torch.arange(-10, 12, 0.1, dtype=torch.float64)
    points = torch.cartesian_prod(axis, axis)
    assert float(data.log_density(points).exp().sum() * 0.1**2) == pytest.approx(1, abs=1e-6)


def test_far_away_the_density_is_small_but_known() -> None:
    found = of_kind("ring").log_density(torch.tensor([[1e6, 0.0]]))
    # The nearest mode is (1, 0): -(distance / 0.01)² / 2 and the height of one of eight Gaussians.
    height = -math.log(8) - math.log(2 * math.pi * 0.01**2)
    assert float(found) == pytest.approx(height - ((1e6 - 1) / 0.01) ** 2 / 2, rel=1e-12)


def test_batches_are_functions_of_their_keys() -> None:
    data, other = mixture(), mixture()
    other.batch(9, 0)
    other.labelled(10)
    assert torch.equal(data.batch(3, 1), other.batch(3, 1))
    assert torch.equal(data.labels(3, 1), other.labels(3, 1))
    assert not torch.equal(data.batch(3, 1), data.batch(4, 1))
    assert not torch.equal(data.batch(3, 1), mixture(means=[[0.0, 0.0], [2.0, 1.0], [0.0, 5.0]]).batch(3, 1))


def test_another_mixture_is_other_data() -> None:
    prints = {
        mixture().fingerprint,
        mixture(weights=[1.0, 6.0, 3.1]).fingerprint,
        mixture(covariances=[[[0.01, 0.0], [0.0, 0.01]]]).fingerprint,
    }
    assert len(prints) == 3
    assert mixture().fingerprint == mixture().fingerprint


def test_points_to_look_at_are_not_those_of_training() -> None:
    data = mixture()
    assert data.held_out(10) is None
    assert (data.size, data.problems) == (None, ())
    assert torch.equal(data.reference(20), data.reference(20))
    assert not torch.equal(data.reference(20), data.labelled(20)[0])
    assert torch.equal(data.labelled(20)[0], mixture().labelled(20)[0])
