"""The engine's losses as numbers: values, and gradients by the logits."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.catalogue import LOSSES as FACTS
from worker.gan.losses import LOSSES

Array = NDArray[np.float64]
Player = Literal["discriminator", "generator"]
PLAYERS: tuple[Player, ...] = ("discriminator", "generator")
KINDS = sorted(LOSSES)


@dataclass(frozen=True)
class LossValue:
    """A player's loss in nats, and its derivatives by the real and by the fake logits (batch,)."""

    value: float
    by_real: Array
    by_fake: Array


def played(kind: str, player: Player, real: Tensor, fake: Tensor) -> Tensor:
    """A player's loss by the engine."""
    loss = LOSSES[kind]
    if player == "discriminator":
        return loss.discriminator(real, fake)
    return loss.generator(fake, real) if FACTS[kind].paired else loss.generator(fake)


def differentiated(kind: str, player: Player, real: Array, fake: Array) -> LossValue:
    """A player's loss by the engine, and its derivatives by autograd, all in float64."""
    leaves = [torch.tensor(values, dtype=torch.float64, requires_grad=True) for values in (real, fake)]
    value = played(kind, player, *leaves)
    assert (value.dtype, value.shape) == (torch.float64, ())
    by_real, by_fake = torch.autograd.grad(value, leaves, allow_unused=True, materialize_grads=True)
    return LossValue(value.item(), by_real.numpy(), by_fake.numpy())
