"""Deep convolutional networks (Radford et al. 2016) for square images whose side is a power of two from 8 on.

From their guidelines: strided convolutions in place of pooling, batch norm (or what the spec has in its place) except
at the generator's output and the discriminator's input, ReLU in the generator with tanh at its end, leaky ReLU (0.2) in
the discriminator, weights drawn from N(0, 0.02).
"""

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from worker.gan.networks.parts import (
    SMALLEST_MAP,
    ConditionalBatchNorm,
    DiscriminatorNetwork,
    GeneratorNetwork,
    Head,
    Normalization,
    channels_by_level,
    conditional_norms,
    doublings,
    has_bias,
    map_norms,
)

NEGATIVE_SLOPE = 0.2
STANDARD_DEVIATION = 0.02
WIDEST = 16


def _widths(base_channels: int, shape: tuple[int, ...]) -> list[int]:
    """Channels of the maps, from half the image's side down to 4 x 4."""
    return channels_by_level(base_channels, doublings(shape, "dcgan"), WIDEST)


def _initialise(network: nn.Module) -> None:
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, STANDARD_DEVIATION)
        elif isinstance(module, nn.BatchNorm2d) and module.affine:
            nn.init.normal_(module.weight, 1.0, STANDARD_DEVIATION)
            nn.init.zeros_(module.bias)


class PointToMap(nn.ConvTranspose2d):
    """A transposed convolution of a map of one pixel, stride 1: a matrix product, which is faster."""

    def forward(self, point: Tensor, output_size: list[int] | None = None) -> Tensor:
        weight = self.weight  # read once: a weight under spectral norm is computed anew by each reading
        maps = (point.flatten(1) @ weight.flatten(1)).view(-1, *weight.shape[1:])
        return maps if self.bias is None else maps + self.bias[:, None, None]


class MapToPoint(nn.Conv2d):
    """A convolution whose kernel is as large as the map: a matrix product, which is faster."""

    def forward(self, input: Tensor) -> Tensor:
        return linear(input.flatten(1), self.weight.flatten(1), self.bias)[:, :, None, None]


class DcganGeneratorNetwork(GeneratorNetwork):
    """(batch, latent_dim) to (batch, channels, side, side) in [-1, 1]; with batch norm, classes have gains and biases
    of their own in place of a vector beside the noise."""

    def __init__(
        self,
        latent_dim: int,
        base_channels: int,
        shape: tuple[int, ...],
        normalization: Normalization = "batch",
        classes: int | None = None,
    ) -> None:
        # Where the class came in beside the noise, before batch norm, the spread between classes would be scaled to 1
        # in place of the noise's, and a generator learns to leave the noise alone: each class becomes one picture.
        by_norm = classes is not None and normalization == "batch"
        super().__init__(latent_dim, None if by_norm else classes)
        widths = _widths(base_channels, shape)[::-1]
        bias = has_bias(normalization)
        norms: Callable[..., list[nn.Module]] = partial(map_norms, normalization)
        if classes is not None and by_norm:
            norms = partial(conditional_norms, classes=classes)
        layers: list[nn.Module] = [
            PointToMap(self.input_size, widths[0], SMALLEST_MAP, bias=bias),
            *norms(channels=widths[0]),
            nn.ReLU(inplace=True),
        ]
        for inputs, outputs in pairwise(widths):
            layers += [
                nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, bias=bias),
                *norms(channels=outputs),
                nn.ReLU(inplace=True),
            ]
        layers += [nn.ConvTranspose2d(widths[-1], shape[0], 4, stride=2, padding=1), nn.Tanh()]
        self.layers = nn.Sequential(*layers)
        _initialise(self)

    def forward(self, noise: Tensor, labels: Tensor | None = None) -> Tensor:
        maps = self.conditioned(noise, labels)[:, :, None, None]
        for layer in self.layers:
            maps = layer(maps, labels) if isinstance(layer, ConditionalBatchNorm) else layer(maps)
        return maps


class DcganDiscriminatorNetwork(DiscriminatorNetwork):
    """(batch, channels, side, side) to logits (batch,). Its features are the last maps, flattened."""

    def __init__(
        self,
        base_channels: int,
        shape: tuple[int, ...],
        normalization: Normalization = "batch",
        head: Head | None = None,
    ) -> None:
        super().__init__()
        widths = _widths(base_channels, shape)
        layers: list[nn.Module] = [
            nn.Conv2d(shape[0], widths[0], 4, stride=2, padding=1),
            nn.LeakyReLU(NEGATIVE_SLOPE, inplace=True),
        ]
        for inputs, outputs in pairwise(widths):
            layers += [
                nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=has_bias(normalization)),
                *map_norms(normalization, outputs),
                nn.LeakyReLU(NEGATIVE_SLOPE, inplace=True),
            ]
        layers.append(MapToPoint(widths[-1], 1, SMALLEST_MAP))
        self.layers = nn.Sequential(*layers)
        self.head = head(widths[-1] * SMALLEST_MAP**2) if head is not None else None
        _initialise(self)
        if self.head is not None:
            nn.init.normal_(self.head.layer.weight, 0.0, STANDARD_DEVIATION)

    def features(self, data: Tensor) -> Tensor:
        *convolutions, _ = self.layers
        maps = data
        for layer in convolutions:
            maps = layer(maps)
        return maps.flatten(1)

    def logits(self, features: Tensor) -> Tensor:
        return torch.flatten(self.layers[-1](features), 0)
