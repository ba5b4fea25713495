"""Images in an array of an .npz file."""

import contextlib
import zipfile
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from models.spec import Npz
from worker.gan.data.arrays import StoredArray
from worker.gan.data.build import NOT_DECODED, Example, Item
from worker.gan.data.decoding import BRIGHTEST, MOST_PIXELS, fit
from worker.gan.data.folders import confined, state_of
from worker.gan.data.problems import DataUnusable, one_line

CHANNELS = (1, 3)
# Of the members of an archive that are arrays.
SUFFIX = ".npy"
# What an archive that is damaged, encrypted or none makes its readers raise.
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)


class NpzSource:
    """The images of one array, and the classes of another.

    Raises (from the constructor and ``items``):
        DataUnusable: the file, or an array in it, is not what the spec says.
    """

    label_field = "dataset.label_array"

    def __init__(self, spec: Npz, root: Path) -> None:
        self._spec = spec
        self.path = spec.path
        self._file = confined(root, spec.path)
        if not self._file.is_file():
            raise DataUnusable("dataset.path", f"there is no file `{spec.path}` under the data root")
        self.shape = spec.shape
        self.is_labelled = spec.has_labels
        self.description: dict[str, Any] = {"file": str(self._file), **spec.model_dump(exclude=NOT_DECODED)}

    def signature(self) -> str:
        return state_of(self._file.stat())

    def items(self) -> Generator[Item, None, None]:
        channels, side, _ = self.shape
        with self._opened(self._spec.array, "dataset.array") as array:
            axes = _image_axes(array)
            labels = self._labels(array.shape[0]) if self.is_labelled else None
            number = 0
            for piece in array.pieces():
                for image in self._as_bytes(piece.transpose(0, *axes), array):
                    label = None if labels is None else int(labels[number])
                    yield Example(fit(Image.fromarray(image), channels, side), label)
                    number += 1

    def class_name(self, label: int | str) -> str:
        return str(label)

    def _labels(self, count: int) -> npt.NDArray[Any]:
        with self._opened(self._spec.label_array or "", self.label_field) as array:
            if array.dtype.kind not in "iu":
                array.refuse(f"holds {array.dtype}: classes must be whole numbers")
            if array.shape != (count,):
                array.refuse(f"has the shape {array.shape}: it must be ({count},), one class for each image")
            labels = np.concatenate(list(array.pieces()))
            if labels.min() < 0:
                array.refuse(f"holds {labels.min()}: classes must be 0 or more")
            return labels

    def _as_bytes(self, images: npt.NDArray[Any], array: StoredArray) -> npt.NDArray[np.uint8]:
        """Images (n, height, width) or (n, height, width, 3) from black to white."""
        if images.ndim == 4 and images.shape[3] == 1:
            images = images[..., 0]
        if images.dtype == np.uint8:
            return np.ascontiguousarray(images)
        if not np.isfinite(images).all():
            array.refuse("holds NaN or infinity")
        black, white = self._spec.value_range
        bytes_ = (images.astype(np.float64) - black) * (BRIGHTEST / (white - black))
        # What is rounded to black or white all the same may lie a little outside.
        if bytes_.min() < -0.5 or bytes_.max() > BRIGHTEST + 0.5:
            found = f"{images.min():g} to {images.max():g}"
            raise DataUnusable(
                "dataset.value_range", f"the array `{self._spec.array}` holds {found}, beyond {black:g} to {white:g}"
            )
        return bytes_.round().clip(0, BRIGHTEST).astype(np.uint8)

    @contextlib.contextmanager
    def _opened(self, name: str, field: str) -> Iterator[StoredArray]:
        try:
            with zipfile.ZipFile(self._file) as archive:
                held = [member.removesuffix(SUFFIX) for member in archive.namelist() if member.endswith(SUFFIX)]
                if name not in held:
                    there = f"it holds: {', '.join(held)}" if held else f"nothing in it is named `*{SUFFIX}`"
                    raise DataUnusable(field, f"`{self.path}` holds no array `{name}`; {there}")
                with archive.open(f"{name}{SUFFIX}") as file:
                    yield StoredArray(file, field, name)
        except DAMAGED as error:
            raise DataUnusable("dataset.path", f"`{self.path}` is no whole .npz file: {one_line(error)}") from error


def _image_axes(array: StoredArray) -> tuple[int, ...]:
    """The axes of height, width and, where there is one, channels of an array that can hold images."""
    if array.dtype != np.uint8 and array.dtype.kind != "f":
        array.refuse(f"holds {array.dtype}: images must be uint8 or floats")
    if len(array.shape) not in (3, 4):
        array.refuse(f"has the shape {array.shape}: images must have 3 axes, or 4 with channels last or second")
    axes: tuple[int, ...] = (1, 2)
    if len(array.shape) == 4:
        last, second = array.shape[3] in CHANNELS, array.shape[1] in CHANNELS
        if last == second:
            what = "each could be the channels" if last else "none holds 1 or 3 channels"
            array.refuse(f"has the shape {array.shape}: of its second and last axis {what}")
        axes = (1, 2, 3) if last else (2, 3, 1)
    height, width = array.shape[axes[0]], array.shape[axes[1]]
    if height * width > MOST_PIXELS:
        array.refuse(f"holds images of {height} x {width} pixels: there may be at most {MOST_PIXELS:,}")
    return axes
