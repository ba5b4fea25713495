"""1,797 handwritten digits, 8 x 8 pixels, from scikit-learn's installed files: no download."""

import hashlib

import numpy as np
import numpy.typing as npt
import torch
from sklearn.datasets import load_digits

from worker.gan.data.examples import Examples, Sampling
from worker.gan.data.stores import HeldStore
from worker.gan.noise import Noise

BRIGHTEST = 16.0
CLASSES = tuple("0123456789")


def load_images() -> npt.NDArray[np.float32]:
    """All images as float32 (1797, 1, 8, 8) in [-1, 1], ink bright on dark."""
    pixels: npt.NDArray[np.float32] = load_digits().images.astype(np.float32)
    return (pixels / (BRIGHTEST / 2) - 1)[:, None]


def load_labels() -> npt.NDArray[np.int64]:
    """The digit (1797,) that each image shows."""
    labels: npt.NDArray[np.int64] = load_digits().target.astype(np.int64)
    return labels


class Digits(Examples):
    """The digits on the run's device; a batch is a gather by index."""

    def __init__(self, batch_size: int, batches_per_step: int, noise: Noise, validation_fraction: float = 0.0) -> None:
        images = load_images()
        super().__init__(
            HeldStore(torch.from_numpy(images).to(noise.device)),
            len(images),
            hashlib.sha256(images.tobytes()).hexdigest(),
            Sampling(batch_size, batches_per_step, noise, validation_fraction),
            load_labels(),
            CLASSES,
        )
