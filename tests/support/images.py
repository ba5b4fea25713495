"""Small image files and data sets of them, made by Pillow."""

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from models.spec import JobSpec

SIDE = 8


def picture(number: int, mode: str = "RGB", size: tuple[int, int] = (SIDE, SIDE)) -> Image.Image:
    """An image of one shade, which says which one it is."""
    return Image.new("L", size, number).convert(mode)


def noise(number: int, size: tuple[int, int] = (64, 64)) -> Image.Image:
    """An image that does not compress, so that a file of it is long."""
    pixels = np.random.default_rng(number).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def fill(folder: Path, count: int, first: int = 0) -> list[Path]:
    """Images of the shades ``first``, ``first + 1``, …, named in that order."""
    return [write(folder / f"{number:03}.png", encoded(picture(number))) for number in range(first, first + count)]


def spec_of(dataset: dict[str, Any], **patch: Any) -> JobSpec:
    """A job on images of side 8, in batches of 4."""
    mlp = {"kind": "mlp", "hidden_sizes": [4]}
    described = {"side": SIDE, "channels": 1} | dataset
    base = {"dataset": described, "generator": mlp, "discriminator": mlp, "steps": 2, "batch_size": 4, "seed": 3}
    return JobSpec.model_validate(base | patch)


def shades(images: Any) -> list[int]:
    """Of images (n, channels, side, side) in [-1, 1] that are of one shade each."""
    return [round((float(image.mean()) + 1) * 127.5) for image in images]


def touched(path: Path) -> None:
    """Give a file another time, as a copy of it has."""
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 10**9))
