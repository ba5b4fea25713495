"""The data sets a spec can name."""

from typing import Protocol

import torch
from torch import Tensor

from models.spec import Digits as DigitsSpec
from models.spec import Grid, JobSpec, Ring
from worker.gan.data.digits import Digits
from worker.gan.data.mixtures import GRID, RING, Mixture
from worker.gan.noise import Noise


class Dataset(Protocol):
    """Real data on the run's device."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one example: (channels, height, width) or (features,)."""

    @property
    def fingerprint(self) -> str:
        """SHA-256, in hexadecimal digits, of what the data are; a job refuses to go on with other data."""

    def batch(self, step: int, sub_step: int, out: Tensor | None = None) -> Tensor:
        """The real batch (batch, *shape) of a discriminator update, a function of the step and the sub-step alone;
        into ``out`` where that is given."""

    def reference(self, count: int) -> Tensor:
        """Up to ``count`` real examples (count, *shape) to look at, always the same, on the CPU; safe to call from
        another thread while batches are drawn."""


def load(spec: JobSpec, device: torch.device) -> Dataset:
    """The spec's data set, ready to draw batches from."""
    noise = Noise(spec.seed, device=device)
    match spec.dataset:
        case DigitsSpec():
            return Digits(spec.batch_size, spec.discriminator_steps, noise)
        case Ring():
            return Mixture(RING, spec.batch_size, noise)
        case Grid():
            return Mixture(GRID, spec.batch_size, noise)
