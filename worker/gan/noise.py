"""Everything random is a function of (seed, stream, purpose, step, sub-step), never of a generator's hidden state.

A run that resumes at a step therefore sees the numbers that the undisturbed run saw, whatever happened before.
"""

import hashlib
import struct
from enum import StrEnum

import torch


class Purpose(StrEnum):
    """What random numbers are for; each purpose draws from a sequence of its own."""

    GENERATOR_WEIGHTS = "generator_weights"
    DISCRIMINATOR_WEIGHTS = "discriminator_weights"
    DATA_ORDER = "data_order"
    REAL_POINTS = "real_points"
    DISCRIMINATOR_NOISE = "discriminator_noise"
    GENERATOR_NOISE = "generator_noise"
    SAMPLE_NOISE = "sample_noise"
    REFERENCE_POINTS = "reference_points"
    HELD_OUT_EXAMPLES = "held_out_examples"
    FAKE_LABELS = "fake_labels"
    AUGMENTATION = "augmentation"
    PENALTY_POINTS = "penalty_points"
    EVALUATION_NOISE = "evaluation_noise"
    EVALUATION_LABELS = "evaluation_labels"
    EVALUATION_REAL = "evaluation_real"
    HEALTH_FIXED_NOISE = "health_fixed_noise"
    HEALTH_NOISE = "health_noise"
    HEALTH_LABELS = "health_labels"
    HEALTH_REGIONS = "health_regions"


def keyed_seed(seed: int, stream: int, purpose: Purpose, step: int = 0, sub_step: int = 0) -> int:
    """A 63-bit number that depends on every argument (BLAKE2b of their packed values)."""
    packed = struct.pack("<QQQQ", seed, stream, step, sub_step) + purpose.value.encode()
    return int.from_bytes(hashlib.blake2b(packed, digest_size=8).digest(), "little") >> 1


class Noise:
    """Random numbers for one run on one device. ``stream`` tells apart runs that share a seed and must differ."""

    def __init__(self, seed: int, stream: int = 0, device: torch.device | None = None) -> None:
        self.seed = seed
        self.stream = stream
        self.device = device or torch.device("cpu")
        # Seeded anew for each draw; kept because making one costs more than seeding it.
        self._generator = torch.Generator(self.device)

    def generator(self, purpose: Purpose, step: int = 0, sub_step: int = 0) -> torch.Generator:
        """A generator at the start of the sequence for these arguments, good until the next call."""
        return self._generator.manual_seed(keyed_seed(self.seed, self.stream, purpose, step, sub_step))

    def normal(self, shape: tuple[int, ...], purpose: Purpose, step: int = 0, sub_step: int = 0) -> torch.Tensor:
        """Standard normal numbers of ``shape`` on the run's device."""
        return torch.randn(shape, generator=self.generator(purpose, step, sub_step), device=self.device)

    def uniform(self, shape: tuple[int, ...], purpose: Purpose, step: int = 0, sub_step: int = 0) -> torch.Tensor:
        """Numbers of ``shape`` from [0, 1) on the run's device."""
        return torch.rand(shape, generator=self.generator(purpose, step, sub_step), device=self.device)
