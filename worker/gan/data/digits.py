"""1,797 handwritten digits, 8 x 8 pixels, from scikit-learn's installed files: no download."""

import hashlib

import numpy as np
import numpy.typing as npt
import torch
from sklearn.datasets import load_digits
from torch import Tensor

from worker.gan.noise import Noise, Purpose

BRIGHTEST = 16.0


def load_images() -> npt.NDArray[np.float32]:
    """All images as float32 (1797, 1, 8, 8) in [-1, 1], ink bright on dark."""
    pixels: npt.NDArray[np.float32] = load_digits().images.astype(np.float32)
    return (pixels / (BRIGHTEST / 2) - 1)[:, None]


class EpochOrder:
    """Which examples make up the b-th batch of a run: the batches cut an endless row of epochs, each a permutation of
    all examples keyed by its number, so that every example comes once an epoch and any batch can be found directly."""

    def __init__(self, size: int, batch_size: int, noise: Noise) -> None:
        self._size = size
        self._batch_size = batch_size
        # Permutations are drawn on the CPU: the order is then the same on every device.
        self._noise = Noise(noise.seed, noise.stream)
        self._device = noise.device
        self._epochs: dict[int, Tensor] = {}

    def indices(self, batch: int) -> Tensor:
        """Indices (batch_size,) of the examples in a batch, on the run's device."""
        start = batch * self._batch_size
        first, last = start // self._size, (start + self._batch_size - 1) // self._size
        row = torch.cat([self._epoch(number) for number in range(first, last + 1)])
        offset = start - first * self._size
        return row[offset : offset + self._batch_size]

    def _epoch(self, number: int) -> Tensor:
        if number not in self._epochs:
            generator = self._noise.generator(Purpose.DATA_ORDER, step=number)
            permutation = torch.randperm(self._size, generator=generator)
            if self._device.type == "cuda":  # copied while training goes on: from pageable memory it would wait
                permutation = permutation.pin_memory()
            permutation = permutation.to(self._device, non_blocking=True)
            kept = {key: value for key, value in self._epochs.items() if key == number - 1}
            self._epochs = {**kept, number: permutation}
        return self._epochs[number]


class Digits:
    """The digits on the run's device; a batch is a gather by index."""

    def __init__(self, batch_size: int, batches_per_step: int, noise: Noise) -> None:
        images = load_images()
        self.fingerprint = hashlib.sha256(images.tobytes()).hexdigest()
        self._images = torch.from_numpy(images).to(noise.device)
        self._batches_per_step = batches_per_step
        self._order = EpochOrder(len(images), batch_size, noise)

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self._images.shape[1:])

    def batch(self, step: int, sub_step: int, out: Tensor | None = None) -> Tensor:
        indices = self._order.indices(step * self._batches_per_step + sub_step)
        return torch.index_select(self._images, 0, indices, out=out)

    def reference(self, count: int) -> Tensor:
        return self._images[:count].cpu()
