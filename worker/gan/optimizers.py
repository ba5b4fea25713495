"""The optimisers, which are torch's own, made so that nothing in a step waits for the device."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop

import models.spec
from worker.gan.schedules import changes


def build_optimizer(spec: models.spec.Optimizer, parameters: Iterable[nn.Parameter]) -> Optimizer:
    """The spec's optimiser of ``parameters``, all on one device, at the spec's full learning rate.

    ``adam``: Kingma & Ba 2015, algorithm 1. ``adamw``: Loshchilov & Hutter 2019, algorithm 2, weight decay times the
    learning rate. ``rmsprop``: Tieleman & Hinton 2012, epsilon outside the root. ``sgd``: v = momentum · v + gradient,
    weights - rate · v, without dampening or Nesterov's look ahead (Polyak 1964; the rate is not inside v).
    """
    held = list(parameters)
    rate = _learning_rate(spec, held[0].device)
    # On a GPU the count of steps, too, must be there for a graph to be captured. SGD counts none.
    capturable = held[0].is_cuda
    match spec:
        case models.spec.Adam():
            return Adam(held, lr=rate, betas=spec.betas, eps=spec.epsilon, fused=True, capturable=capturable)
        case models.spec.AdamW():
            return AdamW(
                held,
                lr=rate,
                betas=spec.betas,
                eps=spec.epsilon,
                weight_decay=spec.weight_decay,
                fused=True,
                capturable=capturable,
            )
        case models.spec.RmsProp():
            # There is no fused one.
            return RMSprop(held, lr=rate, alpha=spec.smoothing, eps=spec.epsilon, capturable=capturable)
        case models.spec.Sgd():
            # Unless fused, it would ask the GPU for the learning rate.
            return SGD(held, lr=rate, momentum=spec.momentum, fused=True)


def set_learning_rate(optimizer: Optimizer, value: float) -> None:
    """Give all of the optimiser's parameters a learning rate, without waiting for the device: in place where it is a
    tensor, so that steps that were captured go by it."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(value)
        else:
            group["lr"] = value


def state_names(spec: models.spec.Optimizer) -> frozenset[str]:
    """What the optimiser keeps for each parameter, by the names that its state gives it; all but ``step`` are of the
    parameter's size. One cannot go on from the state of another that keeps other things."""
    match spec:
        case models.spec.Adam() | models.spec.AdamW():
            return frozenset({"step", "exp_avg", "exp_avg_sq"})
        case models.spec.RmsProp():
            return frozenset({"step", "square_avg"})
        case models.spec.Sgd():
            return frozenset({"momentum_buffer"} if spec.momentum else ())


def _learning_rate(spec: models.spec.Optimizer, device: torch.device) -> float | Tensor:
    """A tensor where a captured step must see it change. One that never does stays a Python number, which is more
    precise than the float32 that torch's kernels take a tensor in."""
    if device.type == "cpu" or not changes(spec.schedule):
        return spec.learning_rate
    return torch.tensor(spec.learning_rate, dtype=torch.float32, device=device)
