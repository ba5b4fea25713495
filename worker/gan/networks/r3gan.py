"""R3GAN's networks (Huang et al. 2024, section 4, and the authors' code): residual networks without any norm, for
square images whose side is a power of two from 8 on.

Blocks are inverted bottlenecks around a grouped convolution, as ResNeXt's. They begin as the identity, and their other
weights small enough for any number of blocks (fix-up initialisation, Zhang et al. 2019). Neither network has a bias but
those right before an activation, and the generator's output is not bounded.
"""

import math
from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d, leaky_relu

from models.spec.networks import R3gan
from worker.gan.networks.parts import (
    SMALLEST_MAP,
    DiscriminatorNetwork,
    GeneratorNetwork,
    Head,
    Projection,
    channels_by_level,
    doublings,
)

WIDEST = 8
NEGATIVE_SLOPE = 0.2
# Keeps the mean square of what passes a leaky ReLU (He et al. 2015, eq. 15).
ACTIVATION_GAIN = math.sqrt(2 / (1 + NEGATIVE_SLOPE**2))
LAYERS_OF_A_BLOCK = 3
# Along one axis, the shares that pixels of twice the side have in each other: bilinear interpolation.
BILINEAR = (0.25, 0.75, 0.75, 0.25)


def _draw(layer: nn.Conv2d | nn.Linear, gain: float = 1.0) -> None:
    """Weights from N(0, gain² / inputs of each output), biases at 0."""
    nn.init.normal_(layer.weight, 0.0, gain * layer.weight[0].numel() ** -0.5)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def _pointwise(inputs: int, outputs: int) -> nn.Conv2d:
    layer = nn.Conv2d(inputs, outputs, 1, bias=False)
    _draw(layer)
    return layer


