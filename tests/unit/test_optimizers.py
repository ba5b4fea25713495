"""Every optimiser against its paper's rule in float64 NumPy, and through a checkpoint to the last bit."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pydantic import TypeAdapter
from support.engine import CPU, MLP, MLP_JUDGE, assert_went_on_exactly, job, run, snapshot_at
from torch import Tensor, nn

from models.spec import Optimizer
from worker.gan import checkpoint
from worker.gan.data import load
from worker.gan.execution import put_back
from worker.gan.loop import new_game
from worker.gan.optimizers import build_optimizer, set_learning_rate, state_names
from worker.gan.step import play_step

Array = NDArray[np.float64]
STEPS = 7
START = np.array([1.5, -0.3, 0.02, 4.0])
# Gradients of very different sizes, one of them 0 at first.
GRADIENTS = np.random.default_rng(5).normal(size=(STEPS, 4)) * np.array([1.0, 1e-3, 1e3, 1.0])
GRADIENTS[:2, 3] = 0.0

SPECS: dict[str, dict[str, Any]] = {
    "adam": {"kind": "adam", "learning_rate": 0.1, "betas": [0.5, 0.9], "epsilon": 1e-3},
    "adamw": {"kind": "adamw", "learning_rate": 0.1, "betas": [0.0, 0.99], "epsilon": 1e-3, "weight_decay": 0.3},
    "rmsprop": {"kind": "rmsprop", "learning_rate": 0.1, "smoothing": 0.9, "epsilon": 1e-3},
    "sgd": {"kind": "sgd", "learning_rate": 0.1},
    "sgd with momentum": {"kind": "sgd", "learning_rate": 0.1, "momentum": 0.8},
}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def spec_of(name: str, **patch: Any) -> Optimizer:
    made: Optimizer = TypeAdapter(Optimizer).validate_python(SPECS[name] | patch)
    return made


def adam(
    weights: Array, rate: float = 0.1, decay: float = 0.0, betas: tuple[float, float] = (0.5, 0.9)
) -> Iterator[Array]:
    """Kingma & Ba 2015, algorithm 1; with a decay, Loshchilov & Hutter 2019, algorithm 2, line 12, where what they call
    the schedule multiplier is the learning rate, as in all libraries."""
    first, second = np.zeros_like(weights), np.zeros_like(weights)
    for t, gradient in enumerate(GRADIENTS, start=1):
        first = betas[0] * first + (1 - betas[0]) * gradient
        second = betas[1] * second + (1 - betas[1]) * gradient**2
        step = (first / (1 - betas[0] ** t)) / (np.sqrt(second / (1 - betas[1] ** t)) + 1e-3)
        weights = weights - rate * step - rate * decay * weights
        yield weights


def adamw(weights: Array) -> Iterator[Array]:
    return adam(weights, decay=0.3, betas=(0.0, 0.99))


def rmsprop(weights: Array) -> Iterator[Array]:
    """Tieleman & Hinton 2012, slide 29: the gradient divided by the root of the running mean of its square."""
    square = np.zeros_like(weights)
    for gradient in GRADIENTS:
        square = 0.9 * square + 0.1 * gradient**2
        weights = weights - 0.1 * gradient / (np.sqrt(square) + 1e-3)
        yield weights


def descent(weights: Array, momentum: float = 0.0) -> Iterator[Array]:
    velocity = np.zeros_like(weights)
    for gradient in GRADIENTS:
        velocity = momentum * velocity + gradient
        weights = weights - 0.1 * velocity
        yield weights


RULES: dict[str, Callable[[Array], Iterator[Array]]] = {
    "adam": adam,
    "adamw": adamw,
    "rmsprop": rmsprop,
    "sgd": descent,
    "sgd with momentum": lambda weights: descent(weights, 0.8),
}


@pytest.mark.parametrize("name", sorted(SPECS))
def test_the_weights_move_by_the_papers_rule(name: str) -> None:
    held = nn.Parameter(torch.tensor(START))
    optimizer = build_optimizer(spec_of(name), [held])
    for gradient, expected in zip(GRADIENTS, RULES[name](START), strict=True):
        held.grad = torch.tensor(gradient)
        optimizer.step()
        np.testing.assert_allclose(held.detach().numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize("name", sorted(SPECS))
def test_the_learning_rate_is_the_one_set_last(name: str) -> None:
    held, other = (nn.Parameter(torch.tensor(START)) for _ in range(2))
    changed = build_optimizer(spec_of(name), [held])
    made_so = build_optimizer(spec_of(name, learning_rate=0.025), [other])
    set_learning_rate(changed, 0.025)
    for gradient in GRADIENTS:
        held.grad, other.grad = torch.tensor(gradient), torch.tensor(gradient)
        changed.step()
        made_so.step()
    assert torch.equal(held, other)


def test_a_learning_rate_in_a_tensor_is_changed_where_it_is() -> None:
    """As a captured step needs it, which reads the place that it saw."""
    held = nn.Parameter(torch.tensor(START))
    optimizer = build_optimizer(spec_of("sgd"), [held])
    rate = torch.tensor(0.1)
    optimizer.param_groups[0]["lr"] = rate
    set_learning_rate(optimizer, 0.5)
    assert optimizer.param_groups[0]["lr"] is rate
    assert rate.item() == 0.5


@pytest.mark.parametrize("kind", ["adam", "adamw"])
def test_adam_is_made_as_ever_so_that_old_checkpoints_go_on_exactly(kind: str) -> None:
    optimizer = build_optimizer(spec_of(kind, learning_rate=3e-4), [nn.Parameter(torch.zeros(2))])
    (group,) = optimizer.param_groups
    chosen = {name: group[name] for name in ("lr", "eps", "fused", "capturable", "amsgrad", "maximize")}
    assert chosen == {"lr": 3e-4, "eps": 1e-3, "fused": True, "capturable": False, "amsgrad": False, "maximize": False}
    assert isinstance(group["lr"], float)


@pytest.mark.parametrize("name", sorted(SPECS))
def test_what_an_optimiser_keeps_is_what_it_says(name: str) -> None:
    held = nn.Parameter(torch.tensor(START))
    optimizer = build_optimizer(spec_of(name), [held])
    held.grad = torch.tensor(GRADIENTS[0])
    optimizer.step()
    kept: dict[str, Tensor] = optimizer.state.get(held, {})
    assert set(kept) == state_names(spec_of(name))
    assert all(value.shape == held.shape for name, value in kept.items() if name != "step")


def patch_of(name: str, **patch: Any) -> dict[str, Any]:
    optimizer = SPECS[name] | {"learning_rate": 0.01} | patch
    return {"generator": MLP | {"optimizer": optimizer}, "discriminator": MLP_JUDGE | {"optimizer": optimizer}}


@pytest.mark.parametrize("name", sorted(SPECS))
def test_a_run_goes_on_exactly_from_a_checkpoint(name: str) -> None:
    """With a learning rate that changes, and by way of the files."""
    schedule = {"kind": "cosine", "warm_up_steps": 3}
    spec = job(steps=9, checkpoint_every=4, **patch_of(name, schedule=schedule))
    through = run(spec)
    kept = checkpoint.from_files(checkpoint.to_files(snapshot_at(through, 4)))
    of_state = {key.split("/")[2] for key in kept.tensors if key.startswith("generator_optimizer/")}
    assert of_state == state_names(spec.generator.optimizer)
    assert_went_on_exactly(run(spec, resume_from=kept), through, 4, 9)


@pytest.mark.parametrize("name", sorted(SPECS))
def test_steps_that_were_put_back_leave_no_trace(name: str) -> None:
    """As a captured step's warm-up is: an optimiser that begins with zeros must go on as one that begins."""
    spec = job(**patch_of(name))
    plain, warmed_up = (new_game(spec, load(spec, CPU), CPU) for _ in range(2))
    with put_back(warmed_up):
        for _ in range(2):
            play_step(warmed_up)
    for _ in range(4):
        assert torch.equal(play_step(warmed_up), play_step(plain))
