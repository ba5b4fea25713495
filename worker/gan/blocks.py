"""Rows of metrics on their way from the device: one copy for many steps."""

import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch

from worker.gan.events import MetricsBlock

# The first columns of every block.
LOSS_NAMES = ("d_loss", "g_loss")


class NonFiniteLoss(Exception):
    """A loss became NaN or infinite; ``step`` says when and ``names`` which."""

    def __init__(self, step: int, names: list[str]) -> None:
        self.step = step
        self.names = names
        super().__init__(f"{' and '.join(names)} became non-finite at step {step}")


Rows = npt.NDArray[np.float32]


class Block:
    """Rows of metrics that stay on the device until the block is taken. ``watch`` is given every row (rows, metrics),
    in order, when the block is shown or taken; none after one with a non-finite loss."""

    def __init__(
        self,
        names: tuple[str, ...],
        device: torch.device,
        steps: int,
        seconds: float,
        watch: Callable[[Rows], None] = lambda _: None,
    ) -> None:
        self._watch = watch
        self._watched = 0
        self._rows = torch.empty(steps, len(names), device=device)
        self._count = 0
        self._first_step = 0
        self._seconds = seconds
        self._due_at = 0.0
        self._names = names

    def add(self, step: int, row: torch.Tensor) -> None:
        if self._count == 0:
            self._first_step = step
            self._due_at = time.monotonic() + self._seconds
        self._rows[self._count] = row
        self._count += 1

    def is_due(self) -> bool:
        return self._count == len(self._rows) or (self._count > 0 and time.monotonic() >= self._due_at)

    def show(self) -> bool:
        """Let the watch see the rows so far, which stay; returns whether their losses are finite, and shows none where
        they are not."""
        values = self._values(self._watched)
        if not np.isfinite(values[:, : len(LOSS_NAMES)]).all():
            return False
        self._watch(values)
        self._watched = self._count
        return True

    def take(self) -> tuple[MetricsBlock, NonFiniteLoss | None]:
        """The rows so far, cut after the first one with a non-finite loss, and that failure."""
        values = self._values(0)
        bad = ~np.isfinite(values[:, : len(LOSS_NAMES)])
        failure = None
        if bad.any():
            row = int(bad.any(axis=1).argmax())
            values = values[: row + 1]
            names = [name for name, is_bad in zip(LOSS_NAMES, bad[row], strict=True) if is_bad]
            failure = NonFiniteLoss(self._first_step + row, names)
        self._watch(values[self._watched :])
        self._count = self._watched = 0
        return MetricsBlock(self._first_step, self._names, values), failure

    def _values(self, first: int) -> Rows:
        """The rows from the ``first`` on: one wait for the device."""
        return self._rows[first : self._count].cpu().numpy().copy()
