"""What changes from step to step by the spec alone: who learns, learning rates, and the weights of penalties."""

import torch
from torch import Tensor
from torch.optim import Optimizer

from models.spec import JobSpec
from worker.gan.optimizers import set_learning_rate
from worker.gan.schedules import changes, factor


class Controls:
    """The settings of one step at a time, functions of the step alone, so that they need no place in a checkpoint.

    Attributes:
        generator_learns, discriminator_learns: whether each player is updated, or held fixed.
        weights: of each penalty that is due in this step, by its kind, as tensors that a captured step may read.
    """

    def __init__(self, spec: JobSpec, device: torch.device) -> None:
        self._spec = spec
        self.generator_learns = self.discriminator_learns = True
        self._penalties = spec.penalties
        self._all_weights = {penalty.kind: torch.zeros((), device=device) for penalty in self._penalties}
        self.weights: dict[str, Tensor] = {}

    @property
    def is_pretrained(self) -> bool:
        """Whether the players take turns in which only one of them learns."""
        return self._spec.discriminator.pretrain_steps > 0

    def redraws_discriminator(self, step: int) -> bool:
        """Whether a new discriminator begins with this step."""
        return self.is_pretrained and 0 < self._spec.discriminator.pretrain_after == step - 1

    def go_to(self, step: int, generator_optimizer: Optimizer, discriminator_optimizer: Optimizer) -> None:
        """Set everything for ``step`` (the first one is 1)."""
        judge = self._spec.discriminator
        begun = judge.pretrain_after + judge.pretrain_steps
        self.generator_learns = not judge.pretrain_after < step <= begun
        self.discriminator_learns = not (judge.frozen and step > begun)
        for player, optimizer in (
            (self._spec.generator, generator_optimizer),
            (judge, discriminator_optimizer),
        ):
            spec = player.optimizer
            if changes(spec.schedule):
                rate = spec.learning_rate * factor(spec.schedule, step, self._spec.steps)
                set_learning_rate(optimizer, rate)
        self._set_weights(step)

    def _set_weights(self, step: int) -> None:
        self.weights = {}
        for penalty in self._penalties:
            if (step - 1) % penalty.interval == 0:
                weight = penalty.weight * penalty.interval * factor(penalty.schedule, step, self._spec.steps)
                self.weights[penalty.kind] = self._all_weights[penalty.kind].fill_(weight)