class ResidualBlock(nn.Module):
    """x + 1 x 1 convolution, leaky ReLU, grouped 3 x 3, leaky ReLU, 1 x 1: ``expansion`` times wider in the middle.

    Among ``blocks`` of a network, the first two begin with the gain of fix-up and the last as zeros. Under spectral
    norm, which has no direction to keep of a weight that is zero, the last one is drawn as the first two are.
    """

    def __init__(self, channels: int, network: R3gan, blocks: int) -> None:
        super().__init__()
        wide = channels * network.expansion
        self.conv1 = nn.Conv2d(channels, wide, 1)
        self.conv2 = nn.Conv2d(wide, wide, 3, padding=1, groups=wide // network.group_channels)
        self.conv3 = nn.Conv2d(wide, channels, 1, bias=False)
        gain = ACTIVATION_GAIN * blocks ** (-1 / (2 * LAYERS_OF_A_BLOCK - 2))
        _draw(self.conv1, gain)
        _draw(self.conv2, gain)
        _draw(self.conv3, gain if network.spectral_norm else 0.0)

    def forward(self, maps: Tensor) -> Tensor:
        branch = leaky_relu(self.conv1(maps), NEGATIVE_SLOPE)
        branch = leaky_relu(self.conv2(branch), NEGATIVE_SLOPE)
        return maps + self.conv3(branch)  # type: ignore[no-any-return]


class _Resampling(nn.Module):
    kernel: Tensor

    def __init__(self, inputs: int, outputs: int, scale: float) -> None:
        super().__init__()
        self.change = _pointwise(inputs, outputs) if inputs != outputs else nn.Identity()
        shares = torch.tensor(BILINEAR)
        self.register_buffer("kernel", (scale * torch.outer(shares, shares))[None, None], persistent=False)

    def _of_each_channel(self, maps: Tensor) -> Tensor:
        return self.kernel.expand(maps.shape[1], -1, -1, -1)


class Upsampling(_Resampling):
    """A 1 x 1 convolution where the channels change, then twice the side by bilinear interpolation, beyond the border
    zeros."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, scale=1)

    def forward(self, maps: Tensor) -> Tensor:
        maps = self.change(maps)
        return conv_transpose2d(maps, self._of_each_channel(maps), stride=2, padding=1, groups=maps.shape[1])


class Downsampling(_Resampling):
    """Half the side by the same weights, then a 1 x 1 convolution where the channels change."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, scale=1 / 4)

    def forward(self, maps: Tensor) -> Tensor:
        maps = conv2d(maps, self._of_each_channel(maps), stride=2, padding=1, groups=maps.shape[1])
        return self.change(maps)  # type: ignore[no-any-return]


class Basis(nn.Module):
    """(batch, inputs) to maps (batch, channels, 4, 4): one learned map for each channel, times a linear function of the
    input."""

    def __init__(self, inputs: int, channels: int) -> None:
        super().__init__()
        self.maps = nn.Parameter(torch.empty(channels, SMALLEST_MAP, SMALLEST_MAP))
        nn.init.normal_(self.maps)
        self.linear = nn.Linear(inputs, channels, bias=False)
        _draw(self.linear)

    def forward(self, point: Tensor) -> Tensor:
        return self.maps * self.linear(point)[:, :, None, None]  # type: ignore[no-any-return]


def _widths(network: R3gan, shape: tuple[int, ...]) -> list[int]:
    """Channels at each resolution, from the image's side down to 4 x 4."""
    return channels_by_level(network.base_channels, doublings(shape, "r3gan") + 1, WIDEST)


def _blocks(channels: int, network: R3gan, stages: int) -> Iterator[ResidualBlock]:
    """Those of one of so many resolutions."""
    for _ in range(network.blocks_per_stage):
        yield ResidualBlock(channels, network, stages * network.blocks_per_stage)


class R3ganGeneratorNetwork(GeneratorNetwork):
    """(batch, latent_dim) to (batch, channels, side, side), not bounded."""

    def __init__(self, latent_dim: int, network: R3gan, shape: tuple[int, ...], classes: int | None = None) -> None:
        super().__init__(latent_dim, classes)
        if self.embedding is not None:
            # Theirs is a linear layer of the class's one-hot code.
            nn.init.normal_(self.embedding.weight, 0.0, self.embedding.num_embeddings**-0.5)
        widths = _widths(network, shape)[::-1]
        layers: list[nn.Module] = [Basis(self.input_size, widths[0]), *_blocks(widths[0], network, len(widths))]
        for inputs, outputs in pairwise(widths):
            layers += [Upsampling(inputs, outputs), *_blocks(outputs, network, len(widths))]
        self.layers = nn.Sequential(*layers, _pointwise(widths[-1], shape[0]))

    def forward(self, noise: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.layers(self.conditioned(noise, labels))  # type: ignore[no-any-return]


class R3ganDiscriminatorNetwork(DiscriminatorNetwork):
    """(batch, channels, side, side) to logits (batch,). Its features are the last maps, each weighted by a learned one
    and summed."""

    def __init__(self, network: R3gan, shape: tuple[int, ...], head: Head | None = None) -> None:
        super().__init__()
        widths = _widths(network, shape)
        layers: list[nn.Module] = [_pointwise(shape[0], widths[0])]
        for inputs, outputs in pairwise(widths):
            layers += [*_blocks(inputs, network, len(widths)), Downsampling(inputs, outputs)]
        width = widths[-1]
        basis = nn.Conv2d(width, width, SMALLEST_MAP, groups=width, bias=False)
        self.layers = nn.Sequential(*layers, *_blocks(width, network, len(widths)), basis)
        self.last = nn.Linear(width, 1, bias=False)
        self.head = head(width) if head is not None else None
        _draw(basis)
        _draw(self.last)
        if isinstance(self.head, Projection):
            nn.init.normal_(self.head.layer.weight, 0.0, self.head.layer.weight.numel() ** -0.5)
        elif self.head is not None:
            _draw(self.head.layer)

    def features(self, data: Tensor) -> Tensor:
        return self.layers(data).flatten(1)  # type: ignore[no-any-return]

    def logits(self, features: Tensor) -> Tensor:
        return self.last(features).squeeze(1)  # type: ignore[no-any-return]
