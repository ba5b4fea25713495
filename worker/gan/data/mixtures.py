"""Mixtures of Gaussians with known modes: data without end, drawn afresh for every batch."""

import hashlib
import math
from dataclasses import dataclass

import torch
from torch import Tensor

from worker.gan.noise import Noise, Purpose


@dataclass(frozen=True)
class MixtureParameters:
    """Equally likely modes (x, y) and the standard deviation around each, in both directions."""

    modes: tuple[tuple[float, float], ...]
    standard_deviation: float


# Metz et al. 2017 and Srivastava et al. 2017 (VEEGAN); scale as in GANs' usual tables.
RING = MixtureParameters(
    tuple((math.cos(2 * math.pi * k / 8), math.sin(2 * math.pi * k / 8)) for k in range(8)), standard_deviation=0.01
)
GRID = MixtureParameters(
    tuple((float(x), float(y)) for x in range(-4, 5, 2) for y in range(-4, 5, 2)), standard_deviation=0.05
)


class Mixture:
    """Points of a mixture, a function of (step, sub_step)."""

    shape = (2,)

    def __init__(self, parameters: MixtureParameters, batch_size: int, noise: Noise) -> None:
        self.parameters = parameters
        self.fingerprint = hashlib.sha256(repr(parameters).encode()).hexdigest()
        self._batch_size = batch_size
        self._noise = noise
        self._modes = torch.tensor(parameters.modes, dtype=torch.float32, device=noise.device)

    def batch(self, step: int, sub_step: int, out: Tensor | None = None) -> Tensor:
        return self._draw(self._batch_size, self._noise.generator(Purpose.REAL_POINTS, step, sub_step), out)

    def reference(self, count: int) -> Tensor:
        # Pictures are drawn on another thread: a generator of their own, not the one that training draws from.
        noise = Noise(self._noise.seed, self._noise.stream, self._noise.device)
        return self._draw(count, noise.generator(Purpose.REFERENCE_POINTS)).cpu()

    def _draw(self, count: int, generator: torch.Generator, out: Tensor | None = None) -> Tensor:
        device = self._noise.device
        modes = torch.randint(len(self._modes), (count,), generator=generator, device=device)
        offsets = torch.randn(count, 2, generator=generator, device=device)
        return torch.add(self._modes[modes], offsets, alpha=self.parameters.standard_deviation, out=out)
