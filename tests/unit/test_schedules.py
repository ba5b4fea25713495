"""Schedules against torch's own, where it has an equal one, and at the steps that matter."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter, ValidationError
from torch.optim import SGD
from torch.optim.lr_scheduler import (
    CosineAnnealingLR,
    ExponentialLR,
    LinearLR,
    LRScheduler,
    SequentialLR,
)

from models.spec import Schedule
from worker.gan.schedules import factor

STEPS = 30
Scheduler = Callable[[SGD], LRScheduler]


def schedule(kind: str, **fields: Any) -> Schedule:
    made: Schedule = TypeAdapter(Schedule).validate_python({"kind": kind, **fields})
    return made


def course(of: Schedule, steps: int = STEPS) -> list[float]:
    return [factor(of, step, steps) for step in range(1, steps + 1)]


def torchs_course(scheduler: Scheduler) -> list[float]:
    """The learning rates of a torch scheduler whose optimiser's is 1."""
    optimizer = SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    by = scheduler(optimizer)
    rates = []
    for _ in range(STEPS):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        by.step()
    return rates


DECAYS: dict[str, tuple[dict[str, Any], Callable[[SGD, int], LRScheduler]]] = {
    "linear": ({"final_factor": 0.25}, lambda held, steps: LinearLR(held, 1.0, 0.25, total_iters=steps)),
    "cosine": ({"final_factor": 0.1}, lambda held, steps: CosineAnnealingLR(held, T_max=steps, eta_min=0.1)),
    "exponential": ({"final_factor": 0.01}, lambda held, steps: ExponentialLR(held, gamma=0.01 ** (1 / steps))),
}


@pytest.mark.parametrize("kind", sorted(DECAYS))
def test_a_decay_over_the_whole_run_is_torchs(kind: str) -> None:
    fields, scheduler = DECAYS[kind]
    # From the first step to the last there are as many intervals as steps but one.
    expected = torchs_course(lambda optimizer: scheduler(optimizer, STEPS - 1))
    assert course(schedule(kind, **fields)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("kind", sorted(DECAYS))
def test_a_decay_after_a_warm_up_is_torchs_two_in_sequence(kind: str) -> None:
    fields, scheduler = DECAYS[kind]

    def sequence(optimizer: SGD) -> LRScheduler:
        warm_up = LinearLR(optimizer, start_factor=1 / 5, end_factor=1.0, total_iters=4)
        return SequentialLR(optimizer, [warm_up, scheduler(optimizer, STEPS - 5)], milestones=[4])

    assert course(schedule(kind, warm_up_steps=5, **fields)) == pytest.approx(torchs_course(sequence), rel=1e-12)


@pytest.mark.parametrize("kind", sorted(DECAYS))
def test_a_decay_ends_where_it_says_and_stays_there(kind: str) -> None:
    fields, _ = DECAYS[kind]
    values = course(schedule(kind, over_steps=12, **fields))
    assert values[0] == 1.0
    assert values[11:] == [fields["final_factor"]] * 19
    assert values[:12] == course(schedule(kind, **fields), steps=12)
    assert values[:12] == sorted(values[:12], reverse=True)


def test_a_decay_that_reaches_past_the_run_is_not_over_at_its_end() -> None:
    assert course(schedule("linear", over_steps=59)) == pytest.approx([1 - step / 58 for step in range(STEPS)])


def test_the_middle_of_each_decay_is_its_mean() -> None:
    middle = {kind: factor(schedule(kind, final_factor=0.01), 6, 11) for kind in ("linear", "cosine", "exponential")}
    assert middle == pytest.approx({"linear": 0.505, "cosine": 0.505, "exponential": 0.1})


@pytest.mark.parametrize("kind", ["linear", "cosine", "exponential"])
def test_a_schedule_can_rise(kind: str) -> None:
    values = course(schedule(kind, final_factor=4.0))
    assert (values[0], values[-1]) == (1.0, 4.0)
    assert values == sorted(values)


def test_a_warm_up_rises_by_the_same_amount_at_every_step() -> None:
    values = course(schedule("constant", warm_up_steps=4))
    assert values == [0.25, 0.5, 0.75] + [1.0] * 27


def test_without_a_warm_up_a_constant_is_the_full_value() -> None:
    assert course(schedule("constant")) == [1.0] * STEPS


def test_a_warm_up_that_is_not_over_in_time_is_cut_short() -> None:
    cut = schedule("linear", warm_up_steps=10, final_factor=0.5)
    assert [factor(cut, step, 3) for step in range(1, 6)] == [0.1, 0.2, 0.5, 0.5, 0.5]


@pytest.mark.parametrize("over_steps", [9, 10])
def test_a_decay_that_is_over_before_its_warm_up_is_refused(over_steps: int) -> None:
    with pytest.raises(ValidationError, match="must be more than warm_up_steps, which is 10"):
        schedule("linear", warm_up_steps=10, over_steps=over_steps)


def test_a_run_of_one_step_is_at_the_end() -> None:
    assert factor(schedule("cosine", final_factor=0.5), 1, 1) == 0.5
    assert factor(schedule("constant"), 1, 1) == 1.0
