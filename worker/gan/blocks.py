"""Rows of metrics on their way from the device: one copy for many steps."""

import time

import numpy as np
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


class Block:
    """Rows of metrics that stay on the device until the block is taken."""

    def __init__(self, names: tuple[str, ...], device: torch.device, steps: int, seconds: float) -> None:
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

    def take(self) -> tuple[MetricsBlock, NonFiniteLoss | None]:
        """The rows so far, cut after the first one with a non-finite loss, and that failure."""
        values = self._rows[: self._count].cpu().numpy().copy()  # the one wait for the device
        self._count = 0
        bad = ~np.isfinite(values[:, : len(LOSS_NAMES)])
        failure = None
        if bad.any():
            row = int(bad.any(axis=1).argmax())
            values = values[: row + 1]
            names = [name for name, is_bad in zip(LOSS_NAMES, bad[row], strict=True) if is_bad]
            failure = NonFiniteLoss(self._first_step + row, names)
        return MetricsBlock(self._first_step, self._names, values), failure
