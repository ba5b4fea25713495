"""Improved precision and recall (Kynkäänniemi et al. 2019)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

# Kynkäänniemi et al. 2019, section 3.
NEIGHBOURS = 3


@dataclass(frozen=True)
class Manifold:
    """The balls around each of ``features`` (n, d) that reach to its k-th nearest neighbour, ``radii`` (n,)."""

    features: Tensor
    radii: Tensor

    @classmethod
    def of(cls, features: Tensor, neighbours: int = NEIGHBOURS) -> Manifold:
        """Of features (n, d), in float64.

        Raises:
            ValueError: there are not more than ``neighbours`` of them.
        """
        if len(features) <= neighbours:
            raise ValueError(f"{len(features)} examples have no {neighbours} neighbours each")
        values = features.double()
        # The nearest is the example itself, at distance 0.
        radii = _distances(values, values).topk(neighbours + 1, dim=1, largest=False).values[:, -1]
        return cls(values, radii)


def _distances(one: Tensor, other: Tensor) -> Tensor:
    # By differences: with the shortcut of a matrix product, an example would not be at distance 0 of its copies.
    return torch.cdist(one, other, compute_mode="donot_use_mm_for_euclid_dist")


def precision_and_recall(real: Manifold, fake: Manifold) -> tuple[float, float]:
    """Share of the generated features that are in one of the real ones' balls, and of the real ones in the generated
    ones' (equations 1 and 2). The two are comparable only of equally many examples, as the paper takes."""
    distances = _distances(real.features, fake.features)
    precision = (distances <= real.radii[:, None]).any(dim=0).double().mean()
    recall = (distances <= fake.radii).any(dim=1).double().mean()
    return float(precision), float(recall)
