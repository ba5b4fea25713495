"""The Jensen-Shannon divergence and the discriminator that attains it (Goodfellow et al. 2014, section 4.1)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

# Of points (count, d): (count,), in nats.
LogDensity = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Quadrature:
    """The integral of f is the sum of ``weights`` (count,) times f at ``points`` (count, d)."""

    points: Tensor
    weights: Tensor


def midpoints(low: Tensor, high: Tensor, count: int) -> Quadrature:
    """The midpoint rule over a box from ``low`` (d,) to ``high`` (d,) with ``count`` points a side. For a smooth
    density that is all inside, its error falls faster than any power of the spacing."""
    sides = (high - low).double() / count
    steps = torch.arange(count, dtype=torch.float64) + 0.5
    axes = [float(start) + float(side) * steps for start, side in zip(low, sides, strict=True)]
    points = torch.cartesian_prod(*axes).reshape(-1, len(axes))
    return Quadrature(points, sides.prod().expand(len(points)))


def exact_jensen_shannon(log_density_p: LogDensity, log_density_q: LogDensity, grid: Quadrature) -> float:
    """½ KL(p || m) + ½ KL(q || m) with m = (p + q) / 2, in nats, of two densities, by quadrature (Lin 1991)."""
    p, q = log_density_p(grid.points).exp(), log_density_q(grid.points).exp()
    return float((_jensen_shannon_terms(p, q) * grid.weights).sum())


def binned_jensen_shannon(p_cells: Tensor, q_cells: Tensor) -> float:
    """The Jensen-Shannon divergence, in nats, of the shares in which two samples fall into cells; ``p_cells`` (n,) and
    ``q_cells`` (m,) say the cell of each example.

    Binning takes away: cells can tell two densities apart no better than their points do. Chance adds: to two samples
    of n from one density over K cells, about (K - 1) / (4 n). Measure the latter on two real samples.
    """
    cells, places = torch.unique(torch.cat([p_cells, q_cells]), return_inverse=True)
    of_p, of_q = places[: len(p_cells)], places[len(p_cells) :]
    p, q = (torch.bincount(part, minlength=len(cells)).double() / len(part) for part in (of_p, of_q))
    return float(_jensen_shannon_terms(p, q).sum())


def _jensen_shannon_terms(p: Tensor, q: Tensor) -> Tensor:
    mixed = (p + q) / 2
    return (torch.xlogy(p, p) + torch.xlogy(q, q)) / 2 - torch.xlogy(mixed, mixed)


def optimal_discriminator(log_p: Tensor, log_q: Tensor) -> Tensor:
    """D*(x) = p(x) / (p(x) + q(x)), the probability that x is real, from the logarithms of the real density p and the
    generated density q at x (Goodfellow et al. 2014, equation 2). Not both may be -inf."""
    return torch.sigmoid(log_p.double() - log_q.double())


def optimal_discriminator_gap(
    real_logits: Tensor, fake_logits: Tensor, real_optimum: Tensor, fake_optimum: Tensor
) -> float:
    """Mean of abs(σ(D(x)) - D*(x)) over real and generated points in equal parts: 0 for the best discriminator there
    is. Takes D's logits and D* at real points (n,) and at generated points (m,)."""
    real = (torch.sigmoid(real_logits.double()) - real_optimum).abs().mean()
    fake = (torch.sigmoid(fake_logits.double()) - fake_optimum).abs().mean()
    return float((real + fake) / 2)


def jensen_shannon_bound(discriminator_loss: float) -> float:
    """log 2 - L / 2, with L the summed binary cross-entropy of any discriminator, in expectation over data it was not
    trained on: never above the Jensen-Shannon divergence, and equal to it at D* (Goodfellow et al. 2014, theorem 1)."""
    return math.log(2) - discriminator_loss / 2
