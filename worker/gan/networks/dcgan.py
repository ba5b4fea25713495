"""Deep convolutional networks (Radford et al. 2016) for square images whose side is a power of two from 8 on.

From their guidelines: strided convolutions in place of pooling, batch norm except at the generator's output and the
discriminator's input, ReLU in the generator with tanh at its end, leaky ReLU (0.2) in the discriminator, weights drawn
from N(0, 0.02).
"""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

NEGATIVE_SLOPE = 0.2
SMALLEST_MAP = 4


def _doublings(shape: tuple[int, ...]) -> int:
    """How often 4 must double to give the image's side.

    Raises:
        ValueError: the image is not square, or its side is no power of two from 8 on.
    """
    _, height, width = shape
    doublings = round(math.log2(height / SMALLEST_MAP))
    if height != width or doublings < 1 or SMALLEST_MAP << doublings != height:
        raise ValueError(f"dcgan needs square images whose side is a power of two from 8 on, not {height} x {width}")
    return doublings


def _initialise(network: nn.Module) -> None:
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, 0.02)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02)
            nn.init.zeros_(module.bias)


class PointToMap(nn.ConvTranspose2d):
    """A transposed convolution of a map of one pixel, stride 1, no bias: a matrix product, which is faster."""

    def forward(self, point: Tensor, output_size: list[int] | None = None) -> Tensor:
        return (point.flatten(1) @ self.weight.flatten(1)).view(-1, *self.weight.shape[1:])


class MapToPoint(nn.Conv2d):
    """A convolution whose kernel is as large as the map: a matrix product, which is faster."""

    def forward(self, input: Tensor) -> Tensor:
        return linear(input.flatten(1), self.weight.flatten(1), self.bias)[:, :, None, None]


class DcganGeneratorNetwork(nn.Module):
    """(batch, latent_dim) to (batch, channels, side, side) in [-1, 1]."""

    def __init__(self, latent_dim: int, base_channels: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        doublings = _doublings(shape)
        width = base_channels << (doublings - 1)
        layers: list[nn.Module] = [
            PointToMap(latent_dim, width, SMALLEST_MAP, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
        ]
        for _ in range(doublings - 1):
            layers += [
                nn.ConvTranspose2d(width, width // 2, 4, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(width // 2),
                nn.ReLU(inplace=True),
            ]
            width //= 2
        layers += [nn.ConvTranspose2d(width, shape[0], 4, stride=2, padding=1), nn.Tanh()]
        self.layers = nn.Sequential(*layers)
        _initialise(self)

    def forward(self, noise: Tensor) -> Tensor:
        return self.layers(noise[:, :, None, None])  # type: ignore[no-any-return]


class DcganDiscriminatorNetwork(nn.Module):
    """(batch, channels, side, side) to logits (batch,)."""

    def __init__(self, base_channels: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        width = base_channels
        layers: list[nn.Module] = [
            nn.Conv2d(shape[0], width, 4, stride=2, padding=1),
            nn.LeakyReLU(NEGATIVE_SLOPE, inplace=True),
        ]
        for _ in range(_doublings(shape) - 1):
            layers += [
                nn.Conv2d(width, width * 2, 4, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(width * 2),
                nn.LeakyReLU(NEGATIVE_SLOPE, inplace=True),
            ]
            width *= 2
        layers.append(MapToPoint(width, 1, SMALLEST_MAP))
        self.layers = nn.Sequential(*layers)
        _initialise(self)

    def forward(self, data: Tensor) -> Tensor:
        return torch.flatten(self.layers(data), 0)
