"""What turns images into features in which distances mean something."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

# Images that pass a network at once.
CHUNK = 256


class Extractor(Protocol):
    """``name`` is the ending of the numbers' names that its features give, as in ``fid_inception``."""

    @property
    def name(self) -> str: ...

    def features(self, images: Tensor) -> Tensor:
        """Features (count, features), float64 on the CPU, of images (count, channels, side, side) in [-1, 1]."""


@torch.no_grad()
def in_chunks(network: nn.Module, images: Tensor, device: torch.device) -> Tensor:
    """What a network on ``device`` answers to images on the CPU (count, channels, side, side): float64 on the CPU."""
    return torch.cat([network(chunk.to(device)).double().cpu() for chunk in torch.split(images, CHUNK)])


def to_bytes(images: Tensor) -> Tensor:
    """Images in [-1, 1] as unsigned bytes, the way they are saved: 0 is black, 255 white."""
    return ((images.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)


@dataclass(frozen=True)
class NetworkExtractor:
    """Features that a network in evaluation mode makes of images."""

    name: str
    network: nn.Module
    device: torch.device

    def features(self, images: Tensor) -> Tensor:
        return in_chunks(self.network, images, self.device)
