"""How a learning rate or a penalty's weight changes over a run: what its full value is multiplied by at each step."""

import math

from models.spec import Constant, Cosine, Exponential, Linear, Schedule
from models.spec.schedules import CONSTANT


def changes(schedule: Schedule) -> bool:
    """Whether there is a step at which the multiplier is not 1."""
    return schedule != CONSTANT


def factor(schedule: Schedule, step: int, steps: int) -> float:
    """The multiplier at ``step`` (the first one is 1) of a run of ``steps``.

    A warm-up of n steps rises by 1/n at each, from 1/n at the first to 1 at the n-th. The decay then runs from 1 at the
    warm-up's last step, or at the first step of all where there is no warm-up, to exactly ``final_factor`` at
    ``over_steps``, and stays there. A warm-up that is not over by then is cut short.
    """
    if isinstance(schedule, Constant):
        return min(1.0, step / schedule.warm_up_steps) if schedule.warm_up_steps else 1.0
    last = steps if schedule.over_steps is None else schedule.over_steps
    if step >= last:
        return schedule.final_factor
    if step < schedule.warm_up_steps:
        return step / schedule.warm_up_steps
    first = max(schedule.warm_up_steps, 1)
    return _decayed(schedule, (step - first) / (last - first))


def _decayed(schedule: Linear | Cosine | Exponential, progress: float) -> float:
    """Between 1 at a ``progress`` of 0 and ``final_factor`` at 1."""
    final = schedule.final_factor
    match schedule:
        case Linear():
            return 1 + (final - 1) * progress
        case Cosine():
            # Loshchilov & Hutter 2017, equation 5.
            return final + (1 - final) * (1 + math.cos(math.pi * progress)) / 2
        case Exponential():
            return float(final**progress)
