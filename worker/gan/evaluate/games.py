"""What an evaluation asks of the run that it looks at."""

from typing import Protocol

from torch import Tensor


class Generate(Protocol):
    def __call__(self, count: int) -> tuple[Tensor, Tensor | None]:
        """As many generated examples (count, *shape), float32 on the CPU, and the classes (count,) that they were asked
        to be of, ``None`` where the run has no classes. Called once in an evaluation, for all of the examples: those of
        a second call need not be others."""


class Judge(Protocol):
    def __call__(self, data: Tensor, labels: Tensor | None) -> Tensor:
        """The discriminator's logits (count,) of real or generated examples on the CPU, each by itself. ``labels``
        (count,) are their classes where the run has classes."""
