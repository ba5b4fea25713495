"""What a step takes in from outside: real batches, noise, classes to generate, and the chance in augmentation."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from models.spec import JobSpec
from worker.gan.augment import UNIFORMS_PER_EXAMPLE
from worker.gan.data import Dataset
from worker.gan.noise import Noise, Purpose

# What an update of the discriminator has judged: real data, generated data, and points between the two.
JUDGED_PER_UPDATE = 3


class Batch(NamedTuple):
    """``data`` (batch, *shape), or noise (batch, latent_dim); ``labels`` (batch,) are classes, if the run has any."""

    data: Tensor
    labels: Tensor | None


def classes_of(uniforms: Tensor, shares: Tensor) -> Tensor:
    """Classes (n,) that chance (n,) from [0, 1) picks, each as often as its share (classes,) says."""
    return torch.bucketize(uniforms, shares.cumsum(0), right=True).clamp(max=len(shares) - 1)


class Inputs(Protocol):
    """Tensors of one step at a time, functions of the step and the sub-step alone. Sub-steps are the discriminator's
    updates, from 0, and then the generator's."""

    def go_to(self, step: int) -> None:
        """From now on give what belongs to ``step`` (the first one is 1)."""

    def real(self, sub_step: int) -> Batch:
        """Real data of an update."""

    def latent(self, sub_step: int) -> Batch:
        """Noise for the fake batch of an update, and the classes to make."""

    def uniforms(self, sub_step: int, place: int) -> Tensor:
        """Chance (batch, UNIFORMS_PER_EXAMPLE) from [0, 1) for augmenting what an update judges in a place."""

    def shares(self, sub_step: int) -> Tensor:
        """How much of each point between real and generated data is real, (batch / pack,) from [0, 1)."""


class FreshInputs:
    """Tensors that are made when they are asked for: no more of them at a time than an update needs."""

    def __init__(self, spec: JobSpec, data: Dataset, noise: Noise) -> None:
        self._spec = spec
        self._data = data
        self._noise = noise
        self._step = 0
        self._is_labelled = spec.conditional is not None
        self._shares = data.class_shares() if self._is_labelled else torch.empty(0)

    def go_to(self, step: int) -> None:
        self._step = step

    def real(self, sub_step: int) -> Batch:
        labels = self._data.labels(self._step - 1, sub_step) if self._is_labelled else None
        return Batch(self._data.batch(self._step - 1, sub_step), labels)

    def latent(self, sub_step: int) -> Batch:
        shape = (self._spec.batch_size, self._spec.generator.latent_dim)
        # The generator's noise is keyed by a purpose of its own, with no sub-step.
        if sub_step == self._spec.discriminator_steps:
            noise = self._noise.normal(shape, Purpose.GENERATOR_NOISE, self._step)
        else:
            noise = self._noise.normal(shape, Purpose.DISCRIMINATOR_NOISE, self._step, sub_step)
        return Batch(noise, self._classes(sub_step) if self._is_labelled else None)

    def _classes(self, sub_step: int) -> Tensor:
        """Classes as often as the data have them, so that D cannot tell generated data by their class."""
        uniforms = self._noise.uniform((self._spec.batch_size,), Purpose.FAKE_LABELS, self._step, sub_step)
        return classes_of(uniforms, self._shares)

    def uniforms(self, sub_step: int, place: int) -> Tensor:
        shape = (self._spec.batch_size, UNIFORMS_PER_EXAMPLE)
        return self._noise.uniform(shape, Purpose.AUGMENTATION, self._step, JUDGED_PER_UPDATE * sub_step + place)

    def shares(self, sub_step: int) -> Tensor:
        shape = (self._spec.batch_size // self._spec.pack,)
        return self._noise.uniform(shape, Purpose.PENALTY_POINTS, self._step, sub_step)


class StaticInputs:
    """The same numbers in tensors that stay where they are and are filled anew for each step, as a CUDA graph needs
    them: it reads the addresses that it saw when it was captured. What a step takes is learnt from the first one."""

    def __init__(self, fresh: FreshInputs) -> None:
        self._fresh = fresh
        self._held: dict[tuple[str, int, int], tuple[Callable[[], Batch], Batch]] = {}

    def go_to(self, step: int) -> None:
        self._fresh.go_to(step)
        for draw, held in self._held.values():
            for tensor, drawn in zip(held, draw(), strict=True):
                if tensor is not None and drawn is not None:
                    tensor.copy_(drawn)

    def real(self, sub_step: int) -> Batch:
        return self._keep("real", sub_step, 0, lambda: self._fresh.real(sub_step))

    def latent(self, sub_step: int) -> Batch:
        return self._keep("latent", sub_step, 0, lambda: self._fresh.latent(sub_step))

    def uniforms(self, sub_step: int, place: int) -> Tensor:
        return self._keep("uniforms", sub_step, place, lambda: Batch(self._fresh.uniforms(sub_step, place), None)).data

    def shares(self, sub_step: int) -> Tensor:
        return self._keep("shares", sub_step, 0, lambda: Batch(self._fresh.shares(sub_step), None)).data

    def _keep(self, name: str, sub_step: int, place: int, draw: Callable[[], Batch]) -> Batch:
        key = (name, sub_step, place)
        if key not in self._held:
            first = draw()
            held = Batch(first.data.clone(), None if first.labels is None else first.labels.clone())
            self._held[key] = (draw, held)
        return self._held[key][1]
