"""What a step takes in from outside: real batches and noise."""

from typing import Protocol

import torch
from torch import Tensor

from models.spec import JobSpec
from worker.gan.data import Dataset
from worker.gan.noise import Noise, Purpose


class Inputs(Protocol):
    """Real batches and noise of one step at a time, functions of the step and the sub-step alone."""

    def go_to(self, step: int) -> None:
        """From now on give what belongs to ``step`` (the first one is 1)."""

    def real(self, sub_step: int) -> Tensor:
        """The real batch (batch, *shape) of a discriminator update."""

    def discriminator_noise(self, sub_step: int) -> Tensor:
        """Noise (batch, latent) for the fake batch of a discriminator update."""

    def generator_noise(self) -> Tensor:
        """Noise (batch, latent) for the generator update."""


class FreshInputs:
    """Tensors that are made when they are asked for: no more of them at a time than an update needs."""

    def __init__(self, spec: JobSpec, data: Dataset, noise: Noise) -> None:
        self._data = data
        self._noise = noise
        self._noise_shape = (spec.batch_size, spec.generator.latent_dim)
        self._step = 0

    def go_to(self, step: int) -> None:
        self._step = step

    def real(self, sub_step: int) -> Tensor:
        return self._data.batch(self._step - 1, sub_step)

    def discriminator_noise(self, sub_step: int) -> Tensor:
        return self._noise.normal(self._noise_shape, Purpose.DISCRIMINATOR_NOISE, self._step, sub_step)

    def generator_noise(self) -> Tensor:
        return self._noise.normal(self._noise_shape, Purpose.GENERATOR_NOISE, self._step)


class StaticInputs:
    """The same numbers in tensors that stay where they are and are filled anew for each step, as a CUDA graph needs
    them: it reads the addresses that it saw when it was captured."""

    def __init__(self, spec: JobSpec, data: Dataset, noise: Noise) -> None:
        self._data = data
        self._noise = noise
        device, updates = noise.device, spec.discriminator_steps
        latent = (spec.batch_size, spec.generator.latent_dim)
        self._real = torch.empty(updates, spec.batch_size, *data.shape, device=device)
        self._discriminator_noise = torch.empty(updates, *latent, device=device)
        self._generator_noise = torch.empty(latent, device=device) if spec.fake_batch == "fresh" else None

    def go_to(self, step: int) -> None:
        for sub_step, (real, noise) in enumerate(zip(self._real, self._discriminator_noise, strict=True)):
            self._data.batch(step - 1, sub_step, out=real)
            self._noise.fill_normal(noise, Purpose.DISCRIMINATOR_NOISE, step, sub_step)
        if self._generator_noise is not None:
            self._noise.fill_normal(self._generator_noise, Purpose.GENERATOR_NOISE, step)

    def real(self, sub_step: int) -> Tensor:
        return self._real[sub_step]

    def discriminator_noise(self, sub_step: int) -> Tensor:
        return self._discriminator_noise[sub_step]

    def generator_noise(self) -> Tensor:
        assert self._generator_noise is not None, "a generator that is updated on reused batches takes no noise"
        return self._generator_noise
