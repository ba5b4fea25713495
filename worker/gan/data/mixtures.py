"""Mixtures of Gaussians with known modes: data without end, drawn afresh for every batch."""

import hashlib
import math
from dataclasses import dataclass

import torch
from torch import Tensor

from models.spec import Mixture as MixtureSpec
from worker.gan.data.problems import Problem
from worker.gan.noise import Noise, Purpose

# Points of which the density is computed at a time: as many numbers for each as there are modes.
PIECE = 4096


@dataclass(frozen=True)
class MixtureParameters:
    """Equally likely modes (x, y) and the standard deviation around each, in both directions."""

    modes: tuple[tuple[float, float], ...]
    standard_deviation: float


# Metz et al. 2017 and Srivastava et al. 2017 (VEEGAN); scale as in GANs' usual tables.
RING = MixtureParameters(
    tuple((math.cos(2 * math.pi * k / 8), math.sin(2 * math.pi * k / 8)) for k in range(8)), standard_deviation=0.01
)
GRID = MixtureParameters(
    tuple((float(x), float(y)) for x in range(-4, 5, 2) for y in range(-4, 5, 2)), standard_deviation=0.05
)


class GaussianMixture:
    """Points of Gaussians in the plane, functions of (step, sub_step); a point's class is the Gaussian it comes from.

    Attributes:
        modes: their means (classes, 2), float64 on the CPU, as all of these are.
        covariances: (classes, 2, 2).
        weights: how likely each is (classes,), 1 in all.
        standard_deviations: of each in the direction where it is widest (classes,).
    """

    shape = (2,)
    size: int | None = None
    problems: tuple[Problem, ...] = ()

    def __init__(
        self, fingerprint: str, means: Tensor, covariances: Tensor, weights: Tensor, batch_size: int, noise: Noise
    ) -> None:
        self.fingerprint = fingerprint
        self.modes = means
        self.covariances = covariances
        self.weights = weights / weights.sum()
        self.standard_deviations = torch.linalg.eigvalsh(covariances)[:, -1].sqrt()
        self.classes = tuple(map(str, range(len(means))))
        self._factors = torch.linalg.cholesky(covariances)
        self._batch_size = batch_size
        self._noise = noise
        self._means_there = means.to(torch.float32).to(noise.device)
        self._factors_there = self._factors.to(torch.float32).to(noise.device)
        self._shares = self.weights.to(torch.float32).to(noise.device)
        self._borders = self.weights.cumsum(0).to(noise.device)

    def batch(self, step: int, sub_step: int) -> Tensor:
        generator = self._noise.generator(Purpose.REAL_POINTS, step, sub_step)
        return self._around(self._components(self._batch_size, generator), generator)

    def labels(self, step: int, sub_step: int) -> Tensor:
        return self._components(self._batch_size, self._noise.generator(Purpose.REAL_POINTS, step, sub_step))

    def class_shares(self) -> Tensor:
        return self._shares

    def reference(self, count: int) -> Tensor:
        return self._draw_beside(count, Purpose.REFERENCE_POINTS)[0]

    def labelled(self, count: int) -> tuple[Tensor, Tensor | None]:
        return self._draw_beside(count, Purpose.EVALUATION_REAL)

    def held_out(self, count: int) -> tuple[Tensor, Tensor | None] | None:
        return None

    def distances(self, points: Tensor) -> Tensor:
        """How far points (n, 2) are from each mode (n, classes), in standard deviations of that direction (the distance
        of Mahalanobis); float64 on the CPU."""
        offsets = points.cpu().to(torch.float64)[:, None, :, None] - self.modes[:, :, None]
        scaled: Tensor = torch.linalg.solve_triangular(self._factors, offsets, upper=False)
        return scaled.squeeze(-1).square().sum(-1).sqrt()

    def log_density(self, points: Tensor) -> Tensor:
        """Logarithm of the density at points (n, 2), exact up to rounding: (n,) float64 on the CPU."""
        heights = self.weights.log() - math.log(2 * math.pi) - self._factors.diagonal(dim1=1, dim2=2).log().sum(1)
        starts = range(0, len(points), PIECE)
        exponents = (heights - self.distances(points[start : start + PIECE]).square() / 2 for start in starts)
        return torch.cat([piece.logsumexp(1) for piece in exponents])

    def _draw_beside(self, count: int, purpose: Purpose) -> tuple[Tensor, Tensor]:
        # Pictures are drawn on another thread: a generator of their own, not the one that training draws from.
        generator = Noise(self._noise.seed, self._noise.stream, self._noise.device).generator(purpose)
        components = self._components(count, generator)
        return self._around(components, generator).cpu(), components.cpu()

    def _components(self, count: int, generator: torch.Generator) -> Tensor:
        """The Gaussians that points are drawn from."""
        chance = torch.rand(count, generator=generator, device=self._noise.device, dtype=torch.float64)
        return torch.bucketize(chance, self._borders, right=True).clamp(max=len(self.modes) - 1)

    def _around(self, components: Tensor, generator: torch.Generator) -> Tensor:
        """A point of each: its mean, and standard normal numbers times the Cholesky factor of its covariance."""
        normal = torch.randn(len(components), 2, generator=generator, device=self._noise.device)
        offsets = (self._factors_there[components] * normal[:, None, :]).sum(2)
        return torch.add(self._means_there[components], offsets)


class Mixture(GaussianMixture):
    """Round Gaussians that are all alike."""

    def __init__(self, parameters: MixtureParameters, batch_size: int, noise: Noise) -> None:
        self.parameters = parameters
        means = torch.tensor(parameters.modes, dtype=torch.float64)
        covariances = (parameters.standard_deviation**2 * torch.eye(2, dtype=torch.float64)).repeat(len(means), 1, 1)
        fingerprint = hashlib.sha256(repr(parameters).encode()).hexdigest()
        weights = torch.ones(len(means), dtype=torch.float64)
        super().__init__(fingerprint, means, covariances, weights, batch_size, noise)

    def _components(self, count: int, generator: torch.Generator) -> Tensor:
        return torch.randint(len(self.modes), (count,), generator=generator, device=self._noise.device)

    def _around(self, components: Tensor, generator: torch.Generator) -> Tensor:
        offsets = torch.randn(len(components), 2, generator=generator, device=self._noise.device)
        spread = self.parameters.standard_deviation
        return torch.add(self._means_there[components], offsets, alpha=spread)


def own_mixture(spec: MixtureSpec, batch_size: int, noise: Noise) -> GaussianMixture:
    """The mixture that a spec describes."""
    count = len(spec.means)
    given = (spec.means, spec.covariances, spec.weights)
    covariances = torch.tensor(spec.covariances, dtype=torch.float64).expand(count, 2, 2)
    return GaussianMixture(
        hashlib.sha256(repr(given).encode()).hexdigest(),
        torch.tensor(spec.means, dtype=torch.float64),
        covariances,
        torch.tensor(spec.weights or [1.0] * count, dtype=torch.float64),
        batch_size,
        noise,
    )
