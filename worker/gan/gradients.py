"""Gradients of one player's loss by its own parameters, and what is done with them."""

import torch
from torch import Tensor
from torch.optim import Optimizer


def update(optimizer: Optimizer, loss: Tensor, learns: bool) -> Tensor:
    """One optimiser step of the player whose parameters the optimiser holds, if it ``learns``; returns the Euclidean
    norm of the gradient, before the step."""
    norm = _backward(optimizer, loss, keep=False)
    if learns:
        optimizer.step()
    _clear(optimizer)
    return norm


def measure(optimizer: Optimizer, loss: Tensor) -> Tensor:
    """The Euclidean norm of the gradient of a loss, whose graph is kept for another."""
    norm = _backward(optimizer, loss, keep=True)
    _clear(optimizer)
    return norm


@torch.no_grad()
def clip(optimizer: Optimizer, limit: float) -> None:
    """Bring every parameter to within ± ``limit`` (Arjovsky 2017, algorithm 1, line 7)."""
    parameters = _parameters(optimizer)
    torch._foreach_clamp_min_(parameters, -limit)
    torch._foreach_clamp_max_(parameters, limit)


def _backward(optimizer: Optimizer, loss: Tensor, keep: bool) -> Tensor:
    parameters = _parameters(optimizer)
    # With inputs named, the other player's weights get no gradient and cost no time. ``autograd.grad`` would not do:
    # its gradients may be laid out in memory otherwise than their parameters, and fused optimisers do not look.
    torch.autograd.backward(loss, inputs=parameters, retain_graph=keep)
    norm: Tensor = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(_gradients(parameters))))
    return norm


def _gradients(parameters: list[Tensor]) -> list[Tensor]:
    return [parameter.grad for parameter in parameters if parameter.grad is not None]


def _clear(optimizer: Optimizer) -> None:
    for parameter in _parameters(optimizer):
        parameter.grad = None


def _parameters(optimizer: Optimizer) -> list[Tensor]:
    parameters: list[Tensor] = optimizer.param_groups[0]["params"]
    return parameters
