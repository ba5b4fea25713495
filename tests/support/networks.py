"""Tiny networks of every kind."""

from typing import Any

import torch
from support.engine import job
from torch import Tensor, nn

from models.spec import JobSpec
from worker.gan.networks.parts import ConditionalBatchNorm
from worker.gan.networks.r3gan import ResidualBlock

TINY: dict[str, dict[str, Any]] = {
    "mlp": {"hidden_sizes": [8, 6]},
    "dcgan": {"base_channels": 4},
    "resnet": {"base_channels": 4},
    "r3gan": {"base_channels": 8, "group_channels": 4},
}
LATENT = 5
CLASSES = 3


def players(kind: str, side: int = 8, channels: int = 1, conditional: str | None = None, **both: Any) -> JobSpec:
    """A spec whose two networks are of one kind, with the options ``both``, on images with three classes."""
    network = {"kind": kind} | TINY[kind] | both
    return job(
        dataset={"kind": "npz", "path": "images.npz", "side": side, "channels": channels, "label_array": "labels"},
        generator=network | {"latent_dim": LATENT},
        discriminator=network,
        conditional=None if conditional is None else {"kind": conditional},
    )


def noise_and_labels(batch: int = 6, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    """Noise of every network here, and labels that have all classes."""
    chance = torch.Generator().manual_seed(1)
    return torch.randn(batch, LATENT, generator=chance, dtype=dtype), torch.arange(batch) % CLASSES


def stirred(network: nn.Module) -> nn.Module:
    """The network, without the zeros and ones that some of its weights begin with and that hide others."""
    chance = torch.Generator().manual_seed(2)
    hiding = [module.conv3.weight for module in network.modules() if isinstance(module, ResidualBlock)]
    for module in network.modules():
        if isinstance(module, ConditionalBatchNorm):
            hiding += [module.gains.weight, module.biases.weight]
    with torch.no_grad():
        for weight in hiding:
            weight.add_(0.3 * torch.randn(weight.shape, generator=chance, dtype=weight.dtype))
    return network
