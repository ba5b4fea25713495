"""Residual networks of SNGAN (Miyato et al. 2018, appendix B.4) for square images whose side is a power of two from 8
on.

With 128 x 128 images and 64 base channels they are those of its table for ImageNet, layer by layer; with other images,
there are as many blocks as there are halvings. Where resampling and a 1 x 1 convolution commute, they come in the order
that costs less. Weights begin as in the authors' code: Glorot's uniform ones (Glorot & Bengio 2010, eq. 16), times √2
in the residual branches, and biases at 0.
"""

import math
from itertools import pairwise

from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, relu

from worker.gan.networks.parts import (
    SMALLEST_MAP,
    ConditionalBatchNorm,
    DiscriminatorNetwork,
    GeneratorNetwork,
    Head,
    Normalization,
    channels_by_level,
    doublings,
    has_bias,
    map_norms,
)

WIDEST = 16
BRANCH_GAIN = math.sqrt(2)


def _convolution(inputs: int, outputs: int, size: int, gain: float = 1.0, bias: bool = True) -> nn.Conv2d:
    """A convolution that keeps the side, with its first weights."""
    layer = nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=bias)
    _initialise(layer, gain)
    return layer


def _initialise(layer: nn.Conv2d | nn.Linear | nn.Embedding, gain: float = 1.0) -> None:
    nn.init.xavier_uniform_(layer.weight, gain)
    if not isinstance(layer, nn.Embedding) and layer.bias is not None:
        nn.init.zeros_(layer.bias)


def _norm(normalization: Normalization, channels: int, classes: int | None = None) -> nn.Module:
    if normalization == "batch" and classes is not None:
        return ConditionalBatchNorm(channels, classes)
    return nn.Sequential(*map_norms(normalization, channels))


class UpsamplingBlock(nn.Module):
    """(norm, ReLU, 3 x 3 convolution) twice, beside a 1 x 1 convolution, and twice the side: each pixel becomes four
    before the first convolution."""

    def __init__(self, inputs: int, outputs: int, normalization: Normalization, classes: int | None = None) -> None:
        super().__init__()
        # Under batch norm, what any of these biases adds to a channel is taken away by the norms that follow, the one
        # at the generator's end included.
        bias = has_bias(normalization)
        self.norm1 = _norm(normalization, inputs, classes)
        self.conv1 = _convolution(inputs, outputs, 3, BRANCH_GAIN, bias)
        self.norm2 = _norm(normalization, outputs, classes)
        self.conv2 = _convolution(outputs, outputs, 3, BRANCH_GAIN, bias)
        self.shortcut = _convolution(inputs, outputs, 1, bias=bias)

    def forward(self, maps: Tensor, labels: Tensor | None = None) -> Tensor:
        branch = self.conv1(_doubled(relu(_normalised(self.norm1, maps, labels))))
        branch = self.conv2(relu(_normalised(self.norm2, branch, labels)))
        return branch + _doubled(self.shortcut(maps))  # type: ignore[no-any-return]


def _normalised(norm: nn.Module, maps: Tensor, labels: Tensor | None) -> Tensor:
    return norm(maps, labels) if isinstance(norm, ConditionalBatchNorm) else norm(maps)  # type: ignore[no-any-return]


def _doubled(maps: Tensor) -> Tensor:
    return interpolate(maps, scale_factor=2, mode="nearest")


class DownsamplingBlock(nn.Module):
    """(norm, ReLU, 3 x 3 convolution) twice, beside a 1 x 1 convolution, and half the side by average pooling. The
    discriminator's first block begins with the convolution; its last one has neither pooling nor a convolution beside.
    """

    def __init__(self, inputs: int, outputs: int, normalization: Normalization, is_first: bool, is_last: bool) -> None:
        super().__init__()
        hidden = outputs if is_first else inputs
        self.start = nn.Sequential() if is_first else nn.Sequential(_norm(normalization, inputs), nn.ReLU())
        self.conv1 = _convolution(inputs, hidden, 3, BRANCH_GAIN, has_bias(normalization))
        self.norm2 = _norm(normalization, hidden)
        self.conv2 = _convolution(hidden, outputs, 3, BRANCH_GAIN)
        self.shortcut = None if is_last else _convolution(inputs, outputs, 1)

    def forward(self, maps: Tensor) -> Tensor:
        branch = self.conv2(relu(self.norm2(self.conv1(self.start(maps)))))
        if self.shortcut is None:
            return branch + maps  # type: ignore[no-any-return]
        return avg_pool2d(branch, 2) + self.shortcut(avg_pool2d(maps, 2))  # type: ignore[no-any-return]


class ResnetGeneratorNetwork(GeneratorNetwork):
    """(batch, latent_dim) to (batch, channels, side, side) in [-1, 1]. With classes, batch norm is conditional in every
    block, and only without batch norm are the classes appended to the noise."""

    def __init__(
        self,
        latent_dim: int,
        base_channels: int,
        shape: tuple[int, ...],
        normalization: Normalization = "batch",
        classes: int | None = None,
    ) -> None:
        super().__init__(latent_dim, classes if normalization != "batch" else None)
        widths = channels_by_level(base_channels, doublings(shape, "resnet") + 1, WIDEST)[::-1]
        self.first = nn.Linear(self.input_size, widths[0] * SMALLEST_MAP**2)
        _initialise(self.first)
        self.blocks = nn.ModuleList(
            UpsamplingBlock(inputs, outputs, normalization, classes) for inputs, outputs in pairwise(widths)
        )
        self.norm = _norm(normalization, widths[-1])
        self.last = _convolution(widths[-1], shape[0], 3)

    def forward(self, noise: Tensor, labels: Tensor | None = None) -> Tensor:
        maps = self.first(self.conditioned(noise, labels)).unflatten(1, (-1, SMALLEST_MAP, SMALLEST_MAP))
        for block in self.blocks:
            maps = block(maps, labels)
        return self.last(relu(self.norm(maps))).tanh()  # type: ignore[no-any-return]


class ResnetDiscriminatorNetwork(DiscriminatorNetwork):
    """(batch, channels, side, side) to logits (batch,). Its features are the last maps, summed over all pixels."""

    def __init__(
        self,
        base_channels: int,
        shape: tuple[int, ...],
        normalization: Normalization = "none",
        head: Head | None = None,
    ) -> None:
        super().__init__()
        widths = channels_by_level(base_channels, doublings(shape, "resnet"), WIDEST)
        blocks = [DownsamplingBlock(shape[0], widths[0], normalization, is_first=True, is_last=False)]
        for inputs, outputs in pairwise(widths):
            blocks.append(DownsamplingBlock(inputs, outputs, normalization, is_first=False, is_last=False))
        blocks.append(DownsamplingBlock(widths[-1], widths[-1], normalization, is_first=False, is_last=True))
        self.blocks = nn.Sequential(*blocks)
        self.last = nn.Linear(widths[-1], 1)
        self.head = head(widths[-1]) if head is not None else None
        for layer in [self.last] if self.head is None else [self.last, self.head.layer]:
            _initialise(layer)

    def features(self, data: Tensor) -> Tensor:
        return relu(self.blocks(data)).sum((2, 3))

    def logits(self, features: Tensor) -> Tensor:
        return self.last(features).squeeze(1)  # type: ignore[no-any-return]
