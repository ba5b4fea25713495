"""What several kinds of networks are made of: the two players' common ends, norms, and widths by resolution."""

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

Normalization = Literal["none", "batch", "layer"]
# A logit for each judged example, and beside it, where the spec asks for it, the logits of its classes.
Judgement = Tensor | tuple[Tensor, Tensor]
SMALLEST_MAP = 4
# Of the vectors of classes beside noise of spread 1. Were both alike, a generator would learn the classes first and
# leave the noise alone for good: on the digits, each class became one picture.
FIRST_CLASS_SPREAD = 0.1

# --- the two players -------------------------------------------------------------------------------------------------


class GeneratorNetwork(nn.Module):
    """Base of the generators: ``forward(noise (batch, latent_dim), labels (batch,) | None)`` to (batch, *shape).

    With ``classes``, a learned vector of the label's class, as long as the noise, is appended to the noise (the
    conditioning of Mirza & Osindero 2014, with a learned vector in place of the class's one-hot code).
    """

    def __init__(self, latent_dim: int, classes: int | None = None) -> None:
        super().__init__()
        self.embedding = nn.Embedding(classes, latent_dim) if classes is not None else None
        self.input_size = latent_dim if classes is None else 2 * latent_dim
        if self.embedding is not None:
            nn.init.normal_(self.embedding.weight, 0.0, FIRST_CLASS_SPREAD)

    def conditioned(self, noise: Tensor, labels: Tensor | None) -> Tensor:
        """What the first layer takes in: (batch, ``input_size``)."""
        return noise if self.embedding is None else torch.cat([noise, self.embedding(labels)], 1)


class Projection(nn.Module):
    """Adds to the logit the inner product of the features and a learned vector of the label's class (Miyato & Koyama
    2018, eq. 3): ψ is the network's last layer, φ all before it, and V is ``layer``."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.layer = nn.Embedding(classes, features)

    def forward(self, logits: Tensor, features: Tensor, labels: Tensor | None) -> Judgement:
        return logits + (self.layer(labels) * features).sum(1)  # type: ignore[no-any-return]


class Classifier(nn.Module):
    """Gives the logits (batch, classes) of the classes beside that of being real (Odena et al. 2017)."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.layer = nn.Linear(features, classes)

    def forward(self, logits: Tensor, features: Tensor, _labels: Tensor | None) -> Judgement:
        return logits, self.layer(features)


# Makes the part of a discriminator that knows of classes, for so many features.
Head = Callable[[int], Projection | Classifier]


class DiscriminatorNetwork(nn.Module):
    """Base of the discriminators: ``forward(data (batch, *shape), labels (batch,) | None)`` to logits (batch,), or to
    ``(logits, class_logits (batch, classes))`` with a classifier. Subclasses set ``head``, ``None`` without classes."""

    head: Projection | Classifier | None

    def features(self, data: Tensor) -> Tensor:
        """What the last layers take in: (batch, features)."""
        raise NotImplementedError

    def logits(self, features: Tensor) -> Tensor:
        """(batch,)"""
        raise NotImplementedError

    def forward(self, data: Tensor, labels: Tensor | None = None) -> Judgement:
        features = self.features(data)
        logits = self.logits(features)
        return logits if self.head is None else self.head(logits, features, labels)


# --- norms -----------------------------------------------------------------------------------------------------------


def map_norms(normalization: Normalization, channels: int) -> list[nn.Module]:
    """The norm of maps (batch, channels, height, width), or nothing. Layer norm is over channels and pixels of an
    example (Ba et al. 2016, eq. 3, as Gulrajani et al. 2017 use it), with a gain and a bias for each channel."""
    match normalization:
        case "batch":
            return [nn.BatchNorm2d(channels)]
        case "layer":
            return [nn.GroupNorm(1, channels)]
        case "none":
            return []


def has_bias(normalization: Normalization) -> bool:
    """Whether a layer before the norm has a use for a bias: batch norm takes any constant of a channel away again."""
    return normalization != "batch"


class ConditionalBatchNorm(nn.Module):
    """Batch norm of maps whose gain and bias belong to the label's class (Dumoulin et al. 2017; in a generator Miyato &
    Koyama 2018). All classes begin with a gain of 1 and a bias of 0."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.gains = nn.Embedding(classes, channels)
        self.biases = nn.Embedding(classes, channels)
        nn.init.ones_(self.gains.weight)
        nn.init.zeros_(self.biases.weight)

    def forward(self, maps: Tensor, labels: Tensor) -> Tensor:
        gains, biases = self.gains(labels), self.biases(labels)
        return gains[:, :, None, None] * self.norm(maps) + biases[:, :, None, None]  # type: ignore[no-any-return]


def conditional_norms(channels: int, classes: int) -> list[nn.Module]:
    """As ``map_norms``, batch norm by class."""
    return [ConditionalBatchNorm(channels, classes)]


# --- widths ----------------------------------------------------------------------------------------------------------


def doublings(shape: Sequence[int], kind: str) -> int:
    """How often 4 must double to give the image's side.

    Raises:
        ValueError: the image is not square, or its side is no power of two from 8 on.
    """
    _, height, width = shape
    side = SMALLEST_MAP
    while side < height:
        side *= 2
    if not height == width == side > SMALLEST_MAP:
        raise ValueError(f"{kind} needs square images whose side is a power of two from 8 on, not {height} x {width}")
    return side.bit_length() - SMALLEST_MAP.bit_length()


def channels_by_level(base_channels: int, levels: int, most: int) -> list[int]:
    """Channels at each of ``levels`` resolutions, the highest first: doubled with each halving of the side, up to
    ``most`` times the base."""
    return [base_channels * min(2**level, most) for level in range(levels)]
