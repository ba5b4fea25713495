"""Parts that the specs of the labelled set are put together from: networks, data, penalties."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.health_yardstick import tiny_split
from worker.gan.data.digits import load_images

Content = dict[str, Any]
POINT_STEPS, IMAGE_STEPS = 2400, 1600
TINY_FILE = "tiny-{count}.npz"
IMAGES = ("digits", "npz")


def mlp(sizes: list[int], learning_rate: float, kind: str = "adam", **more: Any) -> Content:
    """An MLP; what belongs to its optimiser goes there."""
    return {"kind": "mlp", "hidden_sizes": sizes} | _with_optimizer(learning_rate, kind, more)


def dcgan(channels: int, learning_rate: float, kind: str = "adam", **more: Any) -> Content:
    """A DCGAN, likewise."""
    return {"kind": "dcgan", "base_channels": channels} | _with_optimizer(learning_rate, kind, more)


def _with_optimizer(learning_rate: float, kind: str, more: Content) -> Content:
    optimizer = {"kind": kind, "learning_rate": learning_rate}
    optimizer |= {name: more.pop(name) for name in ("betas", "momentum") if name in more}
    return {"optimizer": optimizer, **more}


def ring(modes: int, radius: float, deviation: float) -> Content:
    """Round Gaussians, evenly on a circle."""
    angles = [2 * math.pi * k / modes for k in range(modes)]
    return _mixture([[radius * math.cos(angle), radius * math.sin(angle)] for angle in angles], deviation)


def lattice(side: int, spacing: float, deviation: float) -> Content:
    """Round Gaussians, ``side`` by ``side`` of them around 0."""
    at = [spacing * (k - (side - 1) / 2) for k in range(side)]
    return _mixture([[x, y] for x in at for y in at], deviation)


def _mixture(means: list[list[float]], deviation: float) -> Content:
    return {"kind": "mixture", "means": means, "covariances": [[[deviation**2, 0.0], [0.0, deviation**2]]]}


def tiny(count: int) -> Content:
    """A file of so many digits."""
    return {"kind": "npz", "path": TINY_FILE.format(count=count), "side": 8, "channels": 1}


def write_tiny_files(root: Path) -> None:
    """The small files of digits that ``tiny`` names, under the data root."""
    root.mkdir(parents=True, exist_ok=True)
    kept = tiny_split()[0]
    for count in (16, 32, 64):
        np.savez(root / TINY_FILE.format(count=count), images=load_images()[kept[:count], 0])


def penalties(weight: float, *kinds: str) -> Content:
    """Penalties of this weight: R1 and R2 unless ``kinds`` says which."""
    return {"regularizers": [{"kind": kind, "weight": weight} for kind in kinds or ("r1", "r2")]}


def job(
    data: Content, generator: Content, discriminator: Content, loss: str = "non_saturating", **more: Any
) -> Content:
    """What a spec holds; ``clip`` and ``penalty_weight`` go to the loss."""
    images = data["kind"] in IMAGES
    settings = {name: more.pop(name) for name in ("clip", "penalty_weight") if name in more}
    common: Content = {"steps": IMAGE_STEPS if images else POINT_STEPS, "batch_size": 64 if images else 128}
    loss_part: Content = {"kind": loss} | settings
    parts: Content = {"dataset": data, "generator": generator, "discriminator": discriminator, "loss": loss_part}
    return parts | common | more


EIGHT, NINE, ONE, TWO = ring(8, 1.0, 0.1), lattice(3, 2.0, 0.2), ring(1, 1.0, 0.3), ring(2, 1.0, 0.2)
TWO_APART, THREE_APART = ring(2, 5.0, 0.3), ring(3, 5.0, 0.3)
RING, GRID = {"kind": "ring"}, {"kind": "grid"}
# Half of the digits are held out, for the truth alone.
DIGITS = {"kind": "digits", "validation_fraction": 0.5}
SMALL, WIDE = [64, 64], [256, 256]
CALM: Content = {"betas": [0.0, 0.9]}
HEAVY: Content = {"betas": [0.9, 0.999]}


def calm(learning_rate: float = 1e-3, sizes: list[int] = SMALL, latent_dim: int = 8) -> tuple[Content, Content]:
    """Both players, MLPs with Adam as it suits a GAN."""
    return mlp(sizes, learning_rate, latent_dim=latent_dim, **CALM), mlp(sizes, learning_rate, **CALM)


def pair(learning_rate: float, kind: str = "adam", latent_dim: int = 8, **more: Any) -> tuple[Content, Content]:
    """Both players, small MLPs with the same optimiser."""
    return mlp(SMALL, learning_rate, kind, latent_dim=latent_dim, **more), mlp(SMALL, learning_rate, kind, **more)


def convolutions(learning_rate: float, **more: Any) -> tuple[Content, Content]:
    """Both players, narrow DCGANs; ``more`` is the discriminator's."""
    return dcgan(16, learning_rate, latent_dim=32, **CALM), dcgan(16, learning_rate, **CALM, **more)


# What ``calm`` takes for digits.
DIGITS_CALM = (5e-4, [128, 128], 32)
