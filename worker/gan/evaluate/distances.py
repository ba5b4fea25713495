"""Distances between two sets of examples, or of their features; everything is computed in float64."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

# Rows of a kernel matrix held at once, and images projected at once.
ROWS = 512


def random_directions(dimensions: int, count: int, seed: int) -> Tensor:
    """Directions (dimensions, count) of length 1, evenly over the sphere, a function of the arguments alone."""
    generator = torch.Generator().manual_seed(seed)
    directions = torch.randn(dimensions, count, generator=generator, dtype=torch.float64)
    lengths: Tensor = torch.linalg.vector_norm(directions, dim=0)
    return directions / lengths


def project(examples: Tensor, directions: Tensor) -> Tensor:
    """Coordinates (count, directions) of examples (count, *shape) along each direction. The examples are converted
    piece by piece: large images would not all fit in float64."""
    return torch.cat([piece.flatten(1).double() @ directions for piece in torch.split(examples, ROWS)])


def sliced_wasserstein(one: Tensor, other: Tensor) -> float:
    """Mean over directions of the 1-Wasserstein distance between projected examples (n, directions) and
    (m, directions), in the units of the data (Rabin et al. 2011, with exponent 1).

    In one dimension the distance is the area between the two quantile functions, which are steps: it is summed here
    over the pieces between the places k/n and k/m where either jumps, and so is exact for sets of unequal size.
    """
    n, m = len(one), len(other)
    # Multiplied by n·m, the places are whole numbers, and equal ones are found to be equal.
    places = torch.unique(torch.cat([torch.arange(1, n + 1) * m, torch.arange(1, m + 1) * n]))
    lengths = torch.diff(places, prepend=places.new_zeros(1)).double() / (n * m)
    above_one = (places - 1).div(m, rounding_mode="floor")
    above_other = (places - 1).div(n, rounding_mode="floor")
    first, second = one.double().sort(dim=0).values, other.double().sort(dim=0).values
    gaps = (first[above_one] - second[above_other]).abs()
    return float((lengths @ gaps).mean())


def kernel_distance(one: Tensor, other: Tensor) -> float:
    """The unbiased estimate of the squared maximum mean discrepancy between features (n, d) and (m, d), n and m at
    least 2, under the kernel (x·y/d + 1)³ (Bińkowski et al. 2018, the "kernel Inception distance"; Gretton et al. 2012,
    equation 3). Over all pairs, not over subsets of them. May be a little below 0 where the two are alike."""
    x, y = one.double(), other.double()
    return _mean_within(x) + _mean_within(y) - 2 * _kernel_sum(x, y) / (len(x) * len(y))


def _kernel_sum(x: Tensor, y: Tensor) -> float:
    sums = [float(_cubic(rows @ y.T, x.shape[1]).sum()) for rows in torch.split(x, ROWS)]
    return math.fsum(sums)


def _mean_within(x: Tensor) -> float:
    """Mean of the kernel over all ordered pairs of different examples."""
    diagonal = float(_cubic(x.square().sum(dim=1), x.shape[1]).sum())
    return (_kernel_sum(x, x) - diagonal) / (len(x) * (len(x) - 1))


def _cubic(products: Tensor, dimensions: int) -> Tensor:
    return (products / dimensions + 1) ** 3


@dataclass(frozen=True)
class Gaussian:
    """``mean`` (d,) and the symmetric square root (d, d) of the covariance of some features."""

    mean: Tensor
    root: Tensor

    @classmethod
    def of(cls, features: Tensor) -> Gaussian:
        """Of features (n, d), n at least 2; the covariance is the unbiased one (divisor n - 1)."""
        values = features.double()
        return cls(values.mean(dim=0), symmetric_root(torch.cov(values.T).view(values.shape[1], -1)))


def symmetric_root(matrix: Tensor) -> Tensor:
    """The positive semidefinite square root of such a matrix (d, d). Eigenvalues that rounding has made negative count
    as 0."""
    values, vectors = torch.linalg.eigh(matrix)
    root: Tensor = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    return root


def frechet_distance(one: Gaussian, other: Gaussian) -> float:
    """abs(μ₁ - μ₂)² + tr(Σ₁ + Σ₂ - 2 (Σ₁Σ₂)^½), the squared 2-Wasserstein distance of two Gaussians (Dowson & Landau
    1982; Heusel et al. 2017, equation 6).

    Σ₁Σ₂ is not symmetric, and its square root by a general routine may come out complex or not at all. But its
    eigenvalues are the squared singular values of Σ₁^½ Σ₂^½, so that the trace of the root is the sum of those: real,
    never negative, and good to the last digits even where a covariance is singular.
    """
    shared = float(torch.linalg.svdvals(one.root @ other.root).sum())
    apart = float((one.mean - other.mean).square().sum())
    return max(0.0, apart + float(one.root.square().sum() + other.root.square().sum()) - 2 * shared)
