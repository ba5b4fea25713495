"""Fully connected networks."""

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

NEGATIVE_SLOPE = 0.2


def _layers(sizes: Sequence[int]) -> nn.Sequential:
    """Linear layers of the given widths with leaky ReLU between them."""
    stack = nn.Sequential(nn.Linear(sizes[0], sizes[1]))
    for narrow, wide in pairwise(sizes[1:]):
        stack.append(nn.LeakyReLU(NEGATIVE_SLOPE))
        stack.append(nn.Linear(narrow, wide))
    return stack


class MlpGeneratorNetwork(nn.Module):
    """(batch, latent_dim) to (batch, *shape); images end in tanh, as their values lie in [-1, 1]."""

    def __init__(self, latent_dim: int, hidden_sizes: Sequence[int], shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape
        self.layers = _layers([latent_dim, *hidden_sizes, math.prod(shape)])
        self.last = nn.Tanh() if len(shape) == 3 else nn.Identity()

    def forward(self, noise: Tensor) -> Tensor:
        return self.last(self.layers(noise)).view(-1, *self.shape)  # type: ignore[no-any-return]


class MlpDiscriminatorNetwork(nn.Module):
    """(batch, *shape) to logits (batch,)."""

    def __init__(self, hidden_sizes: Sequence[int], shape: tuple[int, ...]) -> None:
        super().__init__()
        self.layers = _layers([math.prod(shape), *hidden_sizes, 1])

    def forward(self, data: Tensor) -> Tensor:
        return self.layers(data.flatten(1)).squeeze(1)  # type: ignore[no-any-return]
