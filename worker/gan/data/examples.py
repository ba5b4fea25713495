"""A finite data set: what is trained on, what is held out, and the batches of a run."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from models.spec import validation_count
from worker.gan.data.order import EpochOrder
from worker.gan.data.problems import Problem
from worker.gan.data.stores import Store
from worker.gan.noise import Noise, Purpose


@dataclass(frozen=True)
class Sampling:
    """How a run takes examples: ``batches_per_step`` batches of ``batch_size``; none of the share that is held out."""

    batch_size: int
    batches_per_step: int
    noise: Noise
    validation_fraction: float = 0.0


class Examples:
    """Examples by number, in batches that are functions of (step, sub_step); ``labels`` (size,) are their classes."""

    def __init__(
        self,
        store: Store,
        size: int,
        fingerprint: str,
        sampling: Sampling,
        labels: npt.NDArray[np.int64] | None = None,
        classes: Sequence[str] = (),
        problems: Sequence[Problem] = (),
    ) -> None:
        self._store = store
        self.size = size
        self.fingerprint = fingerprint
        self.classes = tuple(classes)
        self.problems = tuple(problems)
        self._noise = sampling.noise
        self._batches_per_step = sampling.batches_per_step
        training, self._validation = _split(size, sampling)
        chooser = Noise(sampling.noise.seed, sampling.noise.stream, store.device)
        self._order = EpochOrder(len(training), sampling.batch_size, chooser, training)
        generator = Noise(sampling.noise.seed, sampling.noise.stream).generator(Purpose.EVALUATION_REAL)
        self._shown = training[torch.randperm(len(training), generator=generator)]
        self._labels = torch.from_numpy(labels) if labels is not None else None
        if self._labels is not None:
            shares = torch.bincount(self._labels[training], minlength=len(self.classes)) / len(training)
            self._shares = shares.to(torch.float32).to(self._noise.device)
            self._labels_to_gather = self._labels.to(store.device)

    @property
    def shape(self) -> tuple[int, ...]:
        return self._store.shape

    def batch(self, step: int, sub_step: int) -> Tensor:
        return self._store.gather(self._indices(step, sub_step))

    def labels(self, step: int, sub_step: int) -> Tensor:
        self._check_labelled()
        chosen = torch.index_select(self._labels_to_gather, 0, self._indices(step, sub_step))
        if chosen.device.type != self._noise.device.type:
            chosen = chosen.pin_memory().to(self._noise.device, non_blocking=True)
        return chosen

    def class_shares(self) -> Tensor:
        self._check_labelled()
        return self._shares

    def reference(self, count: int) -> Tensor:
        return self._store.read(self._shown[:count])

    def labelled(self, count: int) -> tuple[Tensor, Tensor | None]:
        return self._read(self._shown[:count])

    def held_out(self, count: int) -> tuple[Tensor, Tensor | None] | None:
        return self._read(self._validation[:count]) if len(self._validation) else None

    def _read(self, chosen: Tensor) -> tuple[Tensor, Tensor | None]:
        return self._store.read(chosen), None if self._labels is None else self._labels[chosen]

    def _indices(self, step: int, sub_step: int) -> Tensor:
        return self._order.indices(step * self._batches_per_step + sub_step)

    def _check_labelled(self) -> None:
        if self._labels is None:
            raise ValueError("the examples have no labels")


def _split(size: int, sampling: Sampling) -> tuple[Tensor, Tensor]:
    """The numbers of the examples to train on, in order, and of those held out, in a random one; by the seed alone."""
    count = validation_count(size, sampling.validation_fraction)
    generator = Noise(sampling.noise.seed, sampling.noise.stream).generator(Purpose.HELD_OUT_EXAMPLES)
    shuffled = torch.randperm(size, generator=generator)
    return shuffled[count:].sort().values, shuffled[:count]
