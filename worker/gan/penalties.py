"""Penalties on the gradient of the discriminator's logit by its input: terms of its loss, recorded apart from it."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from models.spec import R1, R2, GradientPenalty, Regularizer


def squared_gradient_norm(logits: Tensor, data: Tensor) -> Tensor:
    """‖∇D‖² for each logit (n,), by the data (n * pack, *shape) that it was given for; examples that are judged
    together count as one point. Differentiable, so that a penalty can be made of it."""
    (gradient,) = torch.autograd.grad(logits.sum(), data, create_graph=True)
    return gradient.reshape(len(logits), -1).square().sum(1)


def zero_centered_penalty(logits: Tensor, data: Tensor) -> Tensor:
    """½ E‖∇D‖² at ``data``: R1 at real data, R2 at generated (Mescheder 2018, eqs. 9 and 10), for a weight γ of 1."""
    return squared_gradient_norm(logits, data).mean() / 2


def centered_penalty(logits: Tensor, data: Tensor, center: float) -> Tensor:
    """E(‖∇D‖ - center)² at ``data`` (Gulrajani 2017, eq. 3), for a weight λ of 1."""
    squared = squared_gradient_norm(logits, data)
    if center == 0:
        return squared.mean()
    # The root's slope at 0 is infinite, and 0 times it NaN: there, the smallest normal number.
    return (squared.clamp(min=torch.finfo(squared.dtype).tiny).sqrt() - center).square().mean()


def between(real: Tensor, fake: Tensor, shares: Tensor) -> Tensor:
    """Points on the straight lines from generated to real data (Gulrajani 2017, algorithm 1), a leaf to differentiate
    by. ``shares`` (n,) says how much of each is real; where n is less than the batch, a pack's examples have one share.
    """
    shares = shares.repeat_interleave(len(real) // len(shares)).view(-1, *[1] * (real.dim() - 1))
    return torch.lerp(fake, real, shares).requires_grad_()


@dataclass(frozen=True)
class Judged:
    """One discriminator update's data with the logits that they got, in one graph, and what gives logits to others."""

    real: Tensor
    real_logits: Tensor
    fake: Tensor
    fake_logits: Tensor
    judge: Callable[[Tensor], Tensor]


def penalty(regularizer: Regularizer, judged: Judged, shares: Callable[[], Tensor]) -> Tensor:
    """A regulariser's penalty with a weight of 1; ``shares`` draws what mixes real with generated data."""
    match regularizer:
        case R1():
            return zero_centered_penalty(judged.real_logits, judged.real)
        case R2():
            return zero_centered_penalty(judged.fake_logits, judged.fake)
        case GradientPenalty():
            points = between(judged.real.detach(), judged.fake.detach(), shares())
            return centered_penalty(judged.judge(points), points, regularizer.center)
