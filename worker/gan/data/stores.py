"""Where the examples of a finite data set lie, and how some of them become a batch."""

from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from worker.gan.data.decoding import BRIGHTEST

# Up to here images are held on the device, as bytes: no copy from the host for each batch.
MOST_HELD_BYTES = 256 * 2**20


class Store(Protocol):
    """Examples by index."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one example."""

    @property
    def device(self) -> torch.device:
        """Where ``gather`` wants its indices."""

    def gather(self, indices: Tensor) -> Tensor:
        """Examples (n, *shape) float32 on the run's device."""

    def read(self, indices: Tensor) -> Tensor:
        """The same examples on the CPU, by indices on the CPU; safe beside ``gather`` on another thread."""


class HeldStore:
    """All examples on the run's device: (count, *shape), float32 as they are, or bytes from black to white."""

    def __init__(self, values: Tensor) -> None:
        self._values = values
        self.shape = tuple(values.shape[1:])
        self.device = values.device

    def gather(self, indices: Tensor) -> Tensor:
        if self._values.dtype is torch.float32:
            return torch.index_select(self._values, 0, indices)
        return as_floats(torch.index_select(self._values, 0, indices))

    def read(self, indices: Tensor) -> Tensor:
        chosen = torch.index_select(self._values, 0, indices.to(self.device)).cpu()
        return chosen if chosen.dtype is torch.float32 else as_floats(chosen)


class MappedStore:
    """Bytes (count, *shape) in a memory-mapped file: no more of them come into memory than a batch takes."""

    device = torch.device("cpu")

    def __init__(self, values: npt.NDArray[np.uint8], device: torch.device) -> None:
        self._values = values
        self._run_device = device
        self.shape = tuple(values.shape[1:])

    def gather(self, indices: Tensor) -> Tensor:
        # Pinned memory is copied from while training goes on; its allocator gives it to nobody before that is done.
        pinned = self._run_device.type == "cuda"
        chosen = torch.empty((len(indices), *self.shape), dtype=torch.uint8, pin_memory=pinned)
        np.take(self._values, indices.numpy(), axis=0, out=chosen.numpy(), mode="clip")  # `raise` would copy once more
        return as_floats(chosen.to(self._run_device, non_blocking=True))

    def read(self, indices: Tensor) -> Tensor:
        return as_floats(torch.from_numpy(self._values[indices.numpy()]))


def as_floats(pixels: Tensor) -> Tensor:
    """Bytes as float32: black is -1, white is 1, exactly."""
    return torch.div(pixels, BRIGHTEST / 2).sub_(1)


def hold(images: npt.NDArray[np.uint8], device: torch.device) -> Store:
    """Bytes (count, *shape) of a memory-mapped file: on the device where they are few, else left where they are."""
    if images.nbytes <= MOST_HELD_BYTES:
        return HeldStore(torch.from_numpy(np.array(images)).to(device))
    return MappedStore(images, device)
