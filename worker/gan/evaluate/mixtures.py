"""How much of a mixture of Gaussians a generator has found. In float64."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

# In standard deviations; in the plane 1 - exp(-9/2) = 98.9 % of the true data are within.
HIGH_QUALITY_RADIUS = 3.0


@dataclass(frozen=True)
class ModeCoverage:
    """How much of a mixture some points have found.

    Attributes:
        modes_covered: modes with at least one high-quality point.
        high_quality_share: share of the points that are within 3 standard deviations of the nearest mode.
        reverse_kl: KL divergence of the modes' shares among those points from the modes' weights, in nats; NaN where
            there is no such point.
    """

    modes_covered: int
    high_quality_share: float
    reverse_kl: float


def mode_coverage(distances: Tensor, weights: Tensor) -> ModeCoverage:
    """The figures of VEEGAN's and PacGAN's tables (Srivastava et al. 2017; Lin et al. 2018), customary on 2,500 points.

    Takes how many standard deviations each point is from each mode (count, modes), Mahalanobis distances where the
    Gaussians are not round, and the modes' true ``weights`` (modes,), 1 in all. The nearest mode is the one fewest
    standard deviations away.
    """
    distance, nearest = distances.min(dim=1)
    counts = torch.bincount(nearest[distance <= HIGH_QUALITY_RADIUS], minlength=len(weights))
    return ModeCoverage(
        modes_covered=int(counts.count_nonzero()),
        high_quality_share=int(counts.sum()) / len(distances),
        reverse_kl=reverse_kl(counts, weights),
    )


def reverse_kl(counts: Tensor, weights: Tensor) -> float:
    """KL(q || p) = Σ q log(q / p) in nats, with q the shares among ``counts`` (modes,) and p the true ``weights``:
    from 0, where they are the same, to log(modes), where all is in one of equally likely modes. NaN of no counts."""
    shares = counts.double() / counts.sum()
    return float((torch.xlogy(shares, shares) - shares * weights.double().log()).sum())


def mode_agreement(distances: Tensor, labels: Tensor) -> float:
    """Share of the points, ``distances`` (count, modes) from the modes, whose nearest is the one that ``labels``
    (count,) names."""
    return float((distances.argmin(dim=1) == labels).double().mean())
