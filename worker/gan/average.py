"""An exponential moving average of a network's weights."""

import copy

import torch
from torch import Tensor, nn


class MovingAverage(nn.Module):
    """The average of a network: weights as it was after its first update, then ``decay`` of themselves and the rest of
    the network's; buffers as they are in the network.

    As torch's ``AveragedModel``, with whose checkpoints it shares its names, but without a branch on a value of the
    device: that would wait for a GPU at every step, and cannot be captured in a graph.
    """

    n_averaged: Tensor

    def __init__(self, network: nn.Module, decay: float) -> None:
        super().__init__()
        self.module = copy.deepcopy(network)
        self.decay = decay
        device = next(network.parameters()).device
        self.register_buffer("n_averaged", torch.tensor(0, dtype=torch.long, device=device))

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Take in the network as it is after an update."""
        is_first = self.n_averaged == 0
        # 1 at the first update, which copies the weights.
        share = is_first.float().clamp(min=1 - self.decay)
        for averaged, weights in zip(self.module.parameters(), network.parameters(), strict=True):
            averaged.lerp_(weights, share)
        for kept, current in zip(self.module.buffers(), network.buffers(), strict=True):
            kept.copy_(current)
        self.n_averaged += 1
