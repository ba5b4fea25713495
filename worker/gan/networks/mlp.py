"""Fully connected networks."""

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from worker.gan.networks.parts import DiscriminatorNetwork, GeneratorNetwork, Head, Normalization, Projection, has_bias

NEGATIVE_SLOPE = 0.2


def _layers(sizes: Sequence[int], normalization: Normalization) -> nn.Sequential:
    """Linear layers of the given widths with leaky ReLU between them, each after the norm if there is one."""
    *hidden, last = pairwise(sizes)
    stack = nn.Sequential()
    for inputs, outputs in hidden:
        stack.append(nn.Linear(inputs, outputs, bias=has_bias(normalization)))
        stack.extend(_norms(normalization, outputs))
        stack.append(nn.LeakyReLU(NEGATIVE_SLOPE))
    return stack.append(nn.Linear(*last))


def _norms(normalization: Normalization, features: int) -> list[nn.Module]:
    match normalization:
        case "batch":
            return [nn.BatchNorm1d(features)]
        case "layer":
            return [nn.LayerNorm(features)]
        case "none":
            return []


class MlpGeneratorNetwork(GeneratorNetwork):
    """(batch, latent_dim) to (batch, *shape); images end in tanh, as their values lie in [-1, 1]."""

    def __init__(
        self,
        latent_dim: int,
        hidden_sizes: Sequence[int],
        shape: tuple[int, ...],
        normalization: Normalization = "none",
        classes: int | None = None,
    ) -> None:
        super().__init__(latent_dim, classes)
        self.shape = shape
        self.layers = _layers([self.input_size, *hidden_sizes, math.prod(shape)], normalization)
        self.last = nn.Tanh() if len(shape) == 3 else nn.Identity()

    def forward(self, noise: Tensor, labels: Tensor | None = None) -> Tensor:
        data = self.last(self.layers(self.conditioned(noise, labels)))
        return data.view(-1, *self.shape)  # type: ignore[no-any-return]


class MlpDiscriminatorNetwork(DiscriminatorNetwork):
    """(batch, *shape) to logits (batch,). Its features are the last hidden layer."""

    def __init__(
        self,
        hidden_sizes: Sequence[int],
        shape: tuple[int, ...],
        normalization: Normalization = "none",
        head: Head | None = None,
    ) -> None:
        super().__init__()
        self.layers = _layers([math.prod(shape), *hidden_sizes, 1], normalization)
        self.head = head(hidden_sizes[-1]) if head is not None else None
        if isinstance(self.head, Projection):
            # As torch draws the weights of a linear layer, such as the one that it adds to.
            bound = hidden_sizes[-1] ** -0.5
            nn.init.uniform_(self.head.layer.weight, -bound, bound)

    def features(self, data: Tensor) -> Tensor:
        *hidden, _ = self.layers
        values = data.flatten(1)
        for layer in hidden:
            values = layer(values)
        return values

    def logits(self, features: Tensor) -> Tensor:
        return self.layers[-1](features).squeeze(1)  # type: ignore[no-any-return]
