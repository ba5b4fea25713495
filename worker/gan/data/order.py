"""Which examples make up a batch."""

import torch
from torch import Tensor

from worker.gan.noise import Noise, Purpose


class EpochOrder:
    """Which examples make up the b-th batch of a run: the batches cut an endless row of epochs, each a permutation of
    all examples keyed by its number, so that every example comes once an epoch and any batch can be found directly.

    ``examples`` (size,) are the examples to choose from; the first ``size`` by default.
    """

    def __init__(self, size: int, batch_size: int, noise: Noise, examples: Tensor | None = None) -> None:
        self._size = size
        self._batch_size = batch_size
        self._examples = examples
        # Permutations are drawn on the CPU: the order is then the same on every device.
        self._noise = Noise(noise.seed, noise.stream)
        self._device = noise.device
        self._epochs: dict[int, Tensor] = {}

    def indices(self, batch: int) -> Tensor:
        """Indices (batch_size,) of the examples in a batch, on the run's device."""
        start = batch * self._batch_size
        end = start + self._batch_size
        pieces = []
        for number in range(start // self._size, (end - 1) // self._size + 1):
            begun = number * self._size
            pieces.append(self._epoch(number)[max(start - begun, 0) : end - begun])
        return pieces[0] if len(pieces) == 1 else torch.cat(pieces)

    def _epoch(self, number: int) -> Tensor:
        if number not in self._epochs:
            generator = self._noise.generator(Purpose.DATA_ORDER, step=number)
            permutation = torch.randperm(self._size, generator=generator)
            if self._examples is not None:
                permutation = self._examples[permutation]
            if self._device.type == "cuda":  # copied while training goes on: from pageable memory it would wait
                permutation = permutation.pin_memory()
            permutation = permutation.to(self._device, non_blocking=True)
            kept = {key: value for key, value in self._epochs.items() if key == number - 1}
            self._epochs = {**kept, number: permutation}
        return self._epochs[number]
