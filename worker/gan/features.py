"""What generated and real data are compared by: points as they are, images as a few numbers that tell most."""

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

# An image is looked at no closer than this, and by no more than so many principal components.
SIDE = 8
COMPONENTS = 32
# Examples taken in at a time, so that large images take little memory.
PIECE = 256


class FeatureMap:
    """Features (n, d) of data (n, *shape), so scaled that the real data's root mean square distance from their mean is
    1. Images are averaged over blocks down to ``SIDE`` x ``SIDE`` and projected on the principal components of the real
    ones: no network that was trained on other images has a say."""

    def __init__(self, real: Tensor, device: torch.device) -> None:
        """``real`` (m, *shape) on any device; the features are computed on ``device``."""
        self._is_image = real.ndim == 4
        flat = torch.cat([self._flat(piece.to(device)) for piece in torch.split(real, PIECE)])
        self._mean = flat.mean(0)
        centered = flat - self._mean
        self._basis: Tensor | None = None
        if flat.shape[1] > COMPONENTS:
            # Of the covariance: fewer numbers than the data.
            vectors = torch.linalg.eigh(centered.T @ centered).eigenvectors
            self._basis = vectors[:, -COMPONENTS:]
            centered = centered @ self._basis
        spread = centered.square().sum(1).mean().sqrt()
        self._scale = torch.where(spread > 0, spread, 1)  # examples that are all alike have no unit of their own
        self.real = centered / self._scale

    def __call__(self, data: Tensor) -> Tensor:
        centered = self._flat(data) - self._mean
        if self._basis is not None:
            centered = centered @ self._basis
        return centered / self._scale

    def _flat(self, data: Tensor) -> Tensor:
        if self._is_image and data.shape[-1] > SIDE:
            data = adaptive_avg_pool2d(data, SIDE)
        return data.flatten(1)
